import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { Owner } from '../../agent/core/effects/mark.ts';
import type { Health } from '../../agent/core/health.ts';
import { type Hold, type Ledger, readLedger, writeLedger } from '../../agent/core/ledger.ts';
import { DRAIN_STATE_ANNOTATION, LEDGER_ANNOTATION, type NodeChange, type NodeView } from '../../agent/core/node.ts';
import { drainRules } from '../../agent/core/orders/drain-rules.ts';
import type { Actions, Drain, NodeCheckPolicy, Taint } from '../../agent/core/policy.ts';
import { type Roster, rosterOf } from '../../agent/core/roster.ts';
import {
  compareSample,
  SAMPLE_DRAIN,
  SAMPLE_NOW,
  SAMPLE_SLOTS,
  SAMPLE_TAINT,
  sampleNode,
  samplePolicy,
  settleSample,
} from '../../agent/core/samples.ts';
import type { NodeTaint } from '../../agent/core/taint.ts';

/** One rule: what an edit of the policies means for a node in an episode. */
export type ReloadRow = readonly [
  edit: string,
  before: readonly NodeCheckPolicy[],
  after: readonly NodeCheckPolicy[],
  then?: Then,
  given?: Given,
];

export type Then = {
  /** The whole change but the ledger; nothing is written when absent. */
  readonly writes?: NodeChange['spec'] & { readonly drainState?: string };
  /** By policy name, in order; as before the reload when absent. */
  readonly counts?: Readonly<Record<string, Health>>;
  /** As before the reload when absent. */
  readonly ledger?: Omit<Ledger, 'nodeUid' | 'since'> | null;
  readonly withheld?: readonly string[];
  /** By whose rules drains go on, each for its own policy. */
  readonly drainBy?: readonly NodeCheckPolicy[];
};

/** Before the reload; what is absent is an episode that the failing policies of `before` began. */
export type Given = {
  /** Of every policy at the reload; FAILING when absent. */
  readonly health?: Health;
  /** The failing policies that put on the node what is there; `before` when absent, if it is failing. */
  readonly heldBy?: readonly NodeCheckPolicy[];
  /** What became of the node since. */
  readonly meanwhile?: Partial<NodeView>;
  /** Of the one budget that selects the node; none does when absent. */
  readonly slot?: keyof typeof SAMPLE_SLOTS;
};

/** When the reload happens; what is on the node before was put there at SAMPLE_NOW. */
export const RELOADED_AT = '2026-01-01T01:00:00Z';
/** A person's taint, on the node from the beginning. */
export const FOREIGN: NodeTaint = { key: 'by-hand', effect: 'NoSchedule', timeAdded: '2025-01-01T00:00:00Z' };
/** Has failed four times in a row, which is the threshold of samplePolicy. */
export const FAILING: Health = { failures: 4, successes: 0, failing: true, remembered: false };

export const NEW_KEY: Taint = { ...SAMPLE_TAINT, key: 'new-key' };
export const NEW_VALUE: Taint = { ...SAMPLE_TAINT, value: 'new-value' };
export const NEW_EFFECT: Taint = { ...SAMPLE_TAINT, effect: 'PreferNoSchedule' };
export const DELETE = { ...SAMPLE_DRAIN, onTimeout: 'Delete' as const };

export const NEW: Health = { failures: 0, successes: 0, failing: false, remembered: false };
/** Failing by what is held alone. */
export const REMEMBERED: Health = { ...NEW, failing: true, remembered: true };
/** One failure short of the threshold. */
export const COUNTING: Health = { ...NEW, failures: 3 };
export const RECOVERED: Health = { ...NEW, successes: 1 };

export const policy = (name: string, actions: Partial<Actions>, check: object = {}, spec: object = {}) =>
  samplePolicy(name, { actions: { cordon: false, ...actions }, check, spec });
export const BOTH: Partial<Actions> = { cordon: true, taint: SAMPLE_TAINT };
/** Cordons and taints; the other policies do what their names say. */
export const both = (check: object = {}, spec: object = {}) => policy('a', BOTH, check, spec);
export const taints = (taint: Taint, check: object = {}) => policy('a', { cordon: true, taint }, check);
export const cordons = (name: string) => policy(name, { cordon: true });
export const drains = (name: string, drain = SAMPLE_DRAIN) => policy(name, { cordon: true, drain });
/** Another check, which starts anew. */
export const OTHER = { command: ['/opt/checks/other.sh'] };

