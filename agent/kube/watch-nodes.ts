import { type Collection, listAll, listAndWatch } from './list-watch.ts';
import type { Transport } from './transport.ts';

/** What of a Node is read where its spec and status do not matter. */
export type NodeMetadata = {
  readonly name: string;
  readonly uid: string;
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
 * The metadata of all Nodes that a label selector matches, in pages.
 *
 * @param labelSelector as kubectl's `--selector`; empty: every Node
 * @throws KubeError
 */
export async function listNodes(transport: Transport, labelSelector: string): Promise<NodeMetadata[]> {
  return (await listAll(transport, nodesThatMatch(labelSelector))).items.map(toNodeMetadata);
}

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
  const listener = {
    onList: (objects: readonly unknown[]) => onList(objects.map(toNodeMetadata)),
    onEvent(type: string, object: unknown) {
      const node = toNodeMetadata(object);
      if (type === 'DELETED') onGone(node.name);
      else onNode(node);
    },
    onProblem,
  };
  return listAndWatch(transport, nodesThatMatch(labelSelector), listener, signal);
}

/** @throws Error when the object has no name or UID */
export function toNodeMetadata(object: unknown): NodeMetadata {
  const { metadata } = object as { metadata?: Partial<NodeMetadata> };
  if (typeof metadata?.name !== 'string' || typeof metadata.uid !== 'string') {
    throw new Error('the API server must answer with Nodes, found an object without metadata.name and uid');
  }
  const { name, uid, labels = {}, annotations = {} } = metadata;
  return { name, uid, labels, annotations };
}

/** How messages name the selected Nodes. */
export function selectedNodes(labelSelector: string): string {
  return labelSelector === '' ? 'nodes' : `nodes that match ${JSON.stringify(labelSelector)}`;
}

function nodesThatMatch(labelSelector: string): Collection {
  return { path: '/api/v1/nodes', labelSelector, metadataOnly: true, what: selectedNodes(labelSelector) };
}
