import type { KubeObject } from '../harness/api-client.ts';
import type { Taint } from '../harness/nodes.ts';

export const OURS: Taint = { key: 'nodeServiceCheckFailed', value: 'true', effect: 'NoSchedule' };

export const THEIRS: Taint = { key: 'example.com/theirs', effect: 'NoExecute' };

export function nodePath(name: string): string {
  return `/api/v1/nodes/${name}`;
}

export function taintsOf(node: KubeObject): unknown {
  return node.spec?.taints;
}
