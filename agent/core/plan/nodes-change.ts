import { labelOf, selectorMatches } from '../label-selector.ts';
import { type Ledger, ledgerOf } from '../ledger.ts';
import type { NodeView } from '../node.ts';
import type { LabelSelector, PolicySet } from '../policy.ts';
import { type NodeAfter, nodeAfter } from './held-node.ts';
import { mostOut, type ZoneOut } from './most-out.ts';
import { policyPairs } from './policy-change.ts';

/** What a change does to the nodes that there are. */
export type NodesChange = {
  readonly nodes: number;
  /** By policy, of those in which it differs: how many nodes it selects. */
  readonly selected: readonly {
    readonly policy: string;
    readonly before: number;
    readonly after: number;
    /** Nodes that it selects now and did not before, and the other way round. */
    readonly joins: number;
    readonly leaves: number;
  }[];
  readonly zones: readonly { readonly zone: string | null; readonly before: ZoneOut; readonly after: ZoneOut }[];
  /** Those that are held now, by name. */
  readonly held: readonly (NodeAfter & { readonly name: string })[];
};

/** @param nodes with the ledgers of their agents; what else is in their annotations does not matter */
export function nodesChange(before: PolicySet, after: PolicySet, nodes: readonly NodeView[]): NodesChange {
  const zonesAfter = new Map(mostOut(after, nodes).map((each) => [each.zone, each]));
  return {
    nodes: nodes.length,
    selected: selectedChanges(before, after, nodes),
    zones: mostOut(before, nodes).flatMap((was) => {
      const is = zonesAfter.get(was.zone);
      return is === undefined ? [] : [{ zone: was.zone, before: was, after: is }];
    }),
    held: heldChanges(before, after, nodes),
  };
}

/** Nodes that are alike in all that matters are played once: a whole zone may be held. */
function heldChanges(before: PolicySet, after: PolicySet, nodes: readonly NodeView[]): NodesChange['held'] {
  const keys = selectorKeys([...before.policies, ...after.policies, ...before.budgets, ...after.budgets]);
  const played = new Map<string, NodeAfter>();
  return nodes
    .flatMap((node) => {
      const ledger = ledgerOf(node);
      if (ledger === null) return [];
      const labels = keys.map((key) => labelOf(node.labels, key));
      const { unschedulable, ready, taints } = node;
      const kind = JSON.stringify([labels, unschedulable, ready, taints, timeless(ledger)]);
      const became = played.get(kind) ?? nodeAfter(before, after, node);
      played.set(kind, became);
      return [{ name: node.name, ...became }];
    })
    .sort((a, b) => (a.name < b.name ? -1 : 1));
}

function selectorKeys(documents: readonly { readonly spec: { readonly nodeSelector?: LabelSelector } }[]): string[] {
  const keys = documents.flatMap(({ spec: { nodeSelector } }) => [
    ...Object.keys(nodeSelector?.matchLabels ?? {}),
    ...(nodeSelector?.matchExpressions ?? []).map(({ key }) => key),
  ]);
  return [...new Set(keys)];
}

/** What a ledger says, but for whose it is, since when, and what checks said. */
function timeless({ policies, marks }: Ledger): unknown {
  const holds = Object.entries(policies).map(([name, { marks, drain }]) => [name, marks, drain?.state, drain?.rules]);
  return [holds, marks];
}

function selectedChanges(before: PolicySet, after: PolicySet, nodes: readonly NodeView[]): NodesChange['selected'] {
  return policyPairs(before, after).flatMap(({ before: was, after: is }) => {
    const isIn = (policy: typeof was, { labels }: NodeView) =>
      policy !== null && selectorMatches(policy.spec.nodeSelector, labels);
    const joins = nodes.filter((node) => isIn(is, node) && !isIn(was, node)).length;
    const leaves = nodes.filter((node) => isIn(was, node) && !isIn(is, node)).length;
    if (joins + leaves === 0) return [];
    const count = (policy: typeof was) => nodes.filter((node) => isIn(policy, node)).length;
    return [{ policy: (is ?? was)?.metadata.name ?? '', before: count(was), after: count(is), joins, leaves }];
  });
}
