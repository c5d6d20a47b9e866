import assert from 'node:assert/strict';
import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { type AgentCluster, joinAgentCluster } from '../harness/agent-cluster.ts';
import type { AgentProcess } from '../harness/agent-process.ts';
import { skipWithoutControlPlane } from '../harness/binaries.ts';
import { addGuardedPods } from '../harness/guarded-pods.ts';
import { ledgerOf } from '../harness/held-node.ts';
import { readSamples, samplesOf } from '../harness/metrics-text.ts';
import { createNode } from '../harness/nodes.ts';
import { lintMetrics } from '../harness/promtool.ts';
import { createSickCheck, type SickCheck } from '../harness/sick-check.ts';
import { waitFor } from '../harness/wait-for.ts';

const DOCUMENT = readFileSync(new URL('../../docs/metrics.md', import.meta.url), 'utf8');
const TAINT = { key: 'nodeServiceCheckFailed', value: 'true', effect: 'NoSchedule' } as const;
const OURS = { 'effect="cordon"': 1, 'effect="taint"': 1, 'effect="drain"': 1 };
const NOTHING = { 'effect="cordon"': 0, 'effect="taint"': 0, 'effect="drain"': 0 };
const drainState = (state: string | null) =>
  Object.fromEntries(['Draining', 'Drained', 'GaveUp'].map((each) => [`state="${each}"`, each === state ? 1 : 0]));
