import { listAndWatch } from './list-watch.ts';
import type { Transport } from './transport.ts';

/** What of a Node is read where its spec and status do not matter. */
export type NodeMetadata = {
  readonly name: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly annotations: Readonly<Record<string, string>>;
};

export type NodesListener = {
  /** All selected Nodes, at the beginning and whenever the watch could not go on where it was. */
  onList(nodes: readonly NodeMetadata[]): void;
  onNode(node: NodeMetadata): void;
  /** The Node was deleted, or is not selected any more. */
  onGone(name: string): void;
  /** The list or watch is interrupted and will be tried again. */
  onProblem(error: Error): void;
};

/**
 * Follows the metadata of all Nodes that a label selector matches, until the signal: a list in pages, then one watch.
 *
 * @param labelSelector as kubectl's `--selector`; empty: every Node
 */
export function watchNodes(
  transport: Transport,
  labelSelector: string,
  { onList, onNode, onGone, onProblem }: NodesListener,
  signal: AbortSignal,
): Promise<void> {
  const nodes = { path: '/api/v1/nodes', labelSelector, metadataOnly: true, what: selectedNodes(labelSelector) };
  const listener = {
    onList: (objects: readonly unknown[]) => onList(objects.map(toNodeMetadata)),
    onEvent(type: string, object: unknown) {
      const node = toNodeMetadata(object);
      if (type === 'DELETED') onGone(node.name);
      else onNode(node);
    },
    onProblem,
  };
  return listAndWatch(transport, nodes, listener, signal);
}

/** @throws Error when the object has no name */
export function toNodeMetadata(object: unknown): NodeMetadata {
  const { metadata } = object as { metadata?: Partial<NodeMetadata> };
  if (typeof metadata?.name !== 'string') {
    throw new Error('the API server must answer with Nodes, found an object without metadata.name');
  }
  return { name: metadata.name, labels: metadata.labels ?? {}, annotations: metadata.annotations ?? {} };
}

/** How messages name the selected Nodes. */
export function selectedNodes(labelSelector: string): string {
  return labelSelector === '' ? 'nodes' : `nodes that match ${JSON.stringify(labelSelector)}`;
}
