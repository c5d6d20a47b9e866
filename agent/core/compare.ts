import { holdsOf, type Withheld } from './holds.ts';
import {
  type DrainMemory,
  drainGoesOn,
  type Hold,
  holdOf,
  type Ledger,
  type LedgerTaint,
  type Owner,
  readLedger,
  writeLedger,
} from './ledger.ts';
import { DRAIN_STATE_ANNOTATION, LEDGER_ANNOTATION, type NodePatch, type NodeView } from './node.ts';
import type { Drain, Taint } from './policy.ts';
import type { Roster } from './roster.ts';
import type { SlotState } from './slot.ts';
import { type NodeTaint, sameTaint, type Toleration } from './taint.ts';

export type Situation = {
  readonly node: NodeView;
  readonly roster: Roster;
  /** Whether the cluster budgets let the node be disrupted more than it is. */
  readonly slot: SlotState;
  /** Of the agent's own pod; null when it runs in none. Empty when they could not be read: then it tolerates nothing. */
  readonly ownTolerations: readonly Toleration[] | null;
  /** How the drain of this episode ended, once it has; it goes into the ledger. */
  readonly drainEnd: DrainEnd | null;
  /** RFC 3339; stands in the ledger where something new begins. */
  readonly now: string;
};

/** How an attempt to drain the node ended. */
export type DrainEnd = {
  /** The ledger's `drain.since`: an end of another episode's drain means nothing. */
  readonly since: string;
  readonly state: 'Drained' | 'GaveUp';
  /** What kept it from ending well, a line each: which pod, why, what to change. */
  readonly problems: readonly string[];
};

/** A drain that should be under way. */
export type DrainOrder = {
  readonly drain: DrainMemory;
  readonly policy: string;
  readonly rules: Drain;
};

/** One thing a patch does to the node, for the log and the Events once it has landed. */
export type Change =
  | { readonly kind: 'Cordoned' | 'Uncordoned' }
  | { readonly kind: 'Tainted' | 'Untainted'; readonly taint: Taint }
  /** It was there already, put by somebody else (or a person changed ours): it stays when we recover. */
  | { readonly kind: 'CordonFound' }
  | { readonly kind: 'TaintFound'; readonly taint: Taint }
  /** A person took our cordon or taint away; we leave it so until the next episode. */
  | { readonly kind: 'CordonReleased' }
  | { readonly kind: 'TaintReleased'; readonly taint: Taint }
  | { readonly kind: 'DrainStarted' | 'DrainSucceeded' }
  | { readonly kind: 'DrainFailed'; readonly problems: readonly string[] }
  /** The node is given back: no policy holds anything on it. */
  | { readonly kind: 'Released' };

export type Comparison =
  | { readonly kind: 'Unreadable'; readonly problem: string }
  | {
      readonly kind: 'Compared';
      /** null when the node is as it should be. */
      readonly patch: NodePatch | null;
      readonly changes: readonly Change[];
      readonly withheld: readonly Withheld[];
      /** As it is once the patch has landed. */
      readonly ledger: Ledger | null;
      /** What should be drained once the patch has landed; null: a drain under way must stop. */
      readonly drain: DrainOrder | null;
    };

/**
 * Compares what should hold on the node with what does, and returns the one write that closes the gap.
 *
 * Level-triggered: it looks at the Node and its ledger only, so it does the same after a verdict, a reload, a restart,
 * a lost answer or a person's edit.
 */
