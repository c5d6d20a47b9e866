import type { NodeView } from '../core/node.ts';
import { listAndWatch } from './list-watch.ts';
import { toNodeView } from './node-api.ts';
import type { Metadata } from './shape.ts';
import type { Transport } from './transport.ts';

export type NodeListener = {
  /**
   * The Node as it is now; null when there is none of that name. Called on every change, not only ours. A server that
   * delivers an older view again is not corrected: the view says its version.
   */
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
  const node = {
    path: '/api/v1/nodes',
    kind: 'Node',
    fieldSelector: `metadata.name=${nodeName}`,
    what: `node ${nodeName}`,
  };
  const attempt = `watch node ${nodeName}`;
  // Whatever a server makes of a field selector, another Node's end is not ours.
  const isOurs = (object: object) => (object as { metadata: Metadata }).metadata.name === nodeName;
  const listener = {
    onList(objects: readonly object[]) {
      const ours = objects.find(isOurs);
      onNode(ours === undefined ? null : toNodeView(ours, attempt));
    },
    onEvent(type: string, object: object) {
      if (isOurs(object)) onNode(type === 'DELETED' ? null : toNodeView(object, attempt));
    },
    onProblem,
  };
  return listAndWatch(transport, node, listener, signal);
}
