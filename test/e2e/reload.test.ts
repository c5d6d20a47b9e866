import assert from 'node:assert/strict';
import { readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { skipWithoutControlPlane } from '../harness/binaries.ts';
import {
  DRAIN_STATE,
  isCordoned,
  isHeld,
  isReleased,
  LEDGER,
  type NodeObject,
  taintsOf,
} from '../harness/held-node.ts';
import { createSickCheck, type SickCheck, type SickCheckSpec } from '../harness/sick-check.ts';
import { waitFor } from '../harness/wait-for.ts';
import { type ReloadTarget, startOnControlPlane, startOnSimulator } from './reload-target.ts';

const TAINT = { key: 'sick', value: 'true', effect: 'NoSchedule' } as const;
const SPEC = { check: { failureThreshold: 2 }, actions: { cordon: true, taint: TAINT } };

/** Edits that take everything back, and what brings the policy back as it was. */
const UNDONE: readonly (readonly [
  edit: string,
  apply: (check: SickCheck) => void,
  takeBack: (check: SickCheck) => void,
])[] = [
  ['that says mode Observe', (check) => check.write({ mode: 'Observe' }), asItWas],
  ['that says no actions', (check) => check.write({ actions: {} }), asItWas],
  [
    'whose selector matches the node no more',
    (check) => check.write({ nodeSelector: { matchLabels: { role: 'web' } } }),
    asItWas,
  ],
  ['that is removed', (check) => moveAside(check, 'another', ['/bin/true']), asItWas],
  ['that is renamed', (check) => moveAside(check, 'renamed'), () => {}],
];

/** What an edit of the policy file means for a node that is held, by a running agent whose process stays the same. */
describe('a policy edited while its check fails', { concurrency: 2 }, () => {
  sameRules('the simulator', startOnSimulator, { isReal: false, skip: false });
  sameRules('a real API server', startOnControlPlane, { isReal: true, skip: skipWithoutControlPlane() });
});

function sameRules(
  where: string,
  startTarget: () => Promise<ReloadTarget>,
  { isReal, skip }: { isReal: boolean; skip: false | string },
): void {
  describe(`on ${where}`, { skip, concurrency: 4 }, () => {
    let target: ReloadTarget;
    before(async () => {
      target = await startTarget();
    });
    after(() => target?.stop());
    let nodes = 0;
    const rule: Rule = (what, play, spec = SPEC) =>
      test(what, async (t) => {
        const scene = await setScene(target, `reload-${++nodes}`, spec);
        t.after(() => scene.agent.kill('SIGKILL'));
        await play(scene);
        scene.assertSameProcess();
      });
    // What the agent does with an edit is its own affair; that the API server takes each kind of write is seen once.
    const ownAffair: Rule = (...args) => (isReal ? undefined : rule(...args));

    for (const [n, [edit, apply, takeBack]] of UNDONE.entries()) {
      (n === 0 ? rule : ownAffair)(
        `a policy ${edit} is undone in one write, and acts again when it is back`,
        async (scene) => {
          await scene.held();
          const mark = target.mark();
          apply(scene.check);
          await scene.released();
          const [undo, ...more] = await scene.effectsSince(mark);
          assert.deepEqual(taintKeys(undo?.spec), []);
          assert.deepEqual([undo?.spec?.unschedulable, undo?.metadata?.annotations?.[LEDGER]], [null, null]);
          // A renamed policy counts anew, and so may have acted again already.
          if (more.length > 0) assert.match(edit, /renamed/);
          takeBack(scene.check);
          await scene.disrupted();
        },
      );
    }

    rule('a new taint key replaces the old one in one write', async (scene) => {
      await scene.held();
      const mark = target.mark();
      await scene.edit({ actions: { cordon: true, taint: { ...TAINT, key: 'very-sick' } } });
      await scene.until('given the new taint', (node) => taintKeys(node.spec).includes('very-sick'));
      await scene.runs(/Noticed/, 2);
      const effects = await scene.effectsSince(mark);
      assert.deepEqual(
        effects.map(({ spec }) => taintKeys(spec)),
        [['very-sick']],
      );
      const node = await scene.node();
      assert.deepEqual(taintKeys(node.spec), ['very-sick']);
      assert.ok(isCordoned(node));
    });

    const kept: [edit: string, check: object, says: RegExp][] = [
      ['a raised threshold', { failureThreshold: 1000 }, /threshold is 1000/],
      ['another period', { periodSeconds: 2 }, /threshold is 2/],
      ['another timeout', { timeoutSeconds: 30 }, /threshold is 2/],
    ];
    for (const [edit, check, says] of kept) {
      ownAffair(`${edit} counts on and keeps what is held, with nothing written`, async (scene) => {
        await scene.held();
        const mark = target.mark();
        await scene.edit({ check });
        await scene.runs(says, 2);
        const counted = scene.counted();
        assert.deepEqual(
          counted,
          counted.map((_, i) => i + 1),
        );
        assert.deepEqual(await scene.effectsSince(mark), []);
        assert.ok(isCordoned(await scene.node()));
      });
    }

    ownAffair(
      'a lowered threshold acts at once on what was counted',
      async (scene) => {
        scene.check.breakIt();
        await scene.runs(/Noticed/, 3);
        scene.check.write({ check: { failureThreshold: 2, periodSeconds: 3600 } });
        await scene.disrupted();
      },
      { ...SPEC, check: { failureThreshold: 1000 } },
    );

    ownAffair('paused freezes: a recovery undoes nothing until it is unpaused', async (scene) => {
      await scene.held();
      scene.check.write({ paused: true });
      await scene.agent.waitForLine(/the policy is paused/);
      scene.check.heal();
      await scene.runs(/OK/, 3);
      assert.ok(isCordoned(await scene.node()));
      scene.check.write({});
      await scene.released();
    });

    ownAffair(
      'paused freezes: a failure does nothing until it is unpaused',
      async (scene) => {
        scene.check.breakIt();
        await scene.runs(/Noticed/, 4);
        assert.ok(isReleased(await scene.node()));
        scene.check.write({ paused: false });
        await scene.disrupted();
      },
      { ...SPEC, paused: true },
    );

    ownAffair('another command starts counting at zero and keeps what is held until it recovers', async (scene) => {
      await scene.held();
      scene.check.write({ check: { command: ['/bin/false'], failureThreshold: 3 } });
      await scene.agent.waitForLine(/Noticed 1 times\. \(threshold is 3\)/);
      await scene.runs(/Noticed/, 1);
      assert.ok(isCordoned(await scene.node()));
      scene.check.write({ check: { command: ['/bin/true'] } });
      await scene.released();
    });

    ownAffair('another command drains nothing that only the command before has failed for', async (scene) => {
      await scene.held();
      const mark = target.mark();
      await scene.edit({
        check: { command: ['/bin/true'], initialDelaySeconds: 2 },
        actions: { cordon: true, drain: {} },
      });
      await scene.released();
      const states = (await scene.effectsSince(mark)).map(({ metadata }) => metadata?.annotations?.[DRAIN_STATE]);
      assert.ok(!states.includes('drainActive'), `drain states written: ${states}`);
    });

    rule(
      'a label that the selector asks for starts the check, and its loss ends it',
      async (scene) => {
        scene.check.breakIt();
        await scene.agent.waitForLine(/policy in force/);
        await target.setRole(scene.name, 'web');
        await scene.disrupted();
        await target.setRole(scene.name, 'storage');
        await scene.released();
      },
      { ...SPEC, nodeSelector: { matchLabels: { role: 'web' } } },
    );
  });
}

type Scene = Awaited<ReturnType<typeof setScene>>;
type Rule = (what: string, play: (scene: Scene) => Promise<void>, spec?: SickCheckSpec) => unknown;

/** One Node and its agent, whose check can be broken. */
async function setScene(target: ReloadTarget, name: string, spec: SickCheckSpec) {
  const check = createSickCheck(spec);
  const agent = await target.start(name, check);
  const node = () => target.node(name);
  const until = (what: string, condition: (node: NodeObject) => boolean) =>
    waitFor(async () => condition(await node()), { what: `node ${name} to be ${what}` });
  const disrupted = () => until('held', (seen) => isCordoned(seen) && isHeld(seen));
  return {
    name,
    check,
    agent,
    node,
    until,
    disrupted,
    released: () => until('given back', (seen) => isReleased(seen) && taintsOf(seen).length === 0),
    async held() {
      check.breakIt();
      await disrupted();
    },
    /** Returns once the edited policy is in force. */
    async edit(changed: SickCheckSpec) {
      const from = agent.lines.length;
      check.write(changed);
      await agent.waitForLine(/policy in force/, { from });
    },
    /** Several more runs have ended, and so all that could follow from the last edit. */
    async runs(pattern: RegExp, count: number) {
      const from = agent.lines.length;
      const seen = () => agent.lines.slice(from).filter((line) => pattern.test(line)).length;
      await waitFor(() => seen() >= count, { what: `${count} lines that match ${pattern}` });
    },
    /** How often in a row the check had failed, at each failure so far. */
    counted: () =>
      agent.lines.flatMap((line) => {
        const [, times] = /Noticed (\d+) times/.exec(line) ?? [];
        return times === undefined ? [] : [Number(times)];
      }),
    /** The writes that say more than which policy is in force. */
    effectsSince: async (mark: number) =>
      (await target.writes(name, mark)).filter(
        ({ spec: fields, metadata }) => fields !== undefined || metadata?.annotations?.[LEDGER] !== undefined,
      ),
    assertSameProcess() {
      assert.equal(agent.lines.filter((line) => line.includes('agent started')).length, 1);
      assert.ok(process.kill(agent.pid, 0), 'it runs still');
    },
  };
}

function asItWas(check: SickCheck): void {
  check.write({});
}

/** The policy is gone, and another one there instead: with its check, unless it has another command. */
function moveAside(check: SickCheck, name: string, command?: readonly string[]): void {
  const file = join(check.policyDir, 'sick-check.yaml');
  const policy = JSON.parse(readFileSync(file, 'utf8'));
  policy.metadata.name = name;
  if (command) policy.spec.check.command = command;
  // In one step: for a moment with both, the new one could fail, too, and keep what the old one held.
  writeFileSync(`${file}.new`, JSON.stringify(policy));
  renameSync(`${file}.new`, file);
}

function taintKeys(spec: Partial<NodeObject['spec']> = {}): string[] {
  return taintsOf({ metadata: { resourceVersion: '' }, spec }).map(({ key }) => key);
}
