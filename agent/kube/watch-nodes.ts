import type { NodeView } from '../core/node.ts';
import { type Collection, listAll, listAndWatch } from './list-watch.ts';
import { toNodeView } from './node-api.ts';
import type { Metadata } from './shape.ts';
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
 * All Nodes that a label selector matches, with their spec and status, in pages.
 *
 * @param labelSelector as kubectl's `--selector`; empty: every Node
 * @throws KubeError
 */
export async function listNodeViews(transport: Transport, labelSelector: string): Promise<NodeView[]> {
  const collection = { ...nodesThatMatch(labelSelector), metadataOnly: false };
  const { items } = await listAll(transport, collection);
  return items.map((item) => toNodeView(item, `list ${collection.what}`));
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
    onList: (objects: readonly object[]) => onList(objects.map(toNodeMetadata)),
    onEvent(type: string, object: object) {
      const node = toNodeMetadata(object);
      if (type === 'DELETED') onGone(node.name);
      else onNode(node);
    },
    onProblem,
  };
  return listAndWatch(transport, nodesThatMatch(labelSelector), listener, signal);
}

/** @param object of a list or watch, which has looked at its metadata */
export function toNodeMetadata(object: object): NodeMetadata {
  const { name, uid, labels, annotations } = (object as { metadata: Metadata }).metadata;
  return { name, uid, labels: labels ?? {}, annotations: annotations ?? {} };
}

/** How messages name the selected Nodes. */
export function selectedNodes(labelSelector: string): string {
  return labelSelector === '' ? 'nodes' : `nodes that match ${JSON.stringify(labelSelector)}`;
}

function nodesThatMatch(labelSelector: string): Collection {
  return { path: '/api/v1/nodes', kind: 'Node', labelSelector, metadataOnly: true, what: selectedNodes(labelSelector) };
}
