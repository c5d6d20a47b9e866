import type { PodView } from './pod.ts';

/** A value for tests: a ready pod of a ReplicaSet on node-1, changed where a test says so. */
export function samplePod(name: string, overrides: Partial<PodView> = {}): PodView {
  return {
    namespace: 'default',
    name,
    uid: `uid-of-${name}`,
    nodeName: 'node-1',
    labels: {},
    phase: 'Running',
    createdAt: '2024-12-01T00:00:00Z',
    terminating: false,
    deletionGracePeriodSeconds: null,
    finalizers: [],
    ready: true,
    terminationGracePeriodSeconds: 30,
    priority: 0,
    priorityClassName: '',
    mirror: false,
    controller: { apiVersion: 'apps/v1', kind: 'ReplicaSet', name: 'web', uid: 'rs-1' },
    hasEmptyDir: false,
    ...overrides,
  };
}