export function compareNode(situation: Situation): Comparison {
  const { node, roster, slot, ownTolerations, now } = situation;
  const reading = readLedger(node);
  if (!reading.readable) return { kind: 'Unreadable', problem: reading.problem };
  const before = reading.ledger;
  const permission = { nodeReady: node.ready, slot, ownTolerations };
  const { policies, withheld } = holdsOf(roster, before, permission, now);

  const holds = Object.values(policies);
  const cordon = compareCordon(before, holds, node);
  const drain = compareDrain(before, holds, situation);
  const taints = compareTaints(before, holds, drain.memory, node);
  const ledger: Ledger | null =
    holds.length === 0
      ? null
      : {
          nodeUid: node.uid,
          since: before?.since ?? now,
          policies,
          cordon: cordon.owner,
          taints: taints.ledger,
          drain: drain.memory,
        };

  const changes: Change[] = [...cordon.changes, ...drain.changes, ...taints.changes];
  if (before !== null && ledger === null) changes.push({ kind: 'Released' });

  const annotations = { ...ledgerChange(node, before, ledger), ...drainStateChange(node, before, ledger) };
  const patch: NodePatch = {
    resourceVersion: node.resourceVersion,
    annotations,
    ...(cordon.unschedulable === undefined ? {} : { unschedulable: cordon.unschedulable }),
    ...(taints.node === undefined ? {} : { taints: taints.node }),
  };
  const nothing =
    Object.keys(annotations).length === 0 && patch.unschedulable === undefined && patch.taints === undefined;
  return {
    kind: 'Compared',
    patch: nothing ? null : patch,
    changes,
    withheld,
    ledger,
    drain: drainOrder(ledger, situation),
  };
}

type CordonComparison = { owner: Owner | null; unschedulable?: true | null; changes: Change[] };

function compareCordon(before: Ledger | null, holds: readonly Hold[], node: NodeView): CordonComparison {
  const owner = before?.cordon ?? null;
  if (!holds.some((hold) => hold.cordon)) {
    const undo = owner === 'Ours' && node.unschedulable;
    return undo
      ? { owner: null, unschedulable: null, changes: [{ kind: 'Uncordoned' }] }
      : { owner: null, changes: [] };
  }
  if (owner === null) {
    return node.unschedulable
      ? { owner: 'Theirs', changes: [{ kind: 'CordonFound' }] }
      : { owner: 'Ours', unschedulable: true, changes: [{ kind: 'Cordoned' }] };
  }
  if (owner !== 'Released' && !node.unschedulable) return { owner: 'Released', changes: [{ kind: 'CordonReleased' }] };
  return { owner, changes: [] };
}

type DrainComparison = { memory: DrainMemory | null; changes: Change[] };

function compareDrain(before: Ledger | null, holds: readonly Hold[], { drainEnd, now }: Situation): DrainComparison {
  if (!holds.some((hold) => hold.drain)) return { memory: null, changes: [] };
  const memory = before?.drain ?? null;
  if (memory === null) return { memory: { state: 'Draining', since: now }, changes: [{ kind: 'DrainStarted' }] };
  if (
    drainEnd === null ||
    drainEnd.since !== memory.since ||
    drainEnd.state === memory.state ||
    memory.state === 'Drained' ||
    memory.state === 'Released'
  )
    return { memory, changes: [] };
  const change: Change =
    drainEnd.state === 'Drained' ? { kind: 'DrainSucceeded' } : { kind: 'DrainFailed', problems: drainEnd.problems };
  return { memory: { ...memory, state: drainEnd.state }, changes: [change] };
}

/** The drain of the first policy that wants one and may act now. */
function drainOrder(ledger: Ledger | null, { roster, node }: Situation): DrainOrder | null {
  // An unready kubelet could not end the pods.
  if (!ledger?.drain || !drainGoesOn(ledger) || !node.ready) return null;
  for (const [name, { policy }] of roster) {
    const rules = policy.spec.actions.drain;
    if (rules !== undefined && !policy.spec.paused && holdOf(ledger, name)?.drain) {
      return { drain: ledger.drain, policy: name, rules };
    }
  }
  return null;
}

type TaintComparison = {
  ledger: LedgerTaint[];
  /** The node's whole list, if it must change. */
  node?: NodeTaint[];
  changes: Change[];
};

