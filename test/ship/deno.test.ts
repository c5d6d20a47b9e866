import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { firstChild, readFile, until } from '../../agent/check/fixtures/support.ts';
import { startSimulator } from '../../simulator/simulator.ts';
import { startAgent } from '../harness/agent-process.ts';
import { denoPermissions } from '../harness/deno-permissions.ts';
import { denoCommand } from '../harness/nsc-command.ts';
import { createSickCheck } from '../harness/sick-check.ts';
import { waitFor } from '../harness/wait-for.ts';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const POLICIES = join(ROOT, 'deploy/kustomize/base/policy');
const COMMANDS = readdirSync(join(ROOT, 'agent/commands'))
  .filter((name) => /: CommandModule</.test(readFileSync(join(ROOT, 'agent/commands', name), 'utf8')))
  .map((name) => name.replace('.ts', ''));
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
  for (const permission of COMMANDS.flatMap((command) => denoPermissions(command, values))) {
    assert.doesNotMatch(permission, /^(-A|--allow-(all|net|read|env|write|sys|ffi|import))$/);
  }
});

test('with the documented permissions, a check that times out on Deno is killed, and run again', async (t) => {
  const { agent } = await startOnDeno(t, { command: ['/bin/sleep', '600'], timeoutSeconds: 1 });
  // A run that is not over, because its processes live on, is never followed by another.
  await agent.waitForLine(/timed out\. Noticed 2 times/);
});

const needsRoot = process.getuid?.() === 0 ? false : 'needs root, to create a process namespace';
test('with the documented permissions, a check that SIGKILL does not end is not started beside itself', {
  skip: needsRoot,
}, async (t) => {
  const dir = mkdtempSync(join(tmpdir(), 'nsc-hung-'));
  t.after(() => rmSync(dir, { recursive: true }));
  const pids = join(dir, 'pids');
  const runs = () => readFile(pids).trim().split('\n').length;
  const script = `echo $$ >> '${pids}'; exec unshare --fork --pid sleep 600`;
  const { agent } = await startOnDeno(t, { command: ['/bin/sh', '-c', script], timeoutSeconds: 5 });
  const leader = await until('the check runs', () => Number.parseInt(readFile(pids), 10));
  // The init of a process namespace cannot end before all of the namespace was reaped.
  const outsider = spawn('nsenter', ['--target', String(await firstChild(leader)), '--pid', 'sleep', '600']);
  t.after(() => outsider.kill('SIGKILL'));
  await firstChild(outsider.pid ?? 0);
  outsider.kill('SIGSTOP');
  await agent.waitForLine(/timed out\. Noticed 1 times/);
  const skipped = async () =>
    Number(/^nsc_check_skipped_total\{.*\} (\d+)$/m.exec((await agent.get('/metrics')).body)?.[1] ?? 0);
  const before = await skipped();
  await waitFor(async () => (await skipped()) >= before + 3, { what: 'three runs to be skipped' });
  assert.equal(runs(), 1);
  outsider.kill('SIGKILL');
  await waitFor(() => runs() === 2, { what: 'the next run' });
});

/** An agent with this check on the simulator. */
async function startOnDeno(t: TestContext, spec: object) {
  const dir = mkdtempSync(join(tmpdir(), 'nsc-deno-'));
  const simulator = await startSimulator();
  const check = createSickCheck({
    check: { onTimeout: 'Failed', failureThreshold: 9, ...spec },
    actions: { cordon: true },
  });
  const kubeconfig = simulator.writeKubeconfig(join(dir, 'kubeconfig'));
  const agent = startAgent({ nodeName: 'node-1', policyDir: check.policyDir, kubeconfig, runtime: 'deno' });
  t.after(async () => {
    agent.kill('SIGTERM');
    await agent.exit;
    await simulator.close();
    check.remove();
    rmSync(dir, { recursive: true });
  });
  return { agent };
}

function validate(permissions: readonly string[], directory: string) {
  const [program, ...all] = denoCommand(permissions, ['validate', directory]);
  return spawnSync(program, all, {
    encoding: 'utf8',
    env: { PATH: process.env.PATH, HOME: process.env.HOME, NO_COLOR: '1' },
    timeout: 60_000,
  });
}
