import assert from 'node:assert/strict';
import { renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import type { Fault, FaultRule } from '../../simulator/faults.ts';
import { startSimulator } from '../../simulator/simulator.ts';
import type { ObjectDraft } from '../../simulator/types.ts';
import { readSamples, samplesOf } from '../harness/metrics-text.ts';
import { configuredRuntime, type Runtime } from '../harness/nsc-command.ts';
import { freePort } from '../harness/processes.ts';
import { waitFor } from '../harness/wait-for.ts';
import { healthyRun, LEDGER, NODE, setScene, until } from './agent-scene.ts';

/** Real agents against an API server that misbehaves. Whatever it does, the node ends as it should, and checks go on. */

const PATCH = { method: 'PATCH', path: /nodes\/node-1/ };
const READ = { method: 'GET', path: /nodes\/node-1/ };
const WATCH = { method: 'GET', path: /watch=true/ };

const rows: [rule: string, rule: Omit<FaultRule, 'fault'>, fault: Fault, says: RegExp | null][] = [
  [
    'a write refused by 409 is made again on the newest version',
    { ...PATCH, times: 3 },
    { kind: 'status', code: 409 },
    null,
  ],
  [
    'many conflicts in a row are said and waited out',
    { ...PATCH, times: 7 },
    { kind: 'status', code: 409 },
    /could not change node node-1: 409/,
  ],
  [
    'a write whose answer is lost is found to have landed',
    { ...PATCH, times: 1 },
    { kind: 'drop' },
    /the connection was cut/,
  ],
  ['a write that never arrived is made again', { ...PATCH, times: 2 }, { kind: 'refuse' }, /the connection was cut/],
  [
    'a server error is waited out',
    { ...PATCH, times: 3 },
    { kind: 'status', code: 500 },
    /could not change node node-1: 500/,
  ],
  [
    'a refusal is said with what to check',
    { ...PATCH, times: 2 },
    { kind: 'status', code: 403 },
    /403 .*check the ClusterRole/,
  ],
  [
    'a throttled read is made again',
    { ...READ, times: 2 },
    { kind: 'status', code: 429, plainText: true },
    /could not read node node-1: 429/,
  ],
  [
    'a read that stalls is given up by its deadline',
    { ...READ, times: 1 },
    { kind: 'stall' },
    /no whole answer within 10 s/,
  ],
  [
    'a body that stalls is given up by its deadline',
    { ...READ, times: 1 },
    { kind: 'stallBody' },
    /no whole answer within 10 s/,
  ],
  [
    'a watch cut again and again changes nothing',
    { ...WATCH, times: 5 },
    { kind: 'watchCut', afterEvents: 0 },
    /could not watch node node-1/,
  ],
];
describe('an agent whose API server misbehaves', { concurrency: 8 }, () => {
  const configured = configuredRuntime();
  for (const runtime of new Set<Runtime>([configured, 'deno'])) {
    for (const [rule, where, fault, says] of rows) {
      // What differs between the runtimes is how connections end.
      if (runtime !== configured && !['stall', 'stallBody', 'drop'].includes(fault.kind)) continue;
      test(`on ${runtime}, ${rule}`, async (t) => {
        const scene = await setScene(t);
        const agent = scene.start(runtime);
        await healthyRun(agent);
        await until('the report', () => scene.report().revision !== undefined);
        const active = scene.simulator.faults.add({ ...where, fault });
        if (where.path === WATCH.path) for (const watch of scene.simulator.watches) watch.cut();
        scene.check.breakIt();
        await scene.disrupted();
        await until('the fault to be spent', () => active.hits === where.times);
        if (says) await agent.waitForLine(says);
        const held = scene.ledger();
        await agent.waitForLine(/Noticed/, { from: agent.lines.length });
        assert.equal(scene.ledger(), held, 'it acted once');
        scene.check.heal();
        await scene.released();
      });
    }
  }

  test('away at the start holds up no check, and is used when it comes', async (t) => {
    const scene = await setScene(t);
    const port = await freePort();
    const config = JSON.parse(scene.simulator.kubeconfig());
    await scene.simulator.close();
    config.clusters[0].cluster.server = `http://127.0.0.1:${port}`;
    writeFileSync(join(scene.dir, 'later'), JSON.stringify(config));
    scene.check.breakIt();
    const agent = scene.start(undefined, join(scene.dir, 'later'));
    await agent.waitForLine(/could not read node node-1: .*the connection was refused; check/);
    await agent.waitForLine(/Noticed 3 times/);
    scene.simulator = await startSimulator({ port });
    scene.simulator.seed(NODE);
    await scene.disrupted();
  });

  test('away for a while is told what happened meanwhile when it is back', async (t) => {
    const scene = await setScene(t);
    const agent = scene.start();
    const isTold = (reason: string) => scene.simulator.list('Event').some((event) => event.reason === reason);
    await until('the first Event', () => isTold('PolicyReloaded'));
    await until('the report', () => scene.report().revision !== undefined);
    const [node, port] = [scene.simulator.read('Node', 'node-1'), Number(new URL(scene.simulator.url).port)];
    await scene.simulator.close();
    scene.check.write({ check: { periodSeconds: 0 } });
    await agent.waitForLine(/the policy directory is invalid/);
    // Code 0: nobody answered. The sixth attempt comes half a minute after the fifth at the latest.
    const attempts = async () => {
      const requests = samplesOf(readSamples((await agent.get('/metrics')).body), 'nsc_api_requests_total');
      return requests['verb="POST",resource="events",code="0"'] ?? 0;
    };
    await waitFor(async () => (await attempts()) >= 5, { what: 'five attempts to tell' });
    scene.simulator = await startSimulator({ port });
    scene.simulator.seed(node as unknown as ObjectDraft);
    await until('the Event', () => isTold('PolicyInvalid'));
  });

  test('an unreadable ledger means that nothing is touched, and says so', async (t) => {
    const scene = await setScene(t);
    scene.simulator.edit('Node', 'node-1', (draft) => {
      draft.metadata.annotations = { [LEDGER]: '{"version":99}' };
    });
    scene.check.breakIt();
    const agent = scene.start();
    await agent.waitForLine(
      /node-svc-checker\/ledger cannot be read: version must be 1 or 2, found 99; nothing is done/,
    );
    await agent.waitForLine(/Noticed 4 times/);
    assert.ok(!scene.cordoned());
    scene.simulator.edit('Node', 'node-1', (draft) => {
      draft.metadata.annotations = {};
    });
    await scene.disrupted();
  });
});

describe('an agent whose policy directory is invalid', { concurrency: 2 }, () => {
  test('at the start only observes, is not ready, and says so on the node', async (t) => {
    const scene = await setScene(t);
    scene.check.breakIt();
    scene.check.write({ actions: { cordoned: true } });
    const agent = scene.start();
    await agent.waitForLine(/sick-check.yaml:1:\d+: \$\.spec\.actions\.cordoned: /);
    await until('the report', () => scene.report().revision === null && /cordoned/.test(scene.report().error ?? ''));
    assert.equal((await agent.get('/readyz')).status, 503);
    assert.equal((await agent.get('/healthz')).status, 200);
    scene.check.write({});
    await scene.disrupted();
    assert.equal((await agent.get('/readyz')).status, 200);
  });

  test('later keeps the last good policy in force, and says so on the node', async (t) => {
    const scene = await setScene(t);
    const agent = scene.start();
    await until('the report', () => scene.report().revision !== undefined);
    const { revision } = scene.report();
    scene.check.write({ check: { periodSeconds: 0 } });
    await agent.waitForLine(new RegExp(`the policy directory is invalid, so ${revision} stays in force`));
    await until('the report', () => /periodSeconds/.test(scene.report().error ?? ''));
    assert.equal(scene.report().revision, revision);
    assert.equal((await agent.get('/readyz')).status, 200);
    scene.check.breakIt();
    await scene.disrupted();
  });

  test('because it vanished undoes nothing, and is in force again when the same is back', async (t) => {
    const scene = await setScene(t);
    scene.check.breakIt();
    const agent = scene.start();
    await scene.disrupted();
    const { revision } = scene.report();
    renameSync(scene.check.policyDir, `${scene.check.policyDir}.away`);
    await until('the report', () => /must be a directory that can be read/.test(scene.report().error ?? ''));
    await agent.waitForLine(/Noticed/, { from: agent.lines.length });
    assert.ok(scene.cordoned() && scene.tainted() && scene.report().revision === revision);
    renameSync(`${scene.check.policyDir}.away`, scene.check.policyDir);
    await until('the report', () => scene.report().error === undefined && scene.report().revision === revision);
    assert.match((await agent.get('/metrics')).body, /^nsc_policy_reload_success(\{.*\})? 1$/m);
    scene.check.heal();
    await scene.released();
  });
});