function compareTaints(
  before: Ledger | null,
  holds: readonly Hold[],
  drain: DrainMemory | null,
  node: NodeView,
): TaintComparison {
  const wanted = wantedTaints(holds);
  const notDrainedYet = drain !== null && drain.state !== 'Drained';
  const result: TaintComparison = { ledger: [], changes: [] };
  let list = [...node.taints];
  for (const taint of wanted) {
    const remembered = before?.taints.find((entry) => sameTaint(entry, taint));
    const found = node.taints.find((entry) => sameTaint(entry, taint));
    const isNew = remembered === undefined && found === undefined;
    // NoExecute evicts at once and regards no PodDisruptionBudget, so a drain comes first.
    if (isNew && notDrainedYet && taint.effect === 'NoExecute') continue;
    const owner = taintOwner(remembered, found);
    result.ledger.push({ ...(owner === 'Ours' || !remembered ? taint : withoutOwner(remembered)), owner });
    if (owner === 'Ours' && (found === undefined || (found.value ?? '') !== taint.value)) {
      list = found === undefined ? [...list, taint] : list.map((entry) => (entry === found ? taint : entry));
      result.changes.push({ kind: 'Tainted', taint });
    } else if (owner !== 'Ours' && owner !== remembered?.owner) {
      result.changes.push({ kind: owner === 'Released' ? 'TaintReleased' : 'TaintFound', taint });
    }
  }
  for (const remembered of before?.taints ?? []) {
    if (remembered.owner !== 'Ours' || wanted.some((taint) => sameTaint(taint, remembered))) continue;
    const ours = list.find((entry) => sameTaint(entry, remembered) && (entry.value ?? '') === remembered.value);
    if (ours === undefined) continue;
    list = list.filter((entry) => entry !== ours);
    result.changes.push({ kind: 'Untainted', taint: withoutOwner(remembered) });
  }
  const changed = list.length !== node.taints.length || list.some((entry, i) => entry !== node.taints[i]);
  return changed ? { ...result, node: list } : result;
}

/** Each taint once, with the first policy's value. */
function wantedTaints(holds: readonly Hold[]): Taint[] {
  const wanted: Taint[] = [];
  for (const { taint } of holds) {
    if (taint !== null && !wanted.some((entry) => sameTaint(entry, taint))) wanted.push(taint);
  }
  return wanted;
}

function taintOwner(remembered: LedgerTaint | undefined, found: NodeTaint | undefined): Owner {
  if (remembered === undefined) return found === undefined ? 'Ours' : 'Theirs';
  if (found === undefined) return 'Released';
  // A taint of ours that a person gave another value is that person's now.
  return remembered.owner === 'Ours' && (found.value ?? '') === remembered.value ? 'Ours' : 'Theirs';
}

/** Also fixes the order of the fields, so that the same ledger is the same text. */
function withoutOwner({ key, value, effect }: Taint): Taint {
  return { key, value, effect };
}

function ledgerChange(node: NodeView, before: Ledger | null, after: Ledger | null): NodePatch['annotations'] {
  if (after === null) return before === null ? {} : { [LEDGER_ANNOTATION]: null };
  const unchanged = before !== null && writeLedger(before) === writeLedger(after);
  return unchanged && node.annotations[LEDGER_ANNOTATION] !== undefined
    ? {}
    : { [LEDGER_ANNOTATION]: writeLedger(after) };
}

function drainStateChange(node: NodeView, before: Ledger | null, after: Ledger | null): NodePatch['annotations'] {
  const episodeOver = before !== null && (after === null || (before.drain !== null && after.drain === null));
  const isReleased = after?.drain?.state === 'Released';
  const state = after?.drain && !isReleased ? 'drainActive' : episodeOver || isReleased ? 'drainNotActive' : null;
  return state === null || node.annotations[DRAIN_STATE_ANNOTATION] === state
    ? {}
    : { [DRAIN_STATE_ANNOTATION]: state };
}
