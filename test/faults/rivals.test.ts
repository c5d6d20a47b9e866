import assert from 'node:assert/strict';
import { describe, type TestContext, test } from 'node:test';
import type { AgentProcess } from '../harness/agent-process.ts';
import { createSickCheck, type SickCheck } from '../harness/sick-check.ts';
import { healthyRun, SPEC, setScene, until } from './agent-scene.ts';

/** More than one agent on a node, one after the other or at once: a surge, a second install, one started by hand. */

/** What the agent that acts says of itself on the Node. */
const CLAIM = 'node-svc-checker/agent';
/** Between two agents that run the same check at the same rate, half of its period apart. */
const HALF_PERIOD_MS = 500;
/** Within which another agent takes over from one that was killed, in milliseconds; and what a busy machine may add. */
const TAKEOVER_MS = 60_000;
const BUSY_MS = 15_000;

const standsBy = (agent: AgentProcess) => agent.waitForLine(/WARN: another agent of node node-1 .* stands by/);
const takesOver = (agent: AgentProcess) => agent.waitForLine(/the other agent of node node-1 is gone; this one acts/);
const runs = async (agent: AgentProcess, count: number) => {
  const from = agent.lines.length;
  const found = () => agent.lines.slice(from).filter((line) => line.startsWith('INFO: Running')).length;
  await until(`${count} runs`, () => found() >= count);
};

/** A node with two agents, of which the second was started half a period after the first. */
async function setRivals(t: TestContext, spec = SPEC) {
  const base = await setScene(t, spec);
  const writes = () => base.simulator.requests.filter(({ method, path }) => method === 'PATCH' && /nodes\//.test(path));
  const scene = {
    ...base,
    writes,
    /** Writes that change more than annotations. */
    effects: () => writes().filter(({ body }) => JSON.parse(body).spec !== undefined),
    reported: () => until('the report', () => base.report().revision !== undefined),
    version: () => base.simulator.read('Node', 'node-1')?.metadata.resourceVersion,
    events: (reason: string) => base.simulator.list('Event').filter((event) => event.reason === reason),
    async startBoth(otherCheck: SickCheck = base.check) {
      const first = base.start();
      await healthyRun(first);
      await scene.reported();
      const { revision } = base.report();
      const startAt = performance.now() + HALF_PERIOD_MS;
      await until('half a period to pass', () => performance.now() >= startAt);
      const second = base.start(undefined, undefined, otherCheck.policyDir);
      await standsBy(first);
      await healthyRun(second);
      if (otherCheck !== base.check) await until("the second one's report", () => base.report().revision !== revision);
      await until('the first one to be known', () =>
        /hasStandby/.test(base.node()?.metadata.annotations?.[CLAIM] ?? ''),
      );
      return { first, second };
    },
  };
  return scene;
}

describe('the agents of one node', { concurrency: true }, () => {
  describe('two agents of one node', { concurrency: 6 }, () => {
    test('with the same files change it once each way: the one that started last acts, the other says that it stands by', async (t) => {
      const scene = await setRivals(t);
      const { first, second } = await scene.startBoth();
      const before = scene.writes().length;
      scene.check.breakIt();
      await scene.disrupted();
      await Promise.all([runs(first, 3), runs(second, 3)]);
      scene.check.heal();
      await scene.released();
      await Promise.all([runs(first, 3), runs(second, 3)]);
      assert.equal(scene.effects().length, 2, 'one change each way');
      assert.equal(scene.writes().length, before + 2, 'and nothing else is written');
      const [event, ...more] = scene.events('AgentStandsBy');
      assert.deepEqual(more, []);
      assert.match(String(event?.message), /Two agents run for node node-1; the one .* started last, and acts/);
      const did = (agent: AgentProcess, what: RegExp) => agent.lines.filter((line) => what.test(line)).length;
      for (const what of [/Cordoning node/, /is given back/])
        assert.deepEqual([did(first, what), did(second, what)], [0, 1]);
      assert.ok(did(first, /Detected the monitored service is down/) === 1, 'it still says how its check is');
    });

    test('do not fight over it where their policies differ', async (t) => {
      const scene = await setRivals(t);
      const other = createSickCheck({ check: { failureThreshold: 5 }, actions: { cordon: true } });
      t.after(() => other.remove());
      const { first, second } = await scene.startBoth(other);
      const before = scene.writes().length;
      scene.check.breakIt();
      await first.waitForLine(/Noticed 4 times/);
      assert.equal(scene.cordoned(), false, 'the check of the one that acts is healthy');
      other.breakIt();
      await until('the cordon', scene.cordoned);
      await Promise.all([runs(first, 3), runs(second, 3)]);
      scene.check.heal();
      await Promise.all([runs(first, 3), runs(second, 3)]);
      assert.deepEqual([scene.cordoned(), scene.tainted()], [true, false]);
      assert.equal(scene.writes().length, before + 1);
      other.heal();
      await scene.released();
      assert.equal(scene.writes().length, before + 2);
    });

    test('hand it over at SIGTERM, as it is', async (t) => {
      const scene = await setRivals(t);
      const { first, second } = await scene.startBoth();
      scene.check.breakIt();
      await scene.disrupted();
      second.kill('SIGTERM');
      assert.deepEqual(await second.exit, { code: 0, signal: null });
      await takesOver(first);
      await runs(first, 3);
      assert.ok(scene.cordoned() && scene.tainted());
      assert.equal(scene.effects().length, 1, 'it was disrupted all the time');
      scene.check.heal();
      await scene.released();
      assert.equal(scene.effects().length, 2);
    });

    test('take it over within a minute from one of the same machine that was killed', async (t) => {
      const scene = await setRivals(t);
      const { first, second } = await scene.startBoth();
      second.kill('SIGKILL');
      await second.exit;
      const killedAtMs = performance.now();
      scene.check.breakIt();
      await takesOver(first);
      assert.ok(performance.now() - killedAtMs <= TAKEOVER_MS + BUSY_MS);
      await scene.disrupted();
      assert.equal(scene.effects().length, 1);
    });
  });

  describe('one agent', { concurrency: 4 }, () => {
    for (const [how, isSick] of [
      ['healthy', false],
      ['disrupted', true],
    ] as const) {
      test(`killed and started again writes nothing to a ${how} node that is as it should be`, async (t) => {
        const scene = await setRivals(t);
        if (isSick) scene.check.breakIt();
        const first = scene.start();
        await scene.reported();
        if (isSick) await scene.disrupted();
        await runs(first, 2);
        const [version, writes] = [scene.version(), scene.writes().length];
        for (let restart = 1; restart <= 2; restart++) {
          const agent = restart === 1 ? first : scene.start();
          await runs(agent, 1);
          agent.kill('SIGKILL');
          await agent.exit;
        }
        const last = scene.start();
        await runs(last, 5);
        assert.deepEqual([scene.version(), scene.writes().length], [version, writes]);
        assert.ok(!last.lines.some((line) => /stands by/.test(line)));
        if (isSick) scene.check.heal();
        if (isSick) await scene.released();
      });

      test(`ended by SIGTERM leaves a ${how} node at the version that it had`, async (t) => {
        const scene = await setRivals(t);
        if (isSick) scene.check.breakIt();
        const agent = scene.start();
        await scene.reported();
        if (isSick) await scene.disrupted();
        await runs(agent, 2);
        const version = scene.version();
        agent.kill('SIGTERM');
        assert.deepEqual(await agent.exit, { code: 0, signal: null });
        assert.equal(scene.version(), version);
      });
    }
  });
});
