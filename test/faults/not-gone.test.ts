import assert from 'node:assert/strict';
import { describe, type TestContext, test } from 'node:test';
import type { Fault } from '../../simulator/faults.ts';
import type { ObjectDraft } from '../../simulator/types.ts';
import type { AgentProcess } from '../harness/agent-process.ts';
import { writeBudget } from '../harness/sick-check.ts';
import { NODE, SPEC, setScene, until } from './agent-scene.ts';

/** What is said on the way to the API server is no word of the Node or of a Lease: only a Status about it is. */

const LEASE = 'nsc-b-node-1';
const OTHER_VALUE = { ...SPEC.actions, taint: { ...SPEC.actions.taint, value: 'other' } };
const READ = { method: 'GET', path: /\/nodes(\/node-1|\?)(?!.*watch=)/ };
const WATCH = { method: 'GET', path: /\/nodes\?.*watch=/ };
const WRITE = { method: 'PATCH', path: /\/nodes\/node-1/ };
const LEASES = /\/leases/;

const ofTheWay: [what: string, fault: Fault][] = [
  ["a proxy's page", { kind: 'status', code: 404, html: true }],
  ['a Status without details', { kind: 'status', code: 404 }],
];

/** A node under a budget of one, which one agent watches. */
async function setBudgetScene(t: TestContext, spec: object = SPEC) {
  const scene = await setScene(t, { ...SPEC, ...spec });
  writeBudget(scene.check.policyDir, 'b', { nodeSelector: {}, maxUnavailable: 1 });
  return {
    ...scene,
    leaseUid: () => scene.simulator.read('Lease', LEASE)?.metadata.uid,
    requests: (method: string, path: RegExp) =>
      scene.simulator.requests.filter((request) => request.method === method && path.test(request.path)),
    specText: () => JSON.stringify(scene.simulator.read('Node', 'node-1')?.spec ?? {}),
  };
}

const says = (agent: AgentProcess, what: RegExp) => agent.lines.filter((line) => what.test(line));
const runs = async (agent: AgentProcess, count: number) => {
  const before = says(agent, /^INFO: Running/).length;
  await until(`${count} runs`, () => says(agent, /^INFO: Running/).length >= before + count);
};

