import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type BudgetKnobs, type History, KNOBS, OUR_TAINTS, type PolicyKnobs, type Step } from './history.ts';
import { play } from './play.ts';

/** Histories that broke a promise once, as short as they can be told. */

const TAINT: PolicyKnobs = { ...KNOBS, cordon: false, taint: OUR_TAINTS[0] ?? null };
const NO_EXECUTE: PolicyKnobs = { ...KNOBS, cordon: false, taint: OUR_TAINTS[3] ?? null };
const DRAIN: PolicyKnobs = { ...KNOBS, drain: { timeoutSeconds: 60, podSelector: 'all', spare: false } };
const ONE: BudgetKnobs = { name: 'x', maxUnavailable: 1, onlyStorage: false, topologyKey: false };
const FAILS = { do: 'script', policy: 'a', first: [], always: 'failed' } as const;

type Example = Partial<Omit<History, 'steps'>> & {
  readonly policies: readonly PolicyKnobs[];
  readonly budgets?: readonly BudgetKnobs[];
  /** Each with its time, in milliseconds. */
  readonly steps: readonly (readonly [atMs: number, step: Step])[];
};

const EXAMPLES: Readonly<Record<string, Example>> = {
  'the last word of an earlier container of our pod keeps nobody from acting': {
    policies: [KNOBS],
    steps: [
      [1_000, { do: 'fault', rule: { fault: { kind: 'late', ms: 4_000 }, method: 'PATCH', times: 1 }, lastsMs: 2_000 }],
      [1_000, { do: 'restart' }],
      [2_000, { do: 'restart' }],
      [3_000, FAILS],
      [8_000, { do: 'sameDirectory' }],
    ],
  },
  'a claim that names nobody claims nothing': {
    policies: [KNOBS],
    steps: [
      [1_000, { do: 'forgeClaim' }],
      [2_000, FAILS],
      [8_000, { do: 'sameDirectory' }],
    ],
  },
  "a policy whose only mark is a person's asks for its slot once": {
    policies: [TAINT],
    budgets: [ONE],
    steps: [
      [500, { do: 'taintOurs' }],
      [1_000, FAILS],
      [8_000, { do: 'sameDirectory' }],
    ],
  },
  'a NoExecute taint that an unready kubelet kept from coming at the end of the drain asks for a slot anew': {
    policies: [{ ...NO_EXECUTE, drain: DRAIN.drain }],
    budgets: [ONE],
    steps: [
      [0, { do: 'pod', app: 'web', namespace: 'default' }],
      [500, { do: 'cordon' }],
      [1_000, FAILS],
      [3_060, { do: 'fault', rule: { fault: { kind: 'status', code: 503 }, method: 'PATCH' }, lastsMs: 4_000 }],
      [5_000, { do: 'kubelet', ready: false }],
      [30_000, { do: 'kubelet', ready: true }],
      [40_000, { do: 'sameDirectory' }],
    ],
  },
  'a NoExecute taint that the agent may not tolerate asks for no slot': {
    policies: [NO_EXECUTE],
    budgets: [ONE],
    steps: [
      [0, { do: 'fault', rule: { fault: { kind: 'stall' }, method: 'GET', path: /pods\/agent/ }, lastsMs: 20_000 }],
      [1_000, FAILS],
      [8_000, { do: 'sameDirectory' }],
    ],
  },
  'a NoExecute taint that waited for its drain does not come to a node that a person has uncordoned': {
    policies: [{ ...NO_EXECUTE, drain: DRAIN.drain }],
    end: 'fails, then recovers',
    steps: [
      [0, { do: 'fault', rule: { fault: { kind: 'stall' }, method: 'GET', path: /pods\/agent/ }, lastsMs: 20_000 }],
      [1_000, FAILS],
      [6_000, { do: 'uncordon' }],
    ],
  },
  'a Lease is given back although the last budget went while no agent was alive': {
    policies: [KNOBS],
    budgets: [ONE],
    steps: [
      [500, FAILS],
      [6_000, { do: 'kill' }],
      [7_000, { do: 'budgets', budgets: [] }],
      [8_000, { do: 'start' }],
    ],
  },
  'where a person removes the ledger, no drain is said to be active': {
    policies: [DRAIN],
    steps: [
      [500, FAILS],
      [6_000, { ...FAILS, always: 'healthy' }],
      [6_000, { do: 'restart' }],
      [6_001, { do: 'garbleLedger' }],
    ],
  },
  'who takes over keeps what the other did until the check recovers': {
    policies: [KNOBS],
    steps: [
      [900, { ...FAILS, first: ['hang'] }],
      [1_400, { do: 'startSecond', others: false }],
      [6_000, { do: 'endSecond', how: 'terminate' }],
      [9_000, { do: 'sameDirectory' }],
    ],
  },
  'what an agent that was started without a Node has counted is not held against the one that comes': {
    policies: [{ ...KNOBS, failureThreshold: 3 }],
    steps: [
      [1_000, { do: 'deleteNode' }],
      [1_500, { do: 'kill' }],
      [2_000, { do: 'start' }],
      [2_000, FAILS],
      [9_000, { do: 'recreateNode', sameUid: false }],
      [20_000, { do: 'sameDirectory' }],
    ],
  },
  'a Node that is back with its UID is held as before, also after a reload meanwhile': {
    policies: [KNOBS],
    steps: [
      [500, FAILS],
      [5_000, { ...FAILS, always: 'unknown' }],
      [6_000, { do: 'restart' }],
      [7_000, { do: 'sameDirectory' }],
      [8_000, { do: 'deleteNode' }],
      [9_000, { do: 'sameDirectory' }],
      [10_000, { do: 'recreateNode', sameUid: true }],
      [13_000, { do: 'sameDirectory' }],
    ],
  },
};

for (const [rule, { policies, budgets = [], steps, ...rest }] of Object.entries(EXAMPLES)) {
  test(rule, async () => {
    const paused = steps.map(([atMs, step], i) => ({ ...step, afterMs: atMs - (steps[i - 1]?.[0] ?? 0) }));
    const history: History = {
      seed: 1,
      directory: { policies, budgets },
      end: 'recovers',
      keepsSecond: false,
      ...rest,
      steps: paused,
    };
    const { judge } = await play(history);
    assert.deepEqual(judge.problems, [], judge.trace.join('\n'));
  });
}