/** What one policy holds. */
export const holds = (cordon: boolean, taint: Taint | null, drain: Hold['drain'] = null, since = SAMPLE_NOW): Hold => ({
  since,
  marks: { ...(cordon && { cordon: {} }), ...(taint && { taint }) },
  drain,
});
/** A drain that is under way since then. */
export const drainSince = (since: string, rules: Drain = SAMPLE_DRAIN): NonNullable<Hold['drain']> => ({
  state: 'Draining',
  since,
  rules: drainRules(rules),
});
/** A ledger in which the cordon and the taint, where they are held, are ours. */
export const held = (policies: Readonly<Record<string, Hold>>, taint: Taint | null, cordon: Owner | null = 'Ours') => ({
  policies,
  marks: [
    ...(cordon === null ? [] : [{ effect: 'cordon', mark: {}, owner: cordon }]),
    ...(taint === null ? [] : [{ effect: 'taint', mark: taint, owner: 'Ours' as const }]),
  ],
});
/** All that `both` did is undone, in one write. */
export const UNDONE: Then = {
  writes: { unschedulable: null, taints: [FOREIGN], drainState: 'drainNotActive' },
  ledger: null,
};
/** All that `both` asks for is done, in one write. */
export const DONE: Then = {
  writes: { unschedulable: true, taints: [FOREIGN, SAMPLE_TAINT] },
  ledger: held({ a: holds(true, SAMPLE_TAINT, null, RELOADED_AT) }, SAMPLE_TAINT),
};

/** Makes a test of each row. */
export function testReloads(subject: string, rows: readonly ReloadRow[]): void {
  describe(`on a reload, ${subject}`, () => {
    for (const row of rows) test(row[0], () => assertReload(row));
  });
}

/** Plays one row, and compares all of the outcome: counters, change, ledger, what is withheld, and the drains. */
function assertReload([, before, after, then = {}, given = {}]: ReloadRow): void {
  const { health = FAILING, heldBy = health.failing ? before : [], meanwhile, slot } = given;
  const labels = { role: 'storage' };
  const put = settleSample(sampleNode({ labels, taints: [FOREIGN] }), rosterWith(heldBy, FAILING));
  const node: NodeView = { ...put, ...meanwhile };
  const previous = rosterWith(before, health);
  const ledger = ledgerOf(node);

  const roster = rosterOf(after, labels, previous, ledger);
  const situation = { now: RELOADED_AT, ...(slot && SAMPLE_SLOTS[slot]) };
  const comparison = compareSample(node, roster, situation);
  settleSample(node, roster, situation);

  const drains = comparison.drains.map(({ policy, rules }) => ({ policy, rules }));
  const withheld = comparison.withheld.map(({ policy, why }) => `${policy}: ${why}`);
  const { change } = comparison;
  const actual = { counts: countsOf(roster), change, ledger: comparison.ledger, withheld, drains };
  const ledgerAfter =
    then.ledger === undefined
      ? ledger
      : then.ledger && { nodeUid: node.uid, since: ledger?.since ?? RELOADED_AT, ...then.ledger };
  assert.deepEqual(actual, {
    counts: then.counts ?? countsOf(previous),
    change: then.writes === undefined ? null : changeOf(then.writes, ledgerAfter),
    ledger: ledgerAfter,
    withheld: then.withheld ?? [],
    drains: (then.drainBy ?? []).map(({ metadata, spec }) => ({ policy: metadata.name, rules: spec.actions.drain })),
  });
}

function changeOf({ drainState, ...spec }: NonNullable<Then['writes']>, ledger: Ledger | null): NodeChange {
  const annotations = {
    [LEDGER_ANNOTATION]: ledger && writeLedger(ledger),
    ...(drainState === undefined ? {} : { [DRAIN_STATE_ANNOTATION]: drainState }),
  };
  return { metadata: { annotations }, ...(Object.keys(spec).length > 0 && { spec }) };
}

function rosterWith(policies: readonly NodeCheckPolicy[], health: Health): Roster {
  return new Map(policies.map((policy) => [policy.metadata.name, { policy, health }]));
}

function countsOf(roster: Roster): Record<string, Health> {
  return Object.fromEntries([...roster].map(([name, { health }]) => [name, health]));
}

function ledgerOf(node: NodeView): Ledger | null {
  const reading = readLedger(node);
  return reading.readable ? reading.ledger : assert.fail(reading.problem);
}
