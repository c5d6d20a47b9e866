import { randomUUID } from 'node:crypto';
import type { Simulator } from '../simulator.ts';
import type { ObjectDraft } from '../types.ts';

/** The nodes of the story; each gets an agent. */
export const NODE_NAMES = ['node-a', 'node-b', 'node-c'] as const;

/** The one that gets sick. */
export const SICK_NODE = 'node-b';

/** The one that gets sick while the first still is, and has to wait for the budget. */
export const SECOND_SICK_NODE = 'node-c';

type NodeName = (typeof NODE_NAMES)[number];

/** The pod on a node that a drain leaves alone. */
export function daemonSetPodOn(nodeName: NodeName): string {
  return `kube-system/log-shipper-${NODE_NAMES.indexOf(nodeName)}`;
}

/** What runs on every node, and what looks after it. */
const WORKLOADS = [
  { namespace: 'shop', name: 'web', controller: 'ReplicaSet' },
  { namespace: 'shop', name: 'orders-db', controller: 'StatefulSet' },
  { namespace: 'kube-system', name: 'log-shipper', controller: 'DaemonSet' },
] as const;

/** Puts the nodes and their pods into an empty cluster, as kubelets and controllers would have left them. */
export function seedCluster(simulator: Simulator): void {
  const controllerUids = new Map(WORKLOADS.map(({ name }) => [name, randomUUID()]));
  for (const { namespace, name, controller } of WORKLOADS) {
    // A drain leaves a DaemonSet's pods alone, and asks whether there is one.
    if (controller === 'DaemonSet')
      simulator.seed({ kind: controller, metadata: { namespace, name, uid: controllerUids.get(name) } });
  }
  for (const [index, nodeName] of NODE_NAMES.entries()) {
    simulator.seed(node(nodeName, index), kubeletLease(nodeName));
    for (const { namespace, name, controller } of WORKLOADS) {
      const uid = controllerUids.get(name) ?? '';
      const owner = { apiVersion: 'apps/v1', kind: controller, name, uid, controller: true };
      simulator.seed({
        kind: 'Pod',
        metadata: { name: `${name}-${index}`, namespace, labels: { app: name }, ownerReferences: [owner] },
        spec: { nodeName, containers: [{ name: 'main', image: `registry.example/${name}:1` }] },
        status: { phase: 'Running', conditions: [{ type: 'Ready', status: 'True' }] },
      });
    }
  }
}

function node(name: string, index: number): ObjectDraft {
  const now = new Date().toISOString().replace(/\.\d+Z$/, 'Z');
  const resources = { cpu: '4', memory: '16Gi', pods: '110' };
  return {
    kind: 'Node',
    metadata: {
      name,
      labels: {
        'kubernetes.io/hostname': name,
        'topology.kubernetes.io/zone': `zone-${index + 1}`,
        role: 'storage',
      },
    },
    spec: {},
    status: {
      capacity: resources,
      allocatable: resources,
      addresses: [{ type: 'Hostname', address: name }],
      conditions: [
        {
          type: 'Ready',
          status: 'True',
          reason: 'KubeletReady',
          message: 'kubelet is posting ready status',
          lastHeartbeatTime: now,
          lastTransitionTime: now,
        },
      ],
    },
  };
}

/** `kubectl describe node` looks for it. */
function kubeletLease(nodeName: string): ObjectDraft {
  const spec = { holderIdentity: nodeName, leaseDurationSeconds: 40 };
  return { kind: 'Lease', metadata: { name: nodeName, namespace: 'kube-node-lease' }, spec };
}
