import type { NodeView } from '../core/node.ts';
import { listAndWatch } from './list-watch.ts';
import { toNodeView } from './node-api.ts';
import type { Transport } from './transport.ts';

export type NodeListener = {
  /** The Node as it is now; null when there is none of that name. Called on every change, not only ours. */
  onNode(node: NodeView | null): void;
  /** The watch is interrupted and will be tried again. */
  onProblem(error: Error): void;
};

/** Follows one Node until the signal. */
export function watchNode(
  transport: Transport,
  nodeName: string,
  { onNode, onProblem }: NodeListener,
  signal: AbortSignal,
): Promise<void> {
  const node = { path: '/api/v1/nodes', fieldSelector: `metadata.name=${nodeName}`, what: `node ${nodeName}` };
  const listener = {
    onList: ([object]: readonly unknown[]) => onNode(object === undefined ? null : toNodeView(object)),
    onEvent: (type: string, object: unknown) => onNode(type === 'DELETED' ? null : toNodeView(object)),
    onProblem,
  };
  return listAndWatch(transport, node, listener, signal);
}
