import { describeHold } from '../holds.ts';
import { holdOf, ledgerOf } from '../ledger.ts';
import type { NodeView } from '../node.ts';
import type { NodeCheckPolicy, PolicySet } from '../policy.ts';
import { checkIdentity } from '../roster.ts';
import type { Labels } from '../sample-labels.ts';
import type { NodeTransition } from '../transition.ts';
import { failingRun } from './failing-run.ts';
import { beginNode, type Played, reload, runMany, settle, turn } from './play-node.ts';

/** By policy: what it holds, as `cordon, drain`. */
export type Held = Readonly<Record<string, string>>;

/** What becomes of a node when the policies change under it. */
export type NodeAfter = {
  readonly before: Held;
  /** What happens to the node as soon as the change is in force there, before any run of a check. */
  readonly atOnce: readonly NodeTransition[];
  /** What happens after that, should the checks that failed go on failing for as long as their thresholds ask. */
  readonly later: readonly NodeTransition[];
  /** In the end. */
  readonly after: Held;
};

/**
 * Plays a node with these labels, whose check of that policy fails and whose every order has landed, over the change.
 *
 * @returns null: the policy holds no such node, since its check cannot fail, or since it does nothing
 */
export function sampleNodeAfter(
  before: PolicySet,
  after: PolicySet,
  policy: NodeCheckPolicy,
  labels: Labels,
): NodeAfter | null {
  const outcome = failingRun(policy.spec.check);
  if (outcome === null) return null;
  const begun = beginNode(wellNode('node', labels), enforcedAlone(before, policy));
  const { played: held } = settle(runMany(begun, policy, outcome, policy.spec.check.failureThreshold));
  const { played } = settle(turn(held, reload(before)));
  return holdOf(ledgerOf(played.view), policy.metadata.name) && changeOver(played, after, [policy]);
}

/** A node may be held since before the policy was paused, and since before there was a budget. */
function enforcedAlone(set: PolicySet, policy: NodeCheckPolicy): PolicySet {
  const enforced: NodeCheckPolicy = { ...policy, spec: { ...policy.spec, mode: 'Enforce', paused: false } };
  return { ...set, budgets: [], policies: set.policies.map((each) => (each === policy ? enforced : each)) };
}

/** Plays a node as it is now over the change: what its ledger says goes on failing. */
export function nodeAfter(before: PolicySet, after: PolicySet, view: NodeView): NodeAfter {
  const held = holdsOn(view);
  const failing = before.policies.filter(({ metadata }) => Object.hasOwn(held, metadata.name));
  return changeOver(settle(beginNode(view, before)).played, after, failing);
}

/** A Node with which nothing is the matter. */
export function wellNode(name: string, labels: Labels): NodeView {
  return {
    name,
    uid: 'played',
    resourceVersion: '1',
    labels,
    annotations: {},
    unschedulable: false,
    taints: [],
    ready: true,
    conditions: [],
  };
}

function changeOver(from: Played, after: PolicySet, failing: readonly NodeCheckPolicy[]): NodeAfter {
  const { played, transitions: atOnce } = settle(turn(from, reload(after)));
  let failed = played;
  for (const policy of after.policies) {
    const outcome = failing.some((before) => isOneCheck(before, policy)) ? failingRun(policy.spec.check) : null;
    if (outcome !== null) failed = runMany(failed, policy, outcome, policy.spec.check.failureThreshold);
  }
  const { played: settled, transitions: later } = settle(failed);
  return { before: holdsOn(from.view), atOnce, later, after: holdsOn(settled.view) };
}

/** The same command under another name fails for the same reason; another command of that name is there to find the same. */
function isOneCheck(before: NodeCheckPolicy, after: NodeCheckPolicy): boolean {
  return before.metadata.name === after.metadata.name || checkIdentity(before) === checkIdentity(after);
}

function holdsOn(view: NodeView): Held {
  const holds = Object.entries(ledgerOf(view)?.policies ?? {});
  return Object.fromEntries(holds.map(([name, hold]) => [name, describeHold(hold)]));
}
