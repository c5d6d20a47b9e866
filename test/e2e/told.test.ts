import assert from 'node:assert/strict';
import { after, before, describe, type TestContext, test } from 'node:test';
import { type AgentCluster, joinAgentCluster } from '../harness/agent-cluster.ts';
import { skipWithoutControlPlane } from '../harness/binaries.ts';
import { conditionOf, isCordoned, isReportedOn, type NodeObject, POLICY_REPORT } from '../harness/held-node.ts';
import { eventsOn } from '../harness/node-events.ts';
import { createNode } from '../harness/nodes.ts';
import { finished, runNsc } from '../harness/run-nsc.ts';
import { createSickCheck, type SickCheckSpec } from '../harness/sick-check.ts';
import { waitFor } from '../harness/wait-for.ts';

const TYPE = 'DiskHealthy';
const NOT_THERE = '/opt/checks/strage.sh';

/** What goes wrong with a check is told where people look, by the agent as it is shipped, on a real API server. */
describe('a check that does not work', { skip: skipWithoutControlPlane(), concurrency: 4 }, () => {
  let cluster: AgentCluster;
  before(async () => {
    cluster = await joinAgentCluster();
  });
  after(() => cluster?.stop());

  async function setUp(t: TestContext, name: string, spec: SickCheckSpec) {
    await createNode(cluster.plane.api, name, { labels: { told: name } });
    const check = createSickCheck(spec);
    const seat = await cluster.seat(name);
    t.after(() => cluster.endOn(name));
    return { check, start: () => cluster.start(seat, check) };
  }
  const told = (name: string, reason: string) =>
    waitFor(async () => (await eventsOn(cluster.plane.api, name)).find((event) => event.reason === reason), {
      what: `${reason} on ${name}`,
    });
  const reportOf = ({ metadata }: NodeObject) => JSON.parse(metadata.annotations?.[POLICY_REPORT] ?? '{}');
  const env = () => ({ KUBECONFIG: cluster.plane.kubeconfigPath });

  test('for its path is mistyped is an Event, a problem of the node and a warning of the rollout until it is corrected', async (t) => {
    const name = 'mistyped';
    const { check, start } = await setUp(t, name, { check: { command: [NOT_THERE] }, actions: { cordon: true } });
    const agent = start();
    const { type, message } = await told(name, 'CheckUnknown');
    assert.equal(type, 'Warning');
    const [, why = ''] =
      /^Policy sick-check: check has said nothing 3 times in a row, last: (.+); nothing is counted$/.exec(message) ??
      [];
    assert.ok(why.startsWith(`could not be started: ${NOT_THERE}: not found`), message);
    await cluster.until(name, 'said to have a check that says nothing', (node) => reportOf(node).unknown !== undefined);
    const { metadata } = await cluster.node(name);
    assert.deepEqual(reportOf(await cluster.node(name)).unknown, { 'sick-check': why });

    const status = await finished(runNsc(['status', '-l', `told=${name}`, '-o', 'json'], { env: env() }));
    assert.equal(status.exitCode, 1);
    assert.deepEqual(JSON.parse(status.stdout).nodes[0].problems, [
      { reason: 'CheckUnknown', error: `policy sick-check: ${why}` },
    ]);
    const rollout = await finished(runNsc(['verify-rollout', check.policyDir, '-l', `told=${name}`], { env: env() }));
    assert.deepEqual(
      [rollout.exitCode, rollout.stderr],
      [0, `warning: node ${name}: the check of policy sick-check says nothing: ${why}\n`],
    );
    assert.match(rollout.stdout, /^rolled out: /);

    await agent.waitForLine(/UNKNOWN/, { from: agent.lines.length });
    assert.equal((await cluster.node(name)).metadata.resourceVersion, metadata.resourceVersion, 'told once');
    check.write({ check: { command: ['/bin/true'] } });
    await told(name, 'CheckKnown');
    await cluster.until(name, 'without it', (node) => isReportedOn(node) && reportOf(node).unknown === undefined);
    assert.ok(!isCordoned(await cluster.node(name)));
  });

  test('for it writes to stderr under onStderr: Fatal is told before the agent ends, by its last line too', async (t) => {
    const name = 'noisy';
    const script = 'echo "df: not found" >&2; exit 1';
    const { start } = await setUp(t, name, {
      nodeCondition: TYPE,
      // By then it knows its Node.
      check: { command: ['/bin/sh', '-c', script], initialDelaySeconds: 2 },
      actions: { cordon: true },
    });
    const isSaid = async () => {
      const isTold = (await eventsOn(cluster.plane.api, name)).some(({ reason }) => reason === 'CheckFatal');
      return (
        isTold && / is Fatal, so the agent ended$/.test(conditionOf(await cluster.node(name), TYPE)?.message ?? '')
      );
    };
    // On a busy machine 2 s may not be enough, and the kubelet starts it again.
    for (let life = 0; life < 5 && !(await isSaid()); life++) {
      const agent = start();
      assert.deepEqual(await agent.exit, { code: 1, signal: null });
      assert.equal(
        agent.lines.at(-1),
        '⛔ ERROR: Policy sick-check: the check wrote to stderr: "df: not found"; onStderr is Fatal, so the agent ends and leaves the node as it is: make the script silent or set spec.check.onStderr',
      );
    }
    const { message, type } = await told(name, 'CheckFatal');
    assert.equal(type, 'Warning');
    assert.match(
      message,
      /^Policy sick-check: the check wrote to stderr: df: not found; .* set spec\.check\.onStderr$/,
    );
    const node = await cluster.node(name);
    const condition = conditionOf(node, TYPE);
    assert.deepEqual([condition?.status, condition?.reason], ['Unknown', 'CheckUnknown']);
    assert.match(condition?.message ?? '', /\(df: not found\), and onStderr is Fatal, so the agent ended$/);
    assert.ok(!isCordoned(node));
  });
});
