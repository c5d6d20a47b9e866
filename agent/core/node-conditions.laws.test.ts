import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { condition, forgottenConditions, READY, settleConditions } from '../../test/harness/condition-samples.ts';
import { LIFECYCLE_TYPES } from './condition-states.ts';
import { countVerdict } from './health.ts';
import { drainsOf, readLedger } from './ledger.ts';
import { CONDITIONS_ANNOTATION, type NodeCondition, type NodeView } from './node.ts';
import { compareConditions } from './node-conditions.ts';
import type { NodeCheckPolicy } from './policy.ts';
import { adoptLedger, type Roster, rosterOf, withHealth } from './roster.ts';
import {
  applyStep,
  SAMPLE_DRAIN,
  SAMPLE_NOW,
  sampleEnd,
  sampleNode,
  samplePolicy,
  sampleVerdict,
  settleSample,
} from './samples.ts';
import type { Verdict } from './verdict.ts';

/**
 * One node, two policies, and everything that can happen to conditions in any order: verdicts, edits of the policies,
 * restarts, deaths between two writes, and other people's writes. Whatever others wrote last is there as they wrote it.
 */

const FOREIGN_TYPES = ['AHealthy', 'BHealthy', ...LIFECYCLE_TYPES, 'KernelDeadlock'];
/** Of the policies for exit codes; others use such words as well. */
const REASONS = ['DiskFull', 'ClockSkew'] as const;
/** `reports`: it asks, and holds nothing, so that no ledger remembers it. */
const KINDS = ['asks', 'reports', 'asksOther', 'asksNothing', 'observes', 'paused', 'gone'] as const;
type Step =
  | { do: 'verdict'; policy: string; status: Verdict['status']; mapped: string | null; words: string }
  | { do: 'edit'; policy: string; to: (typeof KINDS)[number] }
  | { do: 'writeForeign' | 'removeForeign'; type: string; status: string; reason: string }
  /** Somebody changes one field of what is there. */
  | { do: 'writeOver'; type: string; field: 'reason' | 'message' }
  | { do: 'restart' | 'drainEnds' }
  /** Only so many of the next steps reach the API server before the agent dies. */
  | { do: 'dieAfter'; steps: number };

type World = {
  node: NodeView;
  policies: ReadonlyMap<string, (typeof KINDS)[number]>;
  roster: Roster;
  drainEnds: boolean;
  /** What others wrote, as they wrote it. */
  foreign: ReadonlyMap<string, NodeCondition>;
};

const anyPolicy = fc.constantFrom('a', 'b');
const anyStep: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 4,
    arbitrary: fc.record({
      do: fc.constant('verdict' as const),
      policy: anyPolicy,
      status: fc.constantFrom('Healthy' as const, 'Failed' as const, 'Failed' as const, 'Unknown' as const),
      mapped: fc.constantFrom(null, ...REASONS),
      words: fc.constantFrom('', 'sda is full', 'Policy b: check is failing (ClockSkew)', '(DiskFull)'),
    }),
  },
  fc.record({ do: fc.constant('edit' as const), policy: anyPolicy, to: fc.constantFrom(...KINDS) }),
  fc.record({
    do: fc.constantFrom('writeForeign' as const, 'removeForeign' as const),
    type: fc.constantFrom(...FOREIGN_TYPES),
    status: fc.constantFrom('True', 'False'),
    reason: fc.constantFrom('TheirReason', ...REASONS),
  }),
  fc.record({
    do: fc.constant('writeOver' as const),
    type: fc.constantFrom(...FOREIGN_TYPES),
    field: fc.constantFrom('reason' as const, 'message' as const),
  }),
  fc.record({ do: fc.constantFrom('restart' as const, 'drainEnds' as const) }),
  fc.record({ do: fc.constant('dieAfter' as const), steps: fc.nat(2) }),
);
const anyHistory = fc.array(anyStep, { maxLength: 40 });

test("somebody else's condition is never changed or removed, whatever happens", () => {
  fc.assert(
    fc.property(anyHistory, (history) => {
      play(history, ({ node, foreign }) => {
        const found = new Map(node.conditions.map((each) => [each.type, each]));
        for (const [type, theirs] of foreign) assert.deepEqual(found.get(type), theirs);
        assert.deepEqual(found.get('Ready'), READY);
      });
    }),
    { numRuns: 2000 },
  );
});

test('a condition goes from one status to another, or away, and never from one reason of a failure to another', () => {
  fc.assert(
    fc.property(fc.array(anyStep, { maxLength: 40, size: 'max' }), (history) => {
      let before = new Map<string, NodeCondition>();
      // What somebody removed is written anew.
      const begin: Step = { do: 'edit', policy: 'b', to: 'reports' };
      const steps = [begin, ...history.filter((step) => step.do !== 'removeForeign')];
      play(steps, ({ node, foreign }) => {
        const now = new Map(node.conditions.map((each) => [each.type, each]));
        for (const [type, { status, reason, message }] of now) {
          const was = before.get(type);
          if (status !== 'False' || was?.status !== 'False' || foreign.has(type) || LIFECYCLE_TYPES.includes(type))
            continue;
          assert.deepEqual([reason, message], [was.reason, was.message]);
        }
        before = new Map([...now].filter(([type]) => !foreign.has(type)));
      });
    }),
    { numRuns: 400 },
  );
});

test('once no policy asks for any, none of ours is left, nor the list of them', () => {
  fc.assert(
    fc.property(anyHistory, (history) => {
      const ends: Step[] = ['a', 'b'].map((policy) => ({ do: 'edit', policy, to: 'gone' }));
      const { node, foreign } = play([...history, ...ends]);
      assert.deepEqual(types(node.conditions), types([READY, ...foreign.values()]));
      assert.equal(node.annotations[CONDITIONS_ANNOTATION], undefined);
    }),
    { numRuns: 1000 },
  );
});