/** The agent as it is shipped, against a real API server, as Prometheus sees it. */
describe('the metrics of a running agent', { skip: skipWithoutControlPlane(), concurrency: 4 }, () => {
  let cluster: AgentCluster;
  before(async () => {
    cluster = await joinAgentCluster();
  });
  after(() => cluster?.stop());

  async function setUp(name: string, spec: object = {}) {
    await createNode(cluster.plane.api, name);
    const check = createSickCheck({ check: { failureThreshold: 1 }, actions: { cordon: true }, ...spec });
    const seat = await cluster.seat(name);
    const start = () => cluster.start(seat, check);
    return { check, start };
  }
  const scrape = async (agent: AgentProcess) => (await agent.get('/metrics')).body;
  const read = async (agent: AgentProcess, metric: string) => samplesOf(readSamples(await scrape(agent)), metric);
  const until = (agent: AgentProcess, metric: string, expected: object) =>
    waitFor(
      async () => {
        const found = await read(agent, metric);
        if (JSON.stringify(found) !== JSON.stringify(expected)) throw new Error(`found ${JSON.stringify(found)}`);
        return true;
      },
      { what: `${metric} to be ${JSON.stringify(expected)}` },
    );
  /** Of this node alone: what is done to others is none of it. */
  const addBudget = ({ policyDir }: SickCheck, name: string, node: string, maxUnavailable: number) => {
    const kind = { apiVersion: 'node-svc-checker/v1', kind: 'NodeDisruptionBudget', metadata: { name } };
    writeFileSync(
      join(policyDir, `${name}.json`),
      JSON.stringify({
        ...kind,
        spec: { nodeSelector: { matchLabels: { 'kubernetes.io/hostname': node } }, maxUnavailable },
      }),
    );
  };

  test('tell the whole of an episode, and survive a restart of the agent', async () => {
    const name = 'metrics-episode';
    const { check, start } = await setUp(name, { actions: { taint: TAINT, drain: { timeoutSeconds: 120 } } });
    addBudget(check, 'roomy', name, 5);
    const pods = await addGuardedPods(cluster.plane.api, name, { free: 2, guarded: 1 });
    const agent = start();
    await agent.waitForLine(/\[✅OK\]/);
    await until(agent, 'nsc_check_last_result', verdicts('Healthy'));
    assert.deepEqual(await read(agent, 'nsc_node_effect'), NOTHING);
    assert.deepEqual(await read(agent, 'nsc_policies'), { '': 1 });
    assert.deepEqual(await read(agent, 'nsc_budgets'), { '': 1 });
    assert.deepEqual(await read(agent, 'nsc_budget_denials_total'), { 'budget="roomy"': 0 });
    assert.deepEqual(await read(agent, 'nsc_drain_started_timestamp_seconds'), {});

    const brokenAt = Math.floor(Date.now() / 1_000);
    check.breakIt();
    await until(agent, 'nsc_drain_pods', { 'state="left"': 1, 'state="blocked"': 1 });
    const during = readSamples(await scrape(agent));
    const { 'policy="sick-check"': since = 0 } = samplesOf(during, 'nsc_policy_failing_since_timestamp_seconds');
    assert.ok(brokenAt <= since && since <= Date.now() / 1_000, `${since}`);
    for (const [metric, expected] of [
      ['nsc_policy_failing', { 'policy="sick-check"': 1 }],
      ['nsc_node_effect', OURS],
      ['nsc_drain_state', drainState('Draining')],
      ['nsc_drain_pods_total', { 'result="Evicted"': 2, 'result="Deleted"': 0 }],
      ['nsc_budget_slots_held', { 'budget="roomy"': 1 }],
      ['nsc_check_last_result', verdicts('Failed')],
      ['nsc_policy_withheld', {}],
    ] as const) {
      assert.deepEqual(samplesOf(during, metric), expected, metric);
    }
    for (const action of ['Cordoned', 'Tainted', 'DrainStarted']) {
      assert.equal(samplesOf(during, 'nsc_node_actions_total')[`action="${action}",result="Success"`], 1, action);
    }
    const text = await scrape(agent);
    assert.deepEqual(typesIn(text), documented());
    assert.doesNotMatch(
      text.replace(/^#.*$/gm, ''),
      /metrics-episode|pod-0|\/api/,
      'a label names something of the cluster',
    );

    agent.kill('SIGKILL');
    await agent.exit;
    const second = start();
    await until(second, 'nsc_node_effect', OURS);
    const { policies, drain } = ledgerOf(await cluster.node(name));
    const remembered = { 'policy="sick-check"': Date.parse(policies['sick-check'].since) / 1000 };
    await until(second, 'nsc_policy_failing_since_timestamp_seconds', remembered);
    assert.deepEqual(await read(second, 'nsc_drain_started_timestamp_seconds'), { '': Date.parse(drain.since) / 1000 });
    await until(second, 'nsc_drain_pods', { 'state="left"': 1, 'state="blocked"': 1 });
    await pods.unguard();
    await until(second, 'nsc_drain_state', drainState('Drained'));
    assert.equal((await read(second, 'nsc_drain_duration_seconds_count'))['result="Drained"'], 1);
    await until(second, 'nsc_drain_pods', { 'state="left"': 0, 'state="blocked"': 0 });

    check.heal();
    await until(second, 'nsc_node_effect', NOTHING);
    assert.deepEqual(await read(second, 'nsc_drain_state'), drainState(null));
    assert.deepEqual(await read(second, 'nsc_policy_failing'), { 'policy="sick-check"': 0 });
    assert.deepEqual(await read(second, 'nsc_policy_failing_since_timestamp_seconds'), {});
    assert.deepEqual(await read(second, 'nsc_drain_started_timestamp_seconds'), {});
    await until(second, 'nsc_budget_slots_held', {});
  });

  test('are as Prometheus likes them', { skip: skipWithoutControlPlane('promtool') }, async () => {
    const { check, start } = await setUp('linted');
    check.breakIt();
    const agent = start();
    await until(agent, 'nsc_node_effect', { ...NOTHING, 'effect="cordon"': 1 });
    assert.deepEqual((await lintMetrics(await scrape(agent))).toSorted(), [].toSorted());
  });

  test('tell of a reload that failed until the same good directory is back', async () => {
    const { check, start } = await setUp('metrics-reloaded');
    const agent = start();
    await until(agent, 'nsc_policy_reloads_total', { 'result="Success"': 1, 'result="Error"': 0 });
    const info = await read(agent, 'nsc_policy_info');
    check.write({ actions: { cordoned: true } });
    await until(agent, 'nsc_policy_reload_success', { '': 0 });
    assert.deepEqual(await read(agent, 'nsc_policy_info'), info);
    check.write({});
    await until(agent, 'nsc_policy_reload_success', { '': 1 });
    assert.deepEqual(await read(agent, 'nsc_policy_info'), info);
    assert.deepEqual(await read(agent, 'nsc_policy_reloads_total'), { 'result="Success"': 2, 'result="Error"': 1 });
  });

  test('of a policy or a budget go when it does', async () => {
    const { check, start } = await setUp('renamed', { mode: 'Observe' });
    addBudget(check, 'stop', 'renamed', 0);
    check.breakIt();
    const agent = start();
    await until(agent, 'nsc_policy_withheld', { 'policy="sick-check",reason="Observe"': 1 });
    check.write({ mode: 'Enforce' });
    await until(agent, 'nsc_policy_withheld', { 'policy="sick-check",reason="BudgetDenied"': 1 });
    await until(agent, 'nsc_budget_denied', { 'budget="stop"': 1 });
    assert.deepEqual(await read(agent, 'nsc_budget_denials_total'), { 'budget="stop"': 1 });
    const policy = readFileSync(join(check.policyDir, 'sick-check.yaml'), 'utf8');
    writeFileSync(join(check.policyDir, 'sick-check.yaml'), policy.replace('"name":"sick-check"', '"name":"another"'));
    rmSync(join(check.policyDir, 'stop.json'));
    await until(agent, 'nsc_check_last_result', verdicts('Failed', 'another'));
    assert.doesNotMatch(await scrape(agent), /="(sick-check|stop)"/);
    addBudget(check, 'alone', 'renamed', 5);
    rmSync(join(check.policyDir, 'sick-check.yaml'));
    await until(agent, 'nsc_policies', { '': 0 });
    assert.doesNotMatch(await scrape(agent), /policy="/);
  });

  test('of a ledger that cannot be read say what it said last', async () => {
    const { check, start } = await setUp('unreadable');
    const agent = start();
    check.breakIt();
    await until(agent, 'nsc_node_effect', { ...NOTHING, 'effect="cordon"': 1 });
    await cluster.plane.kubectl(['annotate', 'node', 'unreadable', '--overwrite', 'node-svc-checker/ledger={']);
    await agent.waitForLine(/ledger cannot be read/);
    assert.deepEqual(await read(agent, 'nsc_node_effect'), { ...NOTHING, 'effect="cordon"': 1 });
    assert.equal((await agent.get('/healthz')).status, 200);
    assert.equal((await agent.get('/readyz')).status, 200);
  });

  function verdicts(last: string, policy = 'sick-check') {
    const each = (verdict: string) => [`policy="${policy}",verdict="${verdict}"`, verdict === last ? 1 : 0];
    return Object.fromEntries(['Healthy', 'Failed', 'Unknown'].map(each));
  }
});

/** `name type`, as a scrape says. */
function typesIn(scrape: string): string[] {
  return [...scrape.matchAll(/^# TYPE (.*)$/gm)].map(([, type = '']) => type).sort();
}

/** The same, as the document says. */
function documented(): string[] {
  return [...DOCUMENT.matchAll(/^\| `((?:nsc|process)_\w+)` \| (\w+) \|/gm)]
    .map(([, name, type]) => `${name} ${type}`)
    .sort();
}
