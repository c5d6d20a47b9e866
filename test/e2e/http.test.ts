import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { connect, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { startAgent } from '../harness/agent-process.ts';
import { writeKubeconfig } from '../harness/kubeconfig.ts';
import { readSamples, samplesOf } from '../harness/metrics-text.ts';
import { RUNTIMES, type Runtime, skipWithoutRuntime } from '../harness/nsc-command.ts';
import { freePort } from '../harness/processes.ts';
import { createSickCheck, type SickCheckSpec } from '../harness/sick-check.ts';
import { waitFor } from '../harness/wait-for.ts';

/** The agent as it is shipped, on an API server that nobody has ever heard of. */
async function startAlone(t: TestContext, runtime: Runtime, spec: SickCheckSpec) {
  const dir = mkdtempSync(join(tmpdir(), 'nsc-alone-'));
  const server = `http://127.0.0.1:${await freePort()}`;
  const kubeconfig = writeKubeconfig(join(dir, 'kubeconfig'), { server, insecure: true });
  const check = createSickCheck(spec);
  const agent = startAgent({ nodeName: 'alone', policyDir: check.policyDir, kubeconfig, runtime });
  t.after(async () => {
    agent.kill('SIGKILL');
    await agent.exit;
    check.remove();
    rmSync(dir, { recursive: true });
  });
  const started = await agent.waitForLine(/agent started/);
  const port = Number(/http=[\d.]+:(\d+)/.exec(started)?.[1]);
  return { agent, check, port };
}

for (const runtime of RUNTIMES) {
  const skip = skipWithoutRuntime(runtime);

  test(`on ${runtime}, /healthz is fine without an API server while the check fails, and /readyz is not`, {
    skip,
  }, async (t) => {
    const { agent, check } = await startAlone(t, runtime, {
      check: { failureThreshold: 1 },
      actions: { cordon: true },
    });
    check.breakIt();
    await agent.waitForLine(/Detected the monitored service is down/);
    await agent.waitForLine(/the connection was refused/);
    assert.deepEqual(await agent.get('/healthz'), { status: 200, body: 'ok\n' });
    assert.deepEqual(await agent.get('/readyz'), { status: 503, body: 'node alone was not read yet\n' });
    const samples = readSamples((await agent.get('/metrics')).body);
    assert.equal(samplesOf(samples, 'nsc_policy_failing')['policy="sick-check"'], 1);
    assert.ok(Object.keys(samplesOf(samples, 'nsc_api_requests_total')).some((labels) => labels.includes('code="0"')));
  });

  test(`on ${runtime}, a check that hangs and a directory that is invalid leave /healthz alone`, {
    skip,
  }, async (t) => {
    const hangs = { command: ['/bin/sleep', '1000'], periodSeconds: 1, timeoutSeconds: 600 };
    const { agent, check } = await startAlone(t, runtime, { check: hangs, actions: { cordon: true } });
    await agent.waitForLine(/the run before has not ended/);
    check.write({ check: { periodSeconds: 0 } });
    await agent.waitForLine(/the policy directory is invalid/);
    assert.equal((await agent.get('/healthz')).status, 200);
    assert.match((await agent.get('/metrics')).body, /^nsc_check_skipped_total\{policy="sick-check"\} [1-9]/m);
  });

  test(`on ${runtime}, clients that are not done do not keep the agent from ending on SIGTERM`, { skip }, async (t) => {
    const { agent, port } = await startAlone(t, runtime, { actions: { cordon: true } });
    const sockets = await Promise.all(
      ['', 'GET /met', 'GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n'].map((text) => say(port, text)),
    );
    t.after(() => {
      for (const socket of sockets) socket.destroy();
    });
    await waitFor(() => sockets[2]?.bytesRead, { what: 'the beginning of an answer' });
    const mark = performance.now();
    agent.kill('SIGTERM');
    assert.deepEqual(await agent.exit, { code: 0, signal: null });
    assert.ok(performance.now() - mark < 2_000, `it took ${performance.now() - mark} ms`);
  });
}

/** A client that sends this text and nothing more. */
async function say(port: number, text: string): Promise<Socket> {
  const socket = connect(port, '127.0.0.1').on('error', () => {});
  await new Promise((resolve) => socket.once('connect', resolve));
  socket.write(text);
  socket.resume();
  return socket;
}
