import assert from 'node:assert/strict';
import { mkdtempSync, renameSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { suite, test } from 'node:test';
import { startSimulator } from '../../simulator/simulator.ts';
import { startAgent } from '../harness/agent-process.ts';
import { isCordoned, type NodeObject } from '../harness/held-node.ts';
import { finished, runNsc } from '../harness/run-nsc.ts';
import { createSickCheck } from '../harness/sick-check.ts';
import { waitFor } from '../harness/wait-for.ts';

const MISSING = '/no/such: $: must be a file or directory that can be read (nothing is there: correct the path)';

suite('a policy directory that does not exist is told in one line, with what to do:', { concurrency: 4 }, () => {
  const cases: Record<string, { readonly stdout: string; readonly stderr: string }> = {
    validate: { stdout: `${MISSING}\n`, stderr: '' },
    effective: { stdout: '', stderr: `${MISSING}\n` },
    revision: {
      stdout: '',
      stderr: '/no/such: $: must be a directory that can be read (nothing is there: create it, or correct the path)\n',
    },
    'verify-rollout': {
      stdout: '',
      stderr: `${MISSING}\nno agent would take these policies, so none is waited for\n`,
    },
  };
  for (const [command, printed] of Object.entries(cases)) {
    test(`nsc ${command}`, async () => {
      assert.deepEqual(await finished(runNsc([command, '/no/such'])), { exitCode: 1, ...printed });
    });
  }

  test('nsc run, which does nothing to the node until it is there', async (t) => {
    const dir = mkdtempSync(join(tmpdir(), 'nsc-missing-'));
    const sickCheck = createSickCheck({ check: { failureThreshold: 1 }, actions: { cordon: true } });
    const simulator = await startSimulator();
    simulator.seed({
      kind: 'Node',
      metadata: { name: 'node-1' },
      status: { conditions: [{ type: 'Ready', status: 'True' }] },
    });
    const policyDir = join(dir, 'policy');
    const kubeconfig = simulator.writeKubeconfig(join(dir, 'kubeconfig'));
    const agent = startAgent({ nodeName: 'node-1', policyDir, kubeconfig });
    t.after(async () => {
      agent.kill('SIGKILL');
      await agent.exit;
      await simulator.close();
      sickCheck.remove();
      rmSync(dir, { recursive: true });
    });

    // On a busy machine a look may have had no answer in time before this one.
    const line = await agent.waitForLine(/must be a directory that can be read \(nothing/);
    assert.equal(
      line,
      `⛔ ERROR: ${policyDir}: $: must be a directory that can be read (nothing is there: create it, or correct the path)`,
    );
    await agent.waitForLine(/the policy directory is invalid, so nothing is done to the node/);
    assert.equal((await agent.get('/healthz')).status, 200);
    assert.equal((await agent.get('/readyz')).status, 503);
    assert.equal(agent.lines.filter((each) => each === line).length, 1);

    sickCheck.breakIt();
    renameSync(sickCheck.policyDir, policyDir);
    await agent.waitForLine(/policy in force/);
    await waitFor(() => isCordoned(simulator.read('Node', 'node-1') as unknown as NodeObject), { what: 'the cordon' });
    assert.equal((await agent.get('/readyz')).status, 200);
  });
});
