import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { anyChange, POLICY_NAMES } from '../../../test/harness/policy-arbitraries.ts';
import { OWN_CLAIM } from '../../../test/harness/step-samples.ts';
import type { AgentEvent } from '../agent-event.ts';
import { changedNode, type NodeView } from '../node.ts';
import type { PolicySet } from '../policy.ts';
import { sampleNode } from '../samples.ts';
import { type AgentState, newState } from '../state.ts';
import { type Step, step } from '../step.ts';
import { noisyRun, silentRun } from './failing-run.ts';
import { planChange } from './plan.ts';

/** What happens to a node, and how its cluster answers. */
type Happening =
  | { readonly do: 'run'; readonly policy: string; readonly outcome: ReturnType<typeof silentRun> }
  | { readonly do: 'land' | 'grant' | 'deny' | 'cordon' | 'uncordon' | 'untaint' | 'change' }
  | { readonly do: 'drained'; readonly state: 'Drained' | 'GaveUp' }
  | { readonly do: 'label'; readonly labels: NodeView['labels'] }
  | { readonly do: 'kubelet'; readonly ready: boolean };

const said = (code: number) => ({ ...silentRun({ kind: 'Exited', code }), stdout: 'one\ntwo\n', stdoutBytes: 8 });
const OUTCOMES = [
  said(0),
  said(1),
  said(1),
  said(1),
  said(1),
  said(2),
  said(3),
  said(126),
  noisyRun({ kind: 'Exited', code: 0 }),
  silentRun({ kind: 'TimedOut' }),
];
const anyHappening: fc.Arbitrary<Happening> = fc.oneof(
  {
    weight: 8,
    arbitrary: fc.record({
      do: fc.constant('run'),
      policy: fc.constantFrom(...POLICY_NAMES),
      outcome: fc.constantFrom(...OUTCOMES),
    }),
  },
  { weight: 4, arbitrary: fc.constant({ do: 'land' }) },
  { weight: 3, arbitrary: fc.constantFrom({ do: 'grant' }, { do: 'deny' }) },
  fc.constantFrom({ do: 'cordon' }, { do: 'uncordon' }, { do: 'untaint' }),
  fc.record({ do: fc.constant('drained'), state: fc.constantFrom('Drained', 'GaveUp') }),
  fc.record({
    do: fc.constant('label'),
    labels: fc.constantFrom<NodeView['labels']>({}, { role: 'storage' }, { role: 'db' }, { role: 'storage', gpu: '1' }),
  }),
  fc.record({ do: fc.constant('kubelet'), ready: fc.boolean() }),
) as fc.Arbitrary<Happening>;

const anyHistory = fc
  .tuple(fc.array(anyHappening, { maxLength: 25 }), fc.array(anyHappening, { minLength: 5, maxLength: 25 }))
  .map(([before, after]): Happening[] => [...before, { do: 'change' }, ...after]);

