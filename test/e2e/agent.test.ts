import assert from 'node:assert/strict';
import { readlinkSync } from 'node:fs';
import { basename } from 'node:path';
import { after, before, describe, type TestContext, test } from 'node:test';
import { type AgentCluster, joinAgentCluster } from '../harness/agent-cluster.ts';
import { startAgent } from '../harness/agent-process.ts';
import { NAMESPACE } from '../harness/agent-rights.ts';
import { countRequests } from '../harness/audit.ts';
import { skipWithoutControlPlane } from '../harness/binaries.ts';
import { DRAIN_STATE, isHeld, isReportedOn, LEDGER, ledgerOf, taintsOf } from '../harness/held-node.ts';
import { createNode, deleteNode, type NewNode, setNodeReady } from '../harness/nodes.ts';
import { RUNTIMES, type Runtime, skipWithoutRuntime } from '../harness/nsc-command.ts';
import { createSickCheck, type SickCheck, type SickCheckSpec } from '../harness/sick-check.ts';
import { createPodBoundToken } from '../harness/tokens.ts';
import { waitFor } from '../harness/wait-for.ts';

const TAINT = { key: 'nodeServiceCheckFailed', value: 'true', effect: 'NoSchedule' } as const;
const BY_HAND = { key: 'by-hand', value: 'x', effect: 'NoSchedule' } as const;
const CORDON_AND_TAINT = { check: { failureThreshold: 4 }, actions: { cordon: true, taint: TAINT } };
const PROGRAMS = { node: 'node', deno: 'deno', executable: 'nsc' } as const satisfies Record<Runtime, string>;

/**
 * The agent as it is shipped, in a process of its own, with a token bound to its pod and the RBAC it ships with,
 * against a real API server.
 */
