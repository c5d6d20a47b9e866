import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { startSimulator } from '../../simulator/simulator.ts';
import { nscCommand, startAgent } from '../harness/agent-process.ts';
import { denoPermissions } from '../harness/deno-permissions.ts';
import { createSickCheck } from '../harness/sick-check.ts';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const POLICIES = join(ROOT, 'deploy/kustomize/base/policy');
const VALIDATE = denoPermissions('validate', { NSC: join(ROOT, 'dist'), POLICIES });

test('with the documented permissions, Deno validates policies', () => {
  const { status, stdout, stderr } = validate(VALIDATE, POLICIES);
  assert.equal(stderr, '');
  assert.match(stdout, /^valid: 1 policy/);
  assert.equal(status, 0);
});

test('with the documented permissions, Deno reads no other directory', () => {
  const { status, stdout, stderr } = validate(VALIDATE, dirname(POLICIES));
  assert.match(stdout + stderr, /Requires read access to/);
  assert.equal(status, 1);
});

for (const [index, permission] of VALIDATE.entries()) {
  // Without a terminal nobody is asked anyway.
  if (permission === '--no-prompt') continue;
  test(`${permission.replace(/=.*/, '')} is needed on Deno`, () => {
    assert.notEqual(validate(VALIDATE.toSpliced(index, 1), POLICIES).status, 0);
  });
}

test('no documented command line for Deno grants everything, all hosts, all files or all variables', () => {
  const values = { NSC: '/nsc', POLICIES: '/p', CHECKS: '/c', CREDENTIALS: '/s', API_SERVER: 'a:1', METRICS: 'm:1' };
  for (const permission of [...denoPermissions('run', values), ...VALIDATE]) {
    assert.doesNotMatch(permission, /^(-A|--allow-(all|net|read|env|write|sys|ffi|import))$/);
  }
});

test('with the documented permissions, a check that times out on Deno is killed, and run again', async (t) => {
  const dir = mkdtempSync(join(tmpdir(), 'nsc-deno-'));
  const simulator = await startSimulator();
  const hanging = { command: ['/bin/sleep', '600'], timeoutSeconds: 1, onTimeout: 'Failed', failureThreshold: 9 };
  const check = createSickCheck({ check: hanging, actions: { cordon: true } });
  const kubeconfig = simulator.writeKubeconfig(join(dir, 'kubeconfig'));
  const agent = startAgent({ nodeName: 'node-1', policyDir: check.policyDir, kubeconfig, runtime: 'deno' });
  t.after(async () => {
    agent.kill('SIGTERM');
    await agent.exit;
    await simulator.close();
    check.remove();
    rmSync(dir, { recursive: true });
  });
  // A run that is not over, because its processes live on, is never followed by another.
  await agent.waitForLine(/timed out\. Noticed 2 times/, { deadlineMs: 60_000 });
});

function validate(permissions: readonly string[], directory: string) {
  const [program, ...first] = nscCommand('deno', permissions);
  return spawnSync(program, [...first, 'validate', directory], {
    encoding: 'utf8',
    env: { PATH: process.env.PATH, HOME: process.env.HOME, NO_COLOR: '1' },
    timeout: 60_000,
  });
}
