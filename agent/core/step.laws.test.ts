import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { FAILED, HEALTHY, OWN_CLAIM, policySet, UNKNOWN } from '../../test/harness/step-samples.ts';
import type { AgentEvent } from './agent-event.ts';
import { claimChange } from './claim.ts';
import { writeLedger } from './ledger.ts';
import { changedNode, LEDGER_ANNOTATION, type NodeView } from './node.ts';
import type { PolicySet } from './policy.ts';
import { SAMPLE_DRAIN, SAMPLE_NOW, SAMPLE_TAINT, sampleBudget, sampleNode, samplePolicy } from './samples.ts';
import { type AgentState, type Now, newState } from './state.ts';
import { type Step, step } from './step.ts';

/**
 * Everything that an agent can hear, in any order, also what no real cluster would say: other Nodes, ledgers that cannot
 * be read, claims of others, answers to questions that nobody asked, and clocks that run as they like.
 */

const NO_EXECUTE = { ...SAMPLE_TAINT, effect: 'NoExecute' as const };
const ONCE = { failureThreshold: 1 };
const POLICIES = [
  samplePolicy('a', { check: ONCE, actions: { cordon: true, taint: SAMPLE_TAINT } }),
  samplePolicy('a', { check: ONCE, actions: { taint: NO_EXECUTE, drain: SAMPLE_DRAIN } }),
  samplePolicy('a', { check: { ...ONCE, command: ['/other'] }, spec: { paused: true } }),
  samplePolicy('b', { check: ONCE, actions: { drain: { ...SAMPLE_DRAIN, deleteEmptyDirData: true } } }),
  samplePolicy('b', { check: { failureThreshold: 2 }, spec: { mode: 'Observe', nodeCondition: 'BHealthy' } }),
  samplePolicy('b', { check: ONCE, spec: { nodeSelector: { matchLabels: { role: 'x' } }, lifecycleConditions: true } }),
];
const anyName = fc.constantFrom('a', 'b', 'constructor');
const anySet: fc.Arbitrary<PolicySet> = fc
  .uniqueArray(fc.constantFrom(...POLICIES), { selector: ({ metadata }) => metadata.name })
  .chain((policies) =>
    fc
      .subarray([sampleBudget('cluster'), sampleBudget('none', { maxUnavailable: 0 })])
      .map((budgets) => policySet(policies, budgets)),
  );

const hold = { since: SAMPLE_NOW, marks: { cordon: {} }, drain: { state: 'Draining', since: SAMPLE_NOW, rules: null } };
const CORDON = [{ effect: 'cordon', mark: {}, owner: 'Ours' as const }];
const LEDGERS = [
  '{',
  writeLedger({
    nodeUid: 'uid-1',
    since: SAMPLE_NOW,
    policies: { a: { ...hold, drain: { ...hold.drain, state: 'Draining' } } },
    marks: CORDON,
  }),
  writeLedger({ nodeUid: 'uid-2', since: SAMPLE_NOW, policies: { b: { ...hold, drain: null } }, marks: CORDON }),
];
const anyNode: fc.Arbitrary<NodeView> = fc
  .record({
    uid: fc.constantFrom('uid-1', 'uid-1', 'uid-2'),
    resourceVersion: fc.oneof(fc.nat(50).map(String), fc.constant('abc')),
    ready: fc.boolean(),
    unschedulable: fc.boolean(),
    labels: fc.constantFrom<NodeView['labels']>({}, { role: 'x' }),
    taints: fc.subarray([SAMPLE_TAINT, NO_EXECUTE]),
    ledger: fc.option(fc.constantFrom(...LEDGERS), { nil: undefined }),
    claim: fc.constantFrom(null, OWN_CLAIM, { ...OWN_CLAIM, id: 'rival' }, { ...OWN_CLAIM, id: 'third', pod: null }),
  })
  .map(({ ledger, claim, ...more }) => {
    const node = sampleNode({ ...more, annotations: ledger === undefined ? {} : { [LEDGER_ANNOTATION]: ledger } });
    return claim === null ? node : changedNode(node, claimChange(node, claim));
  });

