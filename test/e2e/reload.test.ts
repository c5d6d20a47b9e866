import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, type TestContext, test } from 'node:test';
import { startSimulator } from '../../simulator/simulator.ts';
import { startAgent } from '../harness/agent-process.ts';
import { createSickCheck, type SickCheckSpec } from '../harness/sick-check.ts';
import { waitFor } from '../harness/wait-for.ts';

/** What an edit of the policy file means for a node that is held, by a running agent whose process stays the same. */

const LEDGER = 'node-svc-checker/ledger';
const TAINT = { key: 'sick', value: 'true', effect: 'NoSchedule' } as const;
const SPEC = { check: { failureThreshold: 2 }, actions: { cordon: true, taint: TAINT } };

async function setScene(t: TestContext, spec: SickCheckSpec = SPEC) {
  const dir = mkdtempSync(join(tmpdir(), 'nsc-reload-'));
  const check = createSickCheck(spec);
  const simulator = await startSimulator();
  simulator.seed({
    kind: 'Node',
    metadata: { name: 'node-1', labels: { role: 'storage' } },
    status: { conditions: [{ type: 'Ready', status: 'True' }] },
  });
  const kubeconfig = simulator.writeKubeconfig(join(dir, 'kubeconfig'));
  const agent = startAgent({ nodeName: 'node-1', policyDir: check.policyDir, kubeconfig });
  t.after(async () => {
    agent.kill('SIGKILL');
    await agent.exit;
    await simulator.close();
    check.remove();
    rmSync(dir, { recursive: true });
  });
  const node = () => simulator.read('Node', 'node-1') as unknown as NodeObject;
  const taintKeys = () =>
    (node().spec?.taints ?? []).map(({ key }) => key).filter((key) => !key.includes('kubernetes.io'));
  const until = (what: string, condition: () => boolean) => waitFor(condition, { what, deadlineMs: 30_000 });
  const cordoned = () => node().spec?.unschedulable === true;
  const held = () => node().metadata.annotations?.[LEDGER] !== undefined;
  return {
    check,
    simulator,
    agent,
    node,
    taintKeys,
    until,
    cordoned,
    held,
    disrupted: () => until('the node to be held', () => cordoned() && held()),
    released: () => until('the node to be given back', () => !cordoned() && !held() && taintKeys().length === 0),
    /** Several more runs have ended, and so all that could follow from the last edit. */
    runs: async (pattern: RegExp, count: number) => {
      const from = agent.lines.length;
      const seen = () => agent.lines.slice(from).filter((line) => pattern.test(line)).length;
      await until(`${count} lines that match ${pattern}`, () => seen() >= count);
    },
    patches: () =>
      simulator.requests.filter(({ method, path }) => method === 'PATCH' && path === '/api/v1/nodes/node-1'),
  };
}

type Scene = Awaited<ReturnType<typeof setScene>>;

async function heldScene(t: TestContext): Promise<Scene> {
  const scene = await setScene(t);
  scene.check.breakIt();
  await scene.disrupted();
  return scene;
}

describe('a policy edited while its check fails', { concurrency: 4 }, () => {
  const undone: [edit: string, spec: SickCheckSpec][] = [
    ['mode Observe', { mode: 'Observe' }],
    ['no actions', { actions: {} }],
    ['a selector that does not match the node', { nodeSelector: { matchLabels: { role: 'web' } } }],
  ];
  for (const [edit, spec] of undone) {
    test(`undoes what was done when it says ${edit}, and does it again when that is taken back`, async (t) => {
      const scene = await heldScene(t);
      scene.check.write(spec);
      await scene.released();
      scene.check.write({});
      await scene.disrupted();
    });
  }

  test('a new taint key replaces the old one in one write', async (t) => {
    const scene = await heldScene(t);
    await scene.until('the taint', () => scene.taintKeys().includes('sick'));
    const before = scene.patches().length;
    scene.check.write({ actions: { cordon: true, taint: { ...TAINT, key: 'very-sick' } } });
    await scene.until('the new taint', () => scene.taintKeys().includes('very-sick'));
    assert.deepEqual(scene.taintKeys(), ['very-sick']);
    const effects = scene
      .patches()
      .slice(before)
      .filter(({ body }) => body.includes('very-sick'));
    assert.equal(effects.length, 1);
  });

  test('paused freezes: a recovery undoes nothing until it is unpaused', async (t) => {
    const scene = await heldScene(t);
    scene.check.write({ paused: true });
    await scene.agent.waitForLine(/the policy is paused/);
    scene.check.heal();
    await scene.runs(/OK/, 3);
    assert.ok(scene.cordoned());
    scene.check.write({});
    await scene.released();
  });

  test('paused freezes: a failure does nothing until it is unpaused', async (t) => {
    const scene = await setScene(t, { ...SPEC, paused: true });
    scene.check.breakIt();
    await scene.runs(/Noticed/, 4);
    assert.ok(!scene.cordoned());
    scene.check.write({ paused: false });
    await scene.disrupted();
  });

  test('another command starts counting at zero and keeps what is held until it recovers', async (t) => {
    const scene = await heldScene(t);
    scene.check.write({ check: { command: ['/bin/false'], failureThreshold: 3 } });
    await scene.agent.waitForLine(/Noticed 1 times\. \(threshold is 3\)/);
    await scene.runs(/Noticed/, 1);
    assert.ok(scene.cordoned());
    scene.check.write({ check: { command: ['/bin/true'] } });
    await scene.released();
  });

  test('a lowered threshold acts at once on what was counted', async (t) => {
    const scene = await setScene(t, { ...SPEC, check: { failureThreshold: 1000 } });
    scene.check.breakIt();
    await scene.runs(/Noticed/, 3);
    scene.check.write({ check: { failureThreshold: 2, periodSeconds: 3600 } });
    await scene.disrupted();
  });

  test('a label that the selector asks for starts the check, and its loss ends it', async (t) => {
    const scene = await setScene(t, { ...SPEC, nodeSelector: { matchLabels: { role: 'web' } } });
    scene.check.breakIt();
    await scene.agent.waitForLine(/policy in force/);
    const label = (role: string) =>
      scene.simulator.edit('Node', 'node-1', (draft) => {
        draft.metadata.labels = { role };
      });
    label('web');
    await scene.disrupted();
    label('storage');
    await scene.released();
  });
});

interface NodeObject {
  readonly metadata: { readonly annotations?: Readonly<Record<string, string>> };
  readonly spec?: { readonly unschedulable?: boolean; readonly taints?: readonly { readonly key: string }[] };
}