/** Plays one agent over a history, in which it goes from one set to the other: the steps of each happening. */
function* play(history: readonly Happening[], before: PolicySet, after: PolicySet): Generator<readonly Step[]> {
  let ms = 0;
  let view = sampleNode();
  let state: AgentState = newState(view.name, { ...OWN_CLAIM, pod: null }, { ms, wallMs: ms });
  let set = before;
  let steps: Step[] = [];
  const hear = (event: AgentEvent) => {
    ms += 1_000;
    const result = step(state, event, { ms, wallMs: ms });
    state = result.state;
    steps.push(result);
  };
  const see = (change: Partial<NodeView>) => {
    view = { ...view, ...change, resourceVersion: String(Number(view.resourceVersion) + 1) };
    hear({ kind: 'NodeSeen', node: view });
  };
  const read = () => hear({ kind: 'PoliciesRead', load: { valid: true, set }, errors: [] });
  see({});
  read();
  for (const happening of history) {
    hear({ kind: 'Tick' });
    yield steps;
    steps = [];
    const { orders } = step(state, { kind: 'Tick' }, { ms, wallMs: ms });
    switch (happening.do) {
      case 'run': {
        const policy = set.policies.find(({ metadata }) => metadata.name === happening.policy);
        if (policy === undefined) break;
        hear({ kind: 'RunStarted', policy });
        hear({ kind: 'RunEnded', policy, outcome: happening.outcome });
        break;
      }
      case 'land':
        if (orders.effects) see(changedNode(view, orders.effects.patch.change));
        break;
      case 'grant':
      case 'deny': {
        const names = orders.slots?.need === 'Want' ? orders.slots.budgets.map(({ metadata }) => metadata.name) : [];
        const [denying = null] = happening.do === 'deny' ? [...names].sort() : [];
        const denial =
          denying === null ? null : { budget: denying, answer: { kind: 'Full', used: 1, limit: 1 } as const };
        const granted = denial === null ? names : [];
        hear({ kind: 'SlotsAnswered', answer: { nodeUid: view.uid, held: granted, granted, denial } });
        break;
      }
      case 'drained':
        for (const { policy, since } of orders.drains) {
          hear({ kind: 'DrainEnded', end: { policy, since, state: happening.state, problems: ['x'] } });
        }
        break;
      case 'cordon':
      case 'uncordon':
        see({ unschedulable: happening.do === 'cordon' });
        break;
      case 'untaint':
        see({ taints: [] });
        break;
      case 'label':
        see({ labels: happening.labels });
        break;
      case 'kubelet':
        see({ ready: happening.ready });
        break;
      case 'change':
        set = after;
        read();
        break;
      default:
        happening satisfies never;
    }
  }
}

/** What an agent wants done to its node after all of these, and whether it ends. */
function treatment(steps: readonly Step[]): object {
  const [last] = steps.slice(-1);
  return last === undefined ? {} : treatmentNow(last);
}

function treatmentNow({ orders: { effects, drains, drainsRest, slots }, state: { node, fatal } }: Step): object {
  return {
    effects: effects && { spec: effects.patch.change.spec, transitions: sorted(effects.transitions) },
    drains: sorted(drains.map(({ policy, since, rules }) => ({ policy, since, rules }))),
    drainsRest,
    need: slots?.need,
    // Before it does it may have a condition to write.
    ends: fatal !== null,
    node: node.kind === 'There' && { unschedulable: node.view.unschedulable, taints: node.view.taints },
  };
}

/** In an order that is not that of the policies. */
function sorted(list: readonly object[]): string[] {
  return list.map((each) => JSON.stringify(each)).sort();
}

/** The same with all that it writes and tells, but for the revision, and the order of what is told at once. */
function everything(steps: readonly Step[]): string[] {
  return steps.map(everythingNow);
}

function everythingNow(each: Step): string {
  const { orders, told } = each;
  const { effects, conditions, checks } = orders;
  const names = checks.map(({ metadata }) => metadata.name).sort();
  const kinds = told.map(({ kind }) => kind).filter((kind) => kind !== 'PolicyReloaded');
  const whole = [treatmentNow(each), effects?.patch, conditions, names, kinds.sort()];
  return JSON.stringify(whole).replaceAll(/[01]{12}/g, 'revision');
}

function comparePlayed(
  history: readonly Happening[],
  before: PolicySet,
  after: PolicySet,
  look: (steps: readonly Step[]) => unknown,
) {
  const kept = [...play(history, before, before)].map(look);
  const changed = [...play(history, before, after)].map(look);
  assert.deepEqual(changed, kept);
}

const RUNS = { numRuns: 2_000 };

test('"no change in effect" is said only where agents write and tell the same, whatever happens', () => {
  let said = 0;
  fc.assert(
    fc.property(anyChange, anyHistory, ([before, after], history) => {
      if (planChange(before, after, null).changes !== 'Nothing') return;
      said += 1;
      comparePlayed(history, before, after, everything);
    }),
    RUNS,
  );
  assert.ok(said > 200, `said of ${said} changes`);
});

test('that nodes are treated the same is said only where they are, whatever happens', () => {
  let said = 0;
  fc.assert(
    fc.property(anyChange, anyHistory, ([before, after], history) => {
      if (planChange(before, after, null).changes !== 'Told') return;
      said += 1;
      comparePlayed(history, before, after, treatment);
    }),
    RUNS,
  );
  assert.ok(said > 200, `said of ${said} changes`);
});