const anyPolicy = fc.constantFrom(...POLICIES);
const anyDenial = fc.constantFrom(
  null,
  { budget: 'cluster', answer: { kind: 'Full', used: 1, limit: 1 } } as const,
  { budget: 'gone', answer: { kind: 'Uncountable', problem: 'x' } } as const,
);
const anyEvent: fc.Arbitrary<AgentEvent> = fc.oneof(
  { weight: 4, arbitrary: anyNode.map((node) => ({ kind: 'NodeSeen' as const, node })) },
  {
    weight: 4,
    arbitrary: fc.record({
      kind: fc.constant('RunEnded' as const),
      policy: anyPolicy,
      outcome: fc.constantFrom(HEALTHY, FAILED, FAILED, { ...FAILED, stderr: 'x', stderrBytes: 1 }, UNKNOWN, UNKNOWN),
    }),
  },
  anySet.map((set) => ({ kind: 'PoliciesRead' as const, load: { valid: true as const, set }, errors: [] })),
  fc.constantFrom<AgentEvent>(
    { kind: 'PoliciesRead', load: { valid: false, revision: null, errors: [] }, errors: ['a.yaml:1:1: no'] },
    { kind: 'NodeGone' },
    { kind: 'Tick' },
    { kind: 'Tick' },
    { kind: 'Failed', message: 'x' },
    { kind: 'Failed', message: 'x', loop: 'effects' },
    { kind: 'LookFailed' },
    { kind: 'TolerationsRead', tolerations: [] },
    { kind: 'TolerationsRead', tolerations: [{ operator: 'Exists' }] },
    { kind: 'ConditionsWritten', patch: { uid: 'uid-1', resourceVersion: '1', set: [], remove: ['X'] } },
  ),
  fc.record({ kind: fc.constant('RunStarted' as const), policy: anyPolicy }),
  fc.record({ kind: fc.constant('RunSkipped' as const), policy: anyPolicy, isHung: fc.boolean() }),
  fc.nat(30).map((n) => ({ kind: 'BugMet' as const, text: `TypeError: ${n}`, stack: '' })),
  fc
    .record({
      nodeUid: fc.constantFrom(null, 'uid-1', 'uid-2'),
      held: fc.subarray(['cluster', 'none']),
      granted: fc.subarray(['cluster', 'none']),
      denial: anyDenial,
    })
    .map((answer) => ({ kind: 'SlotsAnswered' as const, answer })),
  fc
    .record({
      policy: anyName,
      since: fc.constantFrom(SAMPLE_NOW, '2026-01-01T00:00:01Z'),
      state: fc.constantFrom('Drained' as const, 'GaveUp' as const),
      problems: fc.constant(['x']),
    })
    .map((end) => ({ kind: 'DrainEnded' as const, end })),
  fc.record({
    kind: fc.constant('RivalLooked' as const),
    id: fc.constantFrom('rival', 'third', 'own'),
    isGone: fc.boolean(),
  }),
);

type Moment = { readonly event: AgentEvent; readonly passMs: number };
const anyHistory: fc.Arbitrary<Moment[]> = fc.array(
  fc.record({ event: anyEvent, passMs: fc.oneof(fc.constantFrom(0, 30_000, 600_000), fc.nat(5_000)) }),
  { maxLength: 40 },
);
const RUNS = { numRuns: 1_500 };

function play(
  history: readonly Moment[],
  look: (step: Step, before: AgentState, now: Now, event: AgentEvent) => void,
): void {
  let now: Now = { ms: 0, wallMs: Date.parse(SAMPLE_NOW) };
  let state = newState('node-1', OWN_CLAIM, now);
  for (const { event, passMs } of history) {
    now = { ms: now.ms + passMs, wallMs: now.wallMs + passMs };
    const result = step(state, event, now);
    look(result, state, now, event);
    state = result.state;
  }
}

test('no event of any state throws, and none changes what was given', () => {
  fc.assert(
    fc.property(anyHistory, (history) => {
      for (const { event } of history) deepFreeze(event);
      play(history, ({ state }) => deepFreeze(state));
    }),
    RUNS,
  );
});

