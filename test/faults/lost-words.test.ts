import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { Fault } from '../../simulator/faults.ts';
import type { KubeObject } from '../../simulator/types.ts';
import { readSamples, samplesOf } from '../harness/metrics-text.ts';
import { writeBudget } from '../harness/sick-check.ts';
import { healthyRun, LEDGER, setScene, until } from './agent-scene.ts';

/** Reports that are refused, answers that are lost, and old news: neither delay nor change what is done to the node. */

const WRITE = { method: 'PATCH', path: /\/nodes\/node-1/ };

const refusals: [how: string, fault: Fault][] = [
  ['for want of a right', { kind: 'status', code: 403 }],
  ['by a server in trouble', { kind: 'status', code: 500 }],
  ['by an admission policy', { kind: 'status', code: 422, message: 'ValidatingAdmissionPolicy denied request' }],
];
/** What the report may be asked for in vain while a node is disrupted and given back, which takes some ten seconds. */
const MAX_REFUSALS = 12;
/** Runs of the check, one a second, that what is done may take on a busy machine; a report waits some ten by then. */
const MAX_RUNS = 4;

describe('what is refused, lost or old', { concurrency: true }, () => {
  describe('a policy report that is refused', { concurrency: 3 }, () => {
    for (const [how, fault] of refusals) {
      test(`${how} delays neither the cordon nor its undoing, and is written when it can be`, async (t) => {
        const scene = await setScene(t);
        const refused = scene.simulator.faults.add({ ...WRITE, body: /node-svc-checker\/policy/, fault });
        const agent = scene.start();
        await healthyRun(agent);
        await until('refusals that are waited out longer and longer', () => refused.hits >= 5);
        scene.check.breakIt();
        await scene.disrupted();
        scene.check.heal();
        await scene.released();
        assert.deepEqual(scene.report(), {}, 'the report is refused still');
        assert.ok(refused.hits <= MAX_REFUSALS, `${refused.hits} refusals`);
        const did = (what: RegExp) => agent.lines.findIndex((line) => what.test(line));
        const between = (from: RegExp, to: RegExp) =>
          agent.lines.slice(did(from), did(to)).filter((line) => /INFO: Running/.test(line)).length;
        assert.ok(between(/monitored service is down/, /Cordoning node/) <= MAX_RUNS, agent.lines.join('\n'));
        assert.ok(between(/monitored service is up again/, /is given back/) <= MAX_RUNS, agent.lines.join('\n'));
        refused.remove();
        await until('the report', () => scene.report().revision !== undefined);
      });
    }
  });

  describe('a write that landed and whose answer was lost', { concurrency: 2 }, () => {
    for (const kind of ['drop', 'truncate'] as const) {
      test(`(${kind}) is told by log, Event and metric all the same, once`, async (t) => {
        const scene = await setScene(t);
        const agent = scene.start();
        await healthyRun(agent);
        await until('the report', () => scene.report().revision !== undefined);
        const lost = scene.simulator.faults.add({ ...WRITE, body: /unschedulable":true/, times: 1, fault: { kind } });
        scene.check.breakIt();
        await scene.disrupted();
        await agent.waitForLine(/Noticed 5 times/);
        assert.equal(lost.hits, 1);
        const events = (reason: string) => scene.simulator.list('Event').filter((event) => event.reason === reason);
        for (const [line, reason, action] of [
          [/WARN: Cordoning node node-1/, 'NodeCordoned', 'Cordoned'],
          [/WARN: Tainting node node-1 with sick=true:NoSchedule/, 'NodeTainted', 'Tainted'],
        ] as const) {
          assert.equal(agent.lines.filter((each) => line.test(each)).length, 1, agent.lines.join('\n'));
          await until(`the Event ${reason}`, () => events(reason).length > 0);
          assert.deepEqual(
            events(reason).map(({ count = 1 }) => count),
            [1],
          );
          const metric = samplesOf(readSamples((await agent.get('/metrics')).body), 'nsc_node_actions_total');
          assert.equal(metric[`action="${action}",result="Success"`], 1);
        }
      });
    }
  });

  describe('an older Node that the watch delivers', { concurrency: 2 }, () => {
    test('with what was undone since makes no Lease and no write', async (t) => {
      const scene = await setScene(t);
      writeBudget(scene.check.policyDir, 'b', { nodeSelector: {}, maxUnavailable: 1 });
      const agent = scene.start();
      scene.check.breakIt();
      await scene.disrupted();
      const before = scene.simulator.read('Node', 'node-1') as KubeObject;
      assert.ok(before.metadata.annotations?.[LEDGER]);
      scene.check.heal();
      await scene.released();
      await until('the slot to be given back', () => scene.simulator.list('Lease').length === 0);
      await agent.waitForLine(/is given back/);
      await healthyRun(agent);
      const writes = () => scene.simulator.requests.filter(({ method }) => ['PATCH', 'PUT'].includes(method)).length;
      const leases = () =>
        scene.simulator.requests.filter(({ method, path }) => method === 'POST' && /leases/.test(path));
      const [wrote, made] = [writes(), leases().length];
      for (const watch of scene.simulator.watches) if (/nodes\?.*node-1/.test(watch.path)) watch.resend(before);
      for (let run = 0; run < 4; run++) await healthyRun(agent);
      assert.deepEqual([writes(), leases().length], [wrote, made]);
      const told = agent.lines.filter((line) => /Cordoning|given back|Somebody/.test(line));
      assert.deepEqual(told, ['⚠ WARN: Cordoning node node-1', 'INFO: Node node-1 is given back']);
    });

    test('without what was done since takes nothing from a disrupted node', async (t) => {
      const scene = await setScene(t);
      writeBudget(scene.check.policyDir, 'b', { nodeSelector: {}, maxUnavailable: 1 });
      const agent = scene.start();
      await healthyRun(agent);
      await until('the report', () => scene.report().revision !== undefined);
      const before = scene.simulator.read('Node', 'node-1') as KubeObject;
      scene.check.breakIt();
      await scene.disrupted();
      await agent.waitForLine(/Cordoning node/);
      const version = () => scene.simulator.read('Node', 'node-1')?.metadata.resourceVersion;
      const disrupted = version();
      for (const watch of scene.simulator.watches) if (/nodes\?.*node-1/.test(watch.path)) watch.resend(before);
      await agent.waitForLine(/Noticed 6 times/);
      assert.equal(version(), disrupted);
      assert.ok(!scene.simulator.requests.some(({ method }) => method === 'DELETE'), 'the slot is kept');
      const told = agent.lines.filter((line) => /Cordoning|Uncordoning|given back|Somebody/.test(line));
      assert.deepEqual(told, ['⚠ WARN: Cordoning node node-1']);
    });
  });
});
