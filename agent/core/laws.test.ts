import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { countVerdict } from './health.ts';
import { readLedger } from './ledger.ts';
import type { NodeView } from './node.ts';
import type { NodeCheckPolicy } from './policy.ts';
import { adoptLedger, type Roster, rosterOf, withHealth } from './roster.ts';
import { compareSample, SAMPLE_TAINT, sampleNode, samplePolicy, sampleVerdict, settleSample } from './samples.ts';
import type { NodeTaint } from './taint.ts';
import type { Verdict } from './verdict.ts';

/**
 * One node, several policies, and everything that can happen to them in any order: verdicts, a person's edits, lost
 * answers, lost writes, a kubelet that comes and goes, restarts. The laws must hold for every such history.
 */

const OTHER_TAINT = { key: 'other', value: '', effect: 'PreferNoSchedule' } as const;
const POLICIES: readonly NodeCheckPolicy[] = [
  samplePolicy('a', { check: { failureThreshold: 2 }, actions: { cordon: true, taint: SAMPLE_TAINT } }),
  samplePolicy('b', { check: { failureThreshold: 3, successThreshold: 2 }, actions: { cordon: true } }),
  samplePolicy('c', { check: { failureThreshold: 1 }, actions: { cordon: false, taint: OTHER_TAINT } }),
];
const FOREIGN: NodeTaint = { key: 'person', effect: 'NoSchedule', timeAdded: '2025-01-01T00:00:00Z' };

type Step =
  | { do: 'verdict'; policy: string; status: Verdict['status'] }
  | { do: 'cordon' | 'uncordon' | 'taintForeign' | 'untaintForeign' | 'taintOurs' | 'untaintOurs' }
  | { do: 'restart' | 'kubeletUp' | 'kubeletDown' }
  /** The next patch does not reach the API server before the agent dies. */
  | { do: 'dieBeforeWrite' };

type World = {
  node: NodeView;
  roster: Roster;
  /** What the node would be if only people had ever touched it. */
  people: { unschedulable: boolean; taints: readonly NodeTaint[] };
  everFailing: boolean;
};

const anyVerdict = fc.record({
  do: fc.constant('verdict' as const),
  policy: fc.constantFrom('a', 'b', 'c'),
  status: fc.constantFrom('Healthy' as const, 'Failed' as const, 'Failed' as const, 'Unknown' as const),
});
const PEOPLE = ['cordon', 'uncordon', 'taintForeign', 'untaintForeign', 'taintOurs', 'untaintOurs'] as const;
const anyStep: fc.Arbitrary<Step> = fc.oneof(
  { weight: 4, arbitrary: anyVerdict },
  { weight: 1, arbitrary: fc.record({ do: fc.constantFrom(...PEOPLE) }) },
  {
    weight: 1,
    arbitrary: fc.record({
      do: fc.constantFrom('restart' as const, 'kubeletUp' as const, 'kubeletDown' as const, 'dieBeforeWrite' as const),
    }),
  },
);
const anyHistory = fc.array(anyStep, { maxLength: 40 });
/** Every check answers the same, often enough to pass every threshold twice, should an agent die in between. */
const everyCheck = (status: Verdict['status']): Step[] =>
  [1, 2, 3, 4, 5, 6].flatMap(() =>
    POLICIES.map((policy) => ({ do: 'verdict' as const, policy: policy.metadata.name, status })),
  );

test('everything we did and only that is undone after recovery', () => {
  fc.assert(
    fc.property(anyHistory, (history) => {
      const world = play([...history, ...everyCheck('Healthy')]);
      assert.equal(world.node.unschedulable, world.people.unschedulable);
      assert.deepEqual(byKey(world.node.taints), byKey(world.people.taints));
      assert.deepEqual(
        Object.keys(world.node.annotations).filter((name) => name.endsWith('ledger')),
        [],
      );
    }),
    { numRuns: 2000 },
  );
});

test('no effect before a threshold is reached, whatever else happens', () => {
  fc.assert(
    fc.property(anyHistory, (history) => {
      const world = play(history, (now) => {
        if (!now.everFailing) assert.deepEqual(now.node.annotations, {});
      });
      if (world.everFailing) return;
      assert.equal(world.node.unschedulable, world.people.unschedulable);
      assert.deepEqual(byKey(world.node.taints), byKey(world.people.taints));
    }),
    { numRuns: 2000 },
  );
});

test('a restart at any point reaches the same end as none', () => {
  const lasting = anyStep.filter((step) => step.do !== 'restart' && step.do !== 'dieBeforeWrite');
  fc.assert(
    fc.property(
      fc.array(lasting, { maxLength: 30 }),
      fc.nat(30),
      fc.constantFrom('restart' as const, 'dieBeforeWrite' as const),
      fc.constantFrom('Healthy' as const, 'Failed' as const),
      (history, at, crash, ending) => {
        const end: Step[] = [{ do: 'kubeletUp' }, ...everyCheck(ending)];
        const crashed = play([
          ...history.slice(0, at),
          { do: crash },
          ...history.slice(at).filter(isNotVerdict),
          ...end,
        ]);
        const steady = play([...history.slice(0, at), ...history.slice(at).filter(isNotVerdict), ...end]);
        // A person's edits between a lost write and its repetition meet another node, so those may end differently. So
        // do those made before what was counted, but not acted on, is counted anew.
        const isLost = crash === 'dieBeforeWrite' || waitsToAct(play(history.slice(0, at)));
        if (isLost && history.slice(at).some(isPersons)) return;
        assert.equal(crashed.node.unschedulable, steady.node.unschedulable);
        assert.deepEqual(byKey(crashed.node.taints), byKey(steady.node.taints));
      },
    ),
    { numRuns: 2000 },
  );
});