test('the same events give the same answers', () => {
  fc.assert(
    fc.property(anyHistory, (history) => {
      const played = (): Step[] => {
        const steps: Step[] = [];
        play(history, (each) => steps.push(each));
        return steps;
      };
      assert.deepEqual(played(), played());
    }),
    { numRuns: 300 },
  );
});

test('what is known of a Node never gets older, but for another Node', () => {
  fc.assert(
    fc.property(anyHistory, (history) => {
      play(history, ({ state }, before) => {
        const [was, is] = [before.node, state.node].map((node) => (node.kind === 'There' ? node.view : null));
        if (!was || !is || was.uid !== is.uid || /\D/.test(was.resourceVersion + is.resourceVersion)) return;
        assert.ok(Number(is.resourceVersion) >= Number(was.resourceVersion));
      });
    }),
    RUNS,
  );
});

test('nothing is written, drained or taken while there is no Node, another agent acts, or a check ends the agent', () => {
  fc.assert(
    fc.property(anyHistory, (history) => {
      play(history, ({ state, orders, decision }) => {
        const acts = state.node.kind === 'There' && decision.rival === null;
        if (acts && state.fatal === null) return;
        assert.deepEqual([orders.effects, orders.report, orders.drains], [null, acts ? null : orders.report, []]);
        // That the check ends the agent is said.
        assert.ok(orders.conditions === null || acts);
        assert.ok(orders.slots === null || orders.slots.need === 'Leave');
      });
    }),
    RUNS,
  );
});

test('nothing is added to a node whose kubelet is NotReady, or whose ledger cannot be read', () => {
  fc.assert(
    fc.property(anyHistory, (history) => {
      play(history, ({ state, orders, decision }) => {
        const node = state.node.kind === 'There' ? state.node.view : null;
        if (node === null) return;
        if (decision.comparison?.kind === 'Unreadable') {
          assert.deepEqual([orders.effects, orders.drains], [null, []]);
          assert.equal(orders.slots?.need, 'Leave');
        }
        if (node.ready) return;
        const spec = orders.effects?.patch.change.spec;
        assert.notEqual(spec?.unschedulable, true);
        assert.ok((spec?.taints ?? []).length <= node.taints.length);
        assert.deepEqual(orders.drains, []);
      });
    }),
    RUNS,
  );
});

test('what waits for time alone says when, and is asked for by then', () => {
  fc.assert(
    fc.property(anyHistory, (history) => {
      play(history, ({ state, orders, wakeAtMs }, _before, now) => {
        assert.ok(wakeAtMs > now.ms);
        if (!Number.isFinite(wakeAtMs)) return;
        const due = step(state, { kind: 'Tick' }, { ms: wakeAtMs, wallMs: now.wallMs + wakeAtMs - now.ms });
        assert.notDeepEqual(withoutDecision(due), withoutDecision({ ...due, state, orders, told: [], wakeAtMs }));
      });
    }),
    { numRuns: 500 },
  );
});

test('an event that adds nothing to what is known leaves what followed from it, and so does deciding anew', () => {
  fc.assert(
    fc.property(anyHistory, (history) => {
      let before: Step | undefined;
      play(history, (anew, state, now, event) => {
        const kept = step(state, event, now, before);
        assert.deepEqual(comparable(kept), comparable(anew));
        before = anew;
      });
    }),
    RUNS,
  );
});

test('what was told is not told again while nothing changes', () => {
  fc.assert(
    fc.property(anyHistory, (history) => {
      play(history, ({ state }, _before, now) => {
        assert.deepEqual(step(state, { kind: 'Tick' }, now).told, []);
      });
    }),
    { numRuns: 500 },
  );
});

/** But for the times of writes, which are those of the decision. */
function comparable({ orders, told, wakeAtMs }: Step): object {
  return { orders: JSON.stringify(orders).replace(/\d{4}-\d\d-\d\dT[\d:]+Z/g, 'T'), told, wakeAtMs };
}

function withoutDecision({ orders, wakeAtMs }: Step): object {
  return { orders, wakeAtMs };
}

function deepFreeze(value: unknown): void {
  if (typeof value !== 'object' || value === null || Object.isFrozen(value)) return;
  Object.freeze(value);
  const parts = value instanceof Map ? [...value.values()] : Object.values(value);
  for (const part of parts) deepFreeze(part);
}
