import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { startAgent } from '../harness/agent-process.ts';
import { createSickCheck, writeBudget } from '../harness/sick-check.ts';
import { NODE, setScene, until } from './agent-scene.ts';

/** What a budget that says no has people told. */

type Budget = readonly [name: string, maxUnavailable: number];
const ZERO = /: budget (zero|a-zero|z-zero) lets no node be disrupted \(its limit is 0\)$/;

const denials: [what: string, budgets: readonly Budget[], reason: RegExp][] = [
  ['one budget of nothing', [['zero', 0]], ZERO],
  ['a full one', [['full', 1]], /: budget full is full, 1 of 1 disrupted$/],
  [
    'a full one and then one of nothing',
    [
      ['full', 1],
      ['z-zero', 0],
    ],
    ZERO,
  ],
  [
    'one of nothing and then a full one',
    [
      ['a-zero', 0],
      ['full', 1],
    ],
    ZERO,
  ],
  [
    'two of nothing',
    [
      ['a-zero', 0],
      ['z-zero', 0],
    ],
    ZERO,
  ],
];

describe('a node that is denied', { concurrency: 5 }, () => {
  for (const [by, budgets, reason] of denials) {
    test(`by ${by} says the true reason, in the log and as an Event`, async (t) => {
      const scene = await setScene(t);
      scene.simulator.seed({ ...NODE, metadata: { name: 'by-hand' }, spec: { unschedulable: true } });
      for (const [name, maxUnavailable] of budgets) {
        writeBudget(scene.check.policyDir, name, { nodeSelector: {}, maxUnavailable });
      }
      scene.check.breakIt();
      const agent = scene.start();
      await agent.waitForLine(/Noticed 6 times/);
      const denied = () => scene.simulator.list('Event').filter((event) => event.reason === 'BudgetDenied');
      await until('the Event', () => denied().length > 0);
      for (const { message } of denied()) {
        assert.match(String(message), reason);
        assert.match(String(message), /^Policy sick-check: no slot to cordon, taint sick=true:NoSchedule: /);
      }
      const lines = agent.lines.filter((line) => /No slot for node/.test(line));
      assert.equal(lines.length, 1, lines.join('\n'));
      assert.match(lines[0] ?? '', /No slot for node node-1: budget \S+ (lets no node be|is full, 1 of 1) disrupted/);
      assert.equal(scene.cordoned(), false);
      assert.deepEqual(scene.simulator.list('Lease'), []);
    });
  }
});

/** Longer than a check's period: all have made their Leases when the first one counts, and none is gone when the last does. */
const LATE_MS = 2_000;

test('who loses a race for the one slot is told that it is full, and never counts another loser', async (t) => {
  const scene = await setScene(t);
  const names = ['node-1', 'node-2', 'node-3'];
  const checks = names.map(() => createSickCheck({ check: { failureThreshold: 1 }, actions: { cordon: true } }));
  for (const check of checks) writeBudget(check.policyDir, 'one', { nodeSelector: {}, maxUnavailable: 1 });
  scene.simulator.seed(...names.map((name) => ({ ...NODE, metadata: { name } })));
  const kubeconfig = scene.simulator.writeKubeconfig(`${scene.dir}/kubeconfig`);
  const agents = names.map((nodeName, n) =>
    startAgent({ nodeName, policyDir: checks[n]?.policyDir ?? '', kubeconfig }),
  );
  t.after(async () => {
    for (const agent of agents) agent.kill('SIGKILL');
    await Promise.all(agents.map(({ exit }) => exit));
    for (const check of checks) check.remove();
  });
  await Promise.all(agents.map((agent) => agent.waitForLine(/\[✅OK\]/)));
  const fault = { kind: 'delay', ms: LATE_MS } as const;
  scene.simulator.faults.add({ method: 'GET', path: /\/leases\?(?!.*watch=)/, fault });
  for (const method of ['POST', 'DELETE']) scene.simulator.faults.add({ method, path: /\/leases/, fault });
  for (const check of checks) check.breakIt();
  await until('all to have a Lease', () => scene.simulator.list('Lease').length === 3);
  const denied = () => agents.flatMap(({ lines }) => lines.filter((line) => /No slot for node/.test(line)));
  await until('two to be denied', () => denied().length === 2);
  const counted = () => denied().map((line) => /full, (\d+ of \d+) disrupted/.exec(line)?.[1]);
  assert.deepEqual(counted(), ['1 of 1', '1 of 1']);
  const isHeld = (name: string) => scene.simulator.read('Node', name)?.spec?.unschedulable === true;
  assert.equal(names.filter(isHeld).length, 1);
  await until('one Lease', () => scene.simulator.list('Lease').length === 1);
});