test("a person's foreign taint is kept verbatim at every moment", () => {
  fc.assert(
    fc.property(anyHistory, (history) => {
      play(history, ({ node, people }) => {
        const kept = node.taints.filter((taint) => taint.key === FOREIGN.key);
        assert.deepEqual(
          kept,
          people.taints.filter((taint) => taint.key === FOREIGN.key),
        );
      });
    }),
  );
});

function isNotVerdict(step: Step): boolean {
  return step.do !== 'verdict';
}

function isPersons(step: Step): boolean {
  return (PEOPLE as readonly string[]).includes(step.do);
}

/** Plays a history; after each step the agent compares and writes until nothing is left to do. */
function play(history: readonly Step[], look: (world: World) => void = () => {}): World {
  let world: World = {
    node: sampleNode(),
    roster: rosterOf(POLICIES, {}, new Map(), null),
    people: { unschedulable: false, taints: [] },
    everFailing: false,
  };
  let dieBeforeWrite = false;
  for (const step of history) {
    if (step.do === 'dieBeforeWrite') dieBeforeWrite = true;
    world = apply(world, step);
    world.everFailing ||= [...world.roster.values()].some(({ health }) => health.failing);
    if (wantsToWrite(world) && dieBeforeWrite) {
      dieBeforeWrite = false;
      world = restart(world);
    }
    world = reconcile(world);
    look(world);
  }
  return world;
}

function apply(world: World, step: Step): World {
  const { node, people, roster } = world;
  const ours = (taint: NodeTaint) => taint.key === SAMPLE_TAINT.key;
  const byPerson = { ...SAMPLE_TAINT, value: 'by-person' };
  switch (step.do) {
    case 'verdict': {
      const watched = roster.get(step.policy);
      if (watched === undefined) return world;
      const health = countVerdict(watched.health, sampleVerdict(step.status), watched.policy.spec.check);
      return { ...world, roster: withHealth(roster, step.policy, health) };
    }
    case 'cordon':
      return node.unschedulable ? world : person(world, { unschedulable: true }, { ...people, unschedulable: true });
    case 'uncordon':
      return person(world, { unschedulable: false }, { ...people, unschedulable: false });
    case 'taintForeign':
      return person(world, { taints: put(node.taints, FOREIGN) }, { ...people, taints: put(people.taints, FOREIGN) });
    case 'untaintForeign': {
      const without = (taints: readonly NodeTaint[]) => taints.filter((taint) => taint.key !== FOREIGN.key);
      return person(world, { taints: without(node.taints) }, { ...people, taints: without(people.taints) });
    }
    case 'taintOurs':
      return person(world, { taints: put(node.taints, byPerson) }, { ...people, taints: put(people.taints, byPerson) });
    case 'untaintOurs': {
      const without = (taints: readonly NodeTaint[]) => taints.filter((taint) => !ours(taint));
      return person(world, { taints: without(node.taints) }, { ...people, taints: without(people.taints) });
    }
    case 'kubeletUp':
      return person(world, { ready: true }, people);
    case 'kubeletDown':
      return person(world, { ready: false }, people);
    case 'restart':
      return restart(world);
    case 'dieBeforeWrite':
      return world;
    default:
      return step satisfies never;
  }
}

function person(world: World, edit: Partial<NodeView>, people: World['people']): World {
  const resourceVersion = String(Number(world.node.resourceVersion) + 1);
  return { ...world, node: { ...world.node, ...edit, resourceVersion }, people };
}

function put(taints: readonly NodeTaint[], taint: NodeTaint): NodeTaint[] {
  return [...taints.filter((each) => each.key !== taint.key || each.effect !== taint.effect), taint];
}

function restart(world: World): World {
  const reading = readLedger(world.node);
  const ledger = reading.readable ? reading.ledger : assert.fail('our own ledger must be readable');
  return { ...world, roster: adoptLedger(rosterOf(POLICIES, null, new Map(), null), ledger, null, true) };
}

/** A policy fails and holds nothing yet, as while the kubelet is NotReady. */
function waitsToAct({ node, roster }: World): boolean {
  const reading = readLedger(node);
  const held = reading.readable ? reading.ledger?.policies : undefined;
  return [...roster].some(([name, { health }]) => health.failing && held?.[name] === undefined);
}

function wantsToWrite({ node, roster }: World): boolean {
  return compareSample(node, roster).change !== null;
}

function reconcile(world: World): World {
  return { ...world, node: settleSample(world.node, world.roster) };
}

function byKey(taints: readonly NodeTaint[]): NodeTaint[] {
  return [...taints].sort((a, b) => (a.key < b.key ? -1 : 1));
}