describe('what is no word of an object', { concurrency: true }, () => {
  describe('a 404 that is no word of the Node', { concurrency: 8 }, () => {
    for (const [what, fault] of ofTheWay) {
      for (const [to, where] of [
        ['reads', READ],
        ['writes', WRITE],
      ] as const) {
        test(`(${what} to ${to}) takes nothing back, gives no slot back, and is waited out`, async (t) => {
          const scene = await setBudgetScene(t);
          scene.check.breakIt();
          const agent = scene.start();
          await scene.disrupted();
          const [uid, ledger] = [scene.leaseUid(), scene.ledger()];
          assert.ok(uid);
          const active = scene.simulator.faults.add({ ...where, fault });
          for (const watch of scene.simulator.watches) watch.cut();
          scene.check.write({ actions: OTHER_VALUE });
          await agent.waitForLine(/could not \w+ node node-1: 404/);
          await until('a second try', () => active.hits >= 2);
          await runs(agent, 3);
          assert.deepEqual([scene.leaseUid(), scene.ledger(), scene.cordoned()], [uid, ledger, true]);
          assert.deepEqual(scene.requests('DELETE', LEASES), []);
          assert.deepEqual(says(agent, /there is no node|another Node of our name/), []);
          active.remove();
          await until('the other value', () => scene.specText().includes('"other"'));
          assert.equal(scene.leaseUid(), uid);
          scene.check.heal();
          await scene.released();
          await until('the slot to be given back', () => scene.leaseUid() === undefined);
        });
      }

      test(`(${what} to reads and watches) keeps what was counted`, async (t) => {
        const scene = await setBudgetScene(t, { check: { failureThreshold: 6 } });
        scene.check.breakIt();
        const agent = scene.start();
        await agent.waitForLine(/Noticed 2 times/);
        const faults = [READ, WATCH].map((where) => scene.simulator.faults.add({ ...where, fault }));
        for (const watch of scene.simulator.watches) watch.cut();
        await agent.waitForLine(/could not (read|watch) node node-1: 404/);
        // From the sixth on the node is read, to be written.
        await agent.waitForLine(/Noticed 8 times/);
        assert.equal(says(agent, /Noticed 1 times/).length, 1);
        for (const active of faults) active.remove();
        await scene.disrupted();
        assert.equal(says(agent, /Noticed 1 times/).length, 1);
      });
    }
  });

  describe('a 404 that is no word of a Lease', { concurrency: 4 }, () => {
    const PAGE: Fault = { kind: 'status', code: 404, html: true };

    test('to its creation lets nothing be done, until there is a slot', async (t) => {
      const scene = await setBudgetScene(t);
      const active = scene.simulator.faults.add({ method: 'POST', path: LEASES, fault: PAGE });
      scene.check.breakIt();
      const agent = scene.start();
      await agent.waitForLine(/could not create Lease default\/nsc-b-node-1: 404/);
      await until('a second try', () => active.hits >= 2);
      assert.deepEqual([scene.cordoned(), scene.ledger()], [false, undefined]);
      active.remove();
      await scene.disrupted();
      assert.ok(scene.leaseUid());
    });

    test('to its deletion is no deletion: it is asked for again until the Lease is gone', async (t) => {
      const scene = await setBudgetScene(t);
      scene.check.breakIt();
      const agent = scene.start();
      await scene.disrupted();
      const active = scene.simulator.faults.add({ method: 'DELETE', path: LEASES, times: 2, fault: PAGE });
      scene.check.heal();
      await scene.released();
      await agent.waitForLine(/could not delete Lease default\/nsc-b-node-1: 404/);
      await until('the slot to be given back', () => scene.leaseUid() === undefined);
      assert.equal(active.hits, 2);
    });

    test('to a look at it is no word that it is gone: none is made in its place', async (t) => {
      const scene = await setBudgetScene(t);
      scene.check.breakIt();
      const agent = scene.start();
      await scene.disrupted();
      const [uid, made] = [scene.leaseUid(), scene.requests('POST', LEASES).length];
      scene.simulator.faults.add({ method: 'GET', path: /\/leases\/nsc-b-node-1/, times: 2, fault: PAGE });
      // A slot that is held is looked at every 30 s.
      await agent.waitForLine(/could not read Lease default\/nsc-b-node-1: 404/);
      await runs(agent, 3);
      assert.deepEqual([scene.leaseUid(), scene.requests('POST', LEASES).length], [uid, made]);
      assert.equal(scene.cordoned(), true);
    });
  });

  describe('a Node that is gone', { concurrency: 2 }, () => {
    for (const [rule, isSame] of [
      ['and back with the UID it had was never gone: what was counted and done goes on', true],
      ['and back with another UID is another one, for which counting begins anew', false],
    ] as const) {
      test(rule, async (t) => {
        const scene = await setBudgetScene(t, { check: { failureThreshold: 5 } });
        scene.check.breakIt();
        const agent = scene.start();
        await agent.waitForLine(/Noticed 3 times/);
        const node = scene.simulator.read('Node', 'node-1') as unknown as ObjectDraft & { metadata: { uid: string } };
        scene.simulator.remove('Node', 'node-1');
        await agent.waitForLine(/there is no node node-1/);
        const metadata = { ...node.metadata, uid: isSame ? node.metadata.uid : 'another' };
        const from = agent.lines.length;
        scene.simulator.seed({ ...NODE, metadata });
        await scene.disrupted();
        const counted = agent.lines.slice(from).filter((line) => /Noticed 1 times/.test(line));
        assert.equal(counted.length, isSame ? 0 : 1);
      });
    }
  });
});