test('forgetting at any moment leaves none of ours and all of the others', () => {
  fc.assert(
    fc.property(anyHistory, (history) => {
      const { node, foreign } = play(history);
      assert.deepEqual(types(forgottenConditions(node).conditions), types([READY, ...foreign.values()]));
    }),
    { numRuns: 1000 },
  );
});

/** Plays a history; after each step the agent writes the node, then its conditions, until nothing is left to do. */
function play(history: readonly Step[], look: (world: World) => void = () => {}): World {
  let world: World = {
    node: sampleNode({ conditions: [READY] }),
    policies: new Map([
      ['a', 'asks'],
      ['b', 'asks'],
    ]),
    roster: new Map(),
    drainEnds: false,
    foreign: new Map(),
  };
  world = reload(world, world.policies);
  let lives = Number.POSITIVE_INFINITY;
  for (const step of history) {
    if (step.do === 'dieAfter') lives = step.steps;
    world = happen(world, step);
    world = { ...world, node: settleSample(world.node, world.roster, drainEndOf(world)) };
    if (lives === Number.POSITIVE_INFINITY) {
      world = { ...world, node: settleConditions(world.node, world.roster).node };
    } else {
      for (; lives > 0; lives--) world = { ...world, node: oneStep(world) };
      lives = Number.POSITIVE_INFINITY;
      world = restart(world);
    }
    look(world);
  }
  return world;
}

function happen(world: World, step: Step): World {
  const { node, roster, policies, foreign } = world;
  const write = (conditions: readonly NodeCondition[]): NodeView => ({
    ...node,
    conditions,
    resourceVersion: String(Number(node.resourceVersion) + 1),
  });
  switch (step.do) {
    case 'verdict': {
      const watched = roster.get(step.policy);
      if (watched === undefined) return world;
      const { mapped, words } = step;
      const verdict = { ...sampleVerdict(step.status), mapped: step.status === 'Failed' ? mapped : null, words };
      const health = countVerdict(watched.health, verdict, watched.policy.spec.check);
      return { ...world, roster: withHealth(roster, step.policy, health, verdict) };
    }
    case 'edit':
      return reload(world, new Map([...policies, [step.policy, step.to]]));
    case 'writeForeign': {
      const theirs = condition(
        step.status,
        step.reason,
        step.type,
        `Policy a: check is failing (Another): ${step.reason}`,
      );
      const others = node.conditions.filter(({ type }) => type !== step.type);
      return { ...world, node: write([...others, theirs]), foreign: new Map([...foreign, [step.type, theirs]]) };
    }
    case 'writeOver': {
      const found = node.conditions.find(({ type }) => type === step.type);
      // A message of theirs under a reason that is ours alone is taken for ours.
      if (found === undefined || (step.field === 'message' && !REASONS.some((reason) => reason === found.reason)))
        return world;
      const theirs = { ...found, [step.field]: 'ByHand' };
      const others = node.conditions.filter(({ type }) => type !== step.type);
      return { ...world, node: write([...others, theirs]), foreign: new Map([...foreign, [step.type, theirs]]) };
    }
    case 'removeForeign': {
      const left = node.conditions.filter((each) => each.type !== step.type);
      return { ...world, node: write(left), foreign: new Map([...foreign].filter(([type]) => type !== step.type)) };
    }
    case 'restart':
      return restart(world);
    case 'drainEnds':
      return { ...world, drainEnds: true };
    case 'dieAfter':
      return world;
    default:
      return step satisfies never;
  }
}

function reload(world: World, policies: World['policies']): World {
  const roster = rosterOf([...policies].flatMap(policyOf), {}, world.roster, ledgerOf(world.node));
  return { ...world, policies, roster };
}

function restart(world: World): World {
  const roster = rosterOf([...world.policies].flatMap(policyOf), {}, new Map(), null);
  return { ...world, roster: adoptLedger(roster, ledgerOf(world.node), null, true), drainEnds: false };
}

function policyOf([name, kind]: readonly [string, (typeof KINDS)[number]]): NodeCheckPolicy[] {
  if (kind === 'gone') return [];
  const type = kind === 'asksOther' ? `${name.toUpperCase()}Other` : `${name.toUpperCase()}Healthy`;
  const spec = {
    ...(kind !== 'asksNothing' && { nodeCondition: type }),
    lifecycleConditions: kind !== 'asksNothing' && kind !== 'reports',
    paused: kind === 'paused',
    mode: kind === 'observes' ? ('Observe' as const) : ('Enforce' as const),
  };
  const actions = kind === 'reports' ? { cordon: false } : { drain: SAMPLE_DRAIN };
  return [samplePolicy(name, { spec, check: { failureThreshold: 2 }, actions })];
}

function oneStep({ node, roster }: World): NodeView {
  const comparison = compareConditions(node, roster, SAMPLE_NOW);
  return comparison.kind === 'Compared' && comparison.step ? applyStep(node, comparison.step) : node;
}

function drainEndOf({ drainEnds, node }: World) {
  const drains = drainEnds ? drainsOf(ledgerOf(node)) : [];
  return { drainEnds: Object.assign({}, ...drains.map(({ policy, since }) => sampleEnd(policy, 'Drained', since))) };
}

function ledgerOf(node: NodeView) {
  const reading = readLedger(node);
  return reading.readable ? reading.ledger : assert.fail('our own ledger must be readable');
}

function types(conditions: readonly NodeCondition[]): string[] {
  return conditions.map(({ type }) => type).sort();
}
