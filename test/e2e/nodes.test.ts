import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { policyText } from '../../agent/policy/fixtures.ts';
import { createHeldNode } from '../harness/create-held-node.ts';
import { createNode } from '../harness/nodes.ts';
import { finished, runNsc } from '../harness/run-nsc.ts';
import { TARGETS, type Target } from '../harness/targets.ts';

for (const [where, { skip, start }] of Object.entries(TARGETS)) {
  describe(`nsc nodes on ${where}`, { skip }, () => {
    const dir = mkdtempSync(join(tmpdir(), 'nsc-nodes-'));
    let target: Target;
    before(async () => {
      target = await start();
      await createHeldNode(target.api, 'plan-held', { labels: { fleet: 'plan', role: 'storage' } });
      await createNode(target.api, 'plan-well', { labels: { fleet: 'plan' } });
    });
    after(async () => {
      await target?.stop();
      rmSync(dir, { recursive: true });
    });

    const nsc = async (...args: string[]) => {
      const { exitCode, stdout, stderr } = await finished(runNsc(args, { env: { KUBECONFIG: target.kubeconfig } }));
      assert.deepEqual([exitCode, stderr], [0, '']);
      return stdout;
    };
    const file = (name: string, text: string) => {
      writeFileSync(join(dir, name), text);
      return join(dir, name);
    };

    test('writes down what a plan needs to say what becomes of each', async () => {
      const text = await nsc('nodes', '-l', 'fleet=plan');
      const { nodes } = JSON.parse(text);
      assert.deepEqual(
        nodes.map(({ name, held, unschedulable }: Record<string, unknown>) => ({ name, held, unschedulable })),
        [
          { name: 'plan-held', held: ['disk'], unschedulable: true },
          { name: 'plan-well', held: [], unschedulable: false },
        ],
      );
      const spec = { check: { command: ['/bin/true'], onStderr: 'Failed' }, actions: { cordon: true } };
      const old = file('old.yaml', policyText('disk', spec));
      const observes = file('new.yaml', policyText('disk', { ...spec, mode: 'Observe' }));
      const planned = await nsc('plan', old, observes, '--nodes', file('nodes.json', text));
      assert.match(planned, /\n2 nodes\n/);
      assert.match(planned, /\n {2}plan-held \(disk\) +at once: uncordon.*; nothing of ours is left\n/);
    });

    test('redacted names no node', async () => {
      const text = await nsc('nodes', '-l', 'fleet=plan', '--redact');
      assert.doesNotMatch(text, /plan-(held|well)/);
      assert.match(text, /"name":"node-1"/);
    });

    test('is what a plan asks a cluster for itself', async () => {
      const old = file(
        'old.yaml',
        policyText('disk', { check: { command: ['/bin/true'] }, actions: { cordon: true } }),
      );
      const planned = await nsc('plan', old, old, '--kubeconfig', target.kubeconfig, '-o', 'json');
      const { held } = JSON.parse(planned).plans[0].nodes;
      assert.ok(held.some(({ name }: { name: string }) => name === 'plan-held'));
    });
  });
}