describe('an agent on a real API server', { skip: skipWithoutControlPlane(), concurrency: 4 }, () => {
  let cluster: AgentCluster;
  before(async () => {
    cluster = await joinAgentCluster();
  });
  after(() => cluster?.stop());

  /** An agent on a Node of its own, for as long as the test lasts. */
  async function setUp(
    t: TestContext,
    nodeName: string,
    spec: SickCheckSpec,
    options: { node?: NewNode; runtime?: Runtime } = {},
  ) {
    await createNode(cluster.plane.api, nodeName, options.node);
    t.after(() => cluster.endOn(nodeName));
    return startOn(nodeName, createSickCheck(spec), options.runtime);
  }
  async function startOn(nodeName: string, check: SickCheck, runtime?: Runtime) {
    return { agent: cluster.start(await cluster.seat(nodeName), check, runtime), check };
  }
  const node = (name: string) => cluster.node(name);
  const cordoned = (name: string) => cluster.cordoned(name);
  const released = (name: string) => cluster.released(name);
  const requests = (name: string, mark: number) => cluster.requests(name, mark);

  for (const runtime of RUNTIMES) {
    const rule = `on ${runtime}, the fourth failure leads to one write, and recovery to one that undoes it all`;
    test(rule, { skip: skipWithoutRuntime(runtime) }, async (t) => {
      const name = `one-write-${runtime}`;
      const { agent, check } = await setUp(t, name, CORDON_AND_TAINT, { runtime });
      await agent.waitForLine(/\[✅OK\] return code was zero\./);
      assert.equal(basename(readlinkSync(`/proc/${agent.pid}/exe`)), PROGRAMS[runtime]);
      await cluster.until(name, 'reported on', isReportedOn);
      const healthy = cluster.plane.audit.mark();
      const before = await node(name);

      check.breakIt();
      await cordoned(name);
      const sick = await node(name);
      assert.deepEqual(
        sick.spec.taints?.filter(({ key }) => key === TAINT.key),
        [TAINT],
      );
      assert.equal(ledgerOf(sick).cordon, 'Ours');
      const failures = agent.lines.filter((line) => line.startsWith('[💥FAIL]'));
      assert.deepEqual(
        failures.slice(0, 4),
        [1, 2, 3, 4].map((n) => `[💥FAIL] non-zero return code. Noticed ${n} times. (threshold is 4)`),
      );
      await agent.waitForLine(new RegExp(`^⚠ WARN: Cordoning node ${name}$`));
      assert.ok(agent.lines.includes('⚠ WARN: Detected the monitored service is down!'));
      assert.equal(countRequests(requests(name, healthy))['patch nodes'], 1);

      const acted = cluster.plane.audit.mark();
      check.heal();
      await released(name);
      const after = await node(name);
      assert.equal(countRequests(requests(name, acted))['patch nodes'], 1);
      assert.deepEqual(after.spec.taints, before.spec.taints);
      assert.equal(after.metadata.annotations?.[DRAIN_STATE], 'drainNotActive');
      await agent.waitForLine(new RegExp(`^INFO: Uncordoning node ${name}$`));

      const described = await waitFor(
        async () => {
          const text = await cluster.plane.kubectl(['describe', 'node', name]);
          return text.includes('NodeReleased') ? text : null;
        },
        { what: 'the Events in kubectl describe node' },
      );
      for (const reason of ['PolicyReloaded', 'CheckFailing', 'NodeCordoned', 'NodeTainted', 'CheckRecovered']) {
        assert.match(described, new RegExp(`${reason} .*node-svc-checker`));
      }
    });
  }

  test('a healthy agent makes no request besides its one watch, run after run', async (t) => {
    const name = 'quiet';
    const { agent } = await setUp(t, name, CORDON_AND_TAINT);
    await agent.waitForLine(/OK/);
    const isWatch = (entry: { verb: string }) => entry.verb === 'watch';
    await waitFor(() => requests(name, 0).some(isWatch), { what: 'the watch' });
    await cluster.until(name, 'reported on', isReportedOn);
    await waitFor(() => countRequests(requests(name, 0))['create events'] === 1, {
      what: 'the Event of the first load',
    });
    const mark = cluster.plane.audit.mark();
    const runs = () => agent.lines.filter((line) => line.includes('[✅OK]')).length;
    const before = runs();
    // An hour of it is in test/laws/quiet.test.ts.
    await waitFor(() => runs() >= before + 5, { what: 'five runs' });
    assert.deepEqual(countRequests(requests(name, mark)), {});
    assert.equal(requests(name, 0).filter(isWatch).length, 1);
  });

  test('a cordon and a taint put there by hand beforehand are still there afterwards', async (t) => {
    const name = 'by-hand';
    const byHand = { ...TAINT, value: 'by-hand' };
    const { agent, check } = await setUp(t, name, CORDON_AND_TAINT, {
      node: { unschedulable: true, taints: [BY_HAND, byHand] },
    });
    check.breakIt();
    await cluster.until(name, 'in an episode', isHeld);
    await agent.waitForLine(/already cordoned by somebody else/);
    check.heal();
    await cluster.until(name, 'given back', (seen) => !isHeld(seen));
    const after = await node(name);
    assert.equal(after.spec.unschedulable, true);
    assert.deepEqual(taintsOf(after), [BY_HAND, byHand]);
  });

  test("a person's uncordon is respected until the next episode", async (t) => {
    const name = 'uncordoned';
    const { agent, check } = await setUp(t, name, { ...CORDON_AND_TAINT, check: { failureThreshold: 1 } });
    check.breakIt();
    await cordoned(name);
    await cluster.plane.kubectl(['uncordon', name]);
    await agent.waitForLine(/Somebody uncordoned node uncordoned/);
    const failuresSoFar = agent.lines.length;
    await agent.waitForLine(/Noticed/, { from: failuresSoFar });
    const { spec } = await node(name);
    assert.ok(!spec.unschedulable);
    assert.ok(spec.taints?.some(({ key }) => key === TAINT.key));
    check.heal();
    await released(name);
    check.breakIt();
    await cordoned(name);
  });

  test('a NotReady kubelet means hands off until it is Ready, and no longer', async (t) => {
    const name = 'not-ready';
    const { agent, check } = await setUp(
      t,
      name,
      { ...CORDON_AND_TAINT, check: { failureThreshold: 1 } },
      { node: { ready: false } },
    );
    check.breakIt();
    await agent.waitForLine(/the kubelet is NotReady/);
    assert.ok(!(await node(name)).spec.unschedulable);
    await setNodeReady(cluster.plane.api, name, true);
    await cordoned(name);
    await setNodeReady(cluster.plane.api, name, false);
    check.heal();
    await released(name);
  });

  test('a Node that is replaced starts with nothing counted against it', async (t) => {
    const name = 'replaced';
    const { agent, check } = await setUp(t, name, CORDON_AND_TAINT);
    check.breakIt();
    await cordoned(name);
    await deleteNode(cluster.plane.api, name);
    await agent.waitForLine(/there is no node replaced/);
    await createNode(cluster.plane.api, name);
    await cordoned(name);
    const replaced = agent.lines.findIndex((line) =>
      line.includes('another Node of our name: counting starts at zero'),
    );
    assert.ok(replaced > 0);
    // A run that was under way then counts for neither.
    const counted = agent.lines.slice(replaced).find((line) => /Noticed [^0]/.test(line));
    assert.match(counted ?? '', /Noticed 1 times/);
  });

  test('SIGTERM ends the agent within 2 s with exit code 0 and leaves the node as it is', async (t) => {
    const name = 'terminated';
    const { agent, check } = await setUp(t, name, CORDON_AND_TAINT);
    check.breakIt();
    await cordoned(name);
    const before = await node(name);
    const mark = performance.now();
    agent.kill('SIGTERM');
    assert.deepEqual(await agent.exit, { code: 0, signal: null });
    assert.ok(performance.now() - mark < 2_000, `it took ${performance.now() - mark} ms`);
    assert.equal((await node(name)).metadata.resourceVersion, before.metadata.resourceVersion);
  });

  test('output on stderr ends the agent with exit code 1 under onStderr: Fatal, after saying what was written', async (t) => {
    const name = 'fatal';
    const { agent } = await setUp(t, name, {
      ...CORDON_AND_TAINT,
      check: { command: ['/bin/sh', '-c', 'echo "disk on fire" >&2'] },
    });
    assert.deepEqual(await agent.exit, { code: 1, signal: null });
    const text = agent.lines.join('\n');
    assert.match(text, /disk on fire/);
    assert.match(text, /onStderr is Fatal/);
    assert.ok(!(await node(name)).spec.unschedulable);
  });

  test('a restarted agent keeps what it holds without counting anew, and undoes it on recovery', async (t) => {
    const name = 'restarted';
    const { agent, check } = await setUp(t, name, CORDON_AND_TAINT);
    check.breakIt();
    await cordoned(name);
    agent.kill('SIGKILL');
    await agent.exit;
    const held = await node(name);
    const { agent: second } = await startOn(name, check);
    await second.waitForLine(/Noticed 2 times/);
    assert.equal((await node(name)).metadata.annotations?.[LEDGER], held.metadata.annotations?.[LEDGER]);
    check.heal();
    await released(name);
  });

  test('a NoExecute taint that would evict the agent is refused, and the cordon goes on', async (t) => {
    const name = 'no-execute';
    const actions = { cordon: true, taint: { ...TAINT, effect: 'NoExecute' } };
    const { agent, check } = await setUp(t, name, { check: { failureThreshold: 1 }, actions });
    check.breakIt();
    await cordoned(name);
    await agent.waitForLine(/own pod does not tolerate the NoExecute taint/);
    assert.ok(!(await node(name)).spec.taints?.some(({ key }) => key === TAINT.key));
  });

  test('a missing Node is one clear line, and checks go on', async () => {
    const check = createSickCheck(CORDON_AND_TAINT);
    await createNode(cluster.plane.api, 'somewhere');
    const { token } = await createPodBoundToken(cluster.plane.api, {
      namespace: NAMESPACE,
      serviceAccount: 'node-svc-checker',
      pod: 'agent-nowhere',
      node: 'somewhere',
    });
    const kubeconfig = cluster.plane.writeKubeconfig('nowhere', { token });
    const agent = startAgent({ nodeName: 'nowhere', policyDir: check.policyDir, kubeconfig });
    cluster.keep(agent, check);
    await agent.waitForLine(/there is no node nowhere; checks go on, check --node-name/);
    await agent.waitForLine(/OK/, { from: agent.lines.length });
    assert.equal((await agent.get('/readyz')).status, 503);
    assert.equal((await agent.get('/healthz')).status, 200);
  });

  for (const [what, token, problem] of [
    ['credentials that are refused', 'wrong', /401 Unauthorized; check that the credentials/],
    ['a lack of rights', 'no-rights', /403 .*cannot list resource "nodes".*check the ClusterRole/],
  ] as const) {
    test(`${what}: one clear line that says what to check, and checks go on`, async () => {
      const check = createSickCheck(CORDON_AND_TAINT);
      const node = `powerless-${token}`;
      await createNode(cluster.plane.api, node);
      const identity = { namespace: 'default', serviceAccount: 'powerless', pod: node, node };
      const { token: powerless } = await createPodBoundToken(cluster.plane.api, identity);
      const kubeconfig = cluster.plane.writeKubeconfig(token, { token: token === 'wrong' ? token : powerless });
      const agent = startAgent({ nodeName: node, policyDir: check.policyDir, kubeconfig });
      cluster.keep(agent, check);
      await agent.waitForLine(problem);
      await agent.waitForLine(/OK/, { from: agent.lines.length });
    });
  }
});
