import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { type AgentCluster, joinAgentCluster, type StartedAgent } from '../harness/agent-cluster.ts';
import { NAMESPACE } from '../harness/agent-rights.ts';
import type { DeliveredAlert } from '../harness/alertmanager.ts';
import type { KubeList } from '../harness/api-client.ts';
import { type AuditEntry, countRequests } from '../harness/audit.ts';
import { skipWithoutControlPlane } from '../harness/binaries.ts';
import { type Monitoring, startMonitoring } from '../harness/monitoring.ts';
import { createNode } from '../harness/nodes.ts';
import type { Series } from '../harness/prometheus.ts';
import { createSickCheck } from '../harness/sick-check.ts';
import { waitFor } from '../harness/wait-for.ts';

const TAINT = { key: 'nodeServiceCheckFailed', value: 'true', effect: 'NoSchedule' };
/** What an audited verb is in HTTP. */
const METHODS: Readonly<Record<string, string>> = { patch: 'PATCH', create: 'POST', delete: 'DELETE' };

const NODES = ['watched', 'counted', 'first', 'second', 'dying', 'witness', 'misread'];
const SKIP = skipWithoutControlPlane('prometheus', 'alertmanager');

/** From the exit code of a check to a message: real agents, a real API server, Prometheus and Alertmanager. */
describe('the shipped alerts, told by a real Prometheus and Alertmanager', { skip: SKIP, concurrency: true }, () => {
  let cluster: AgentCluster;
  let monitoring: Monitoring;
  const agents = new Map<string, StartedAgent>();
  before(async () => {
    cluster = await joinAgentCluster();
    for (const name of NODES) {
      const isInFleet = name === 'first' || name === 'second';
      await createNode(cluster.plane.api, name, { labels: isInFleet ? { fleet: 'small' } : {} });
      const check = createSickCheck({ check: { failureThreshold: 2 }, actions: { cordon: true, taint: TAINT } });
      writeFileSync(join(check.policyDir, 'budget.json'), BUDGET);
      agents.set(name, { check, agent: cluster.start(await cluster.seat(name), check) });
    }
    for (const { agent } of agents.values()) await agent.waitForLine(/OK/);
    monitoring = await startMonitoring(
      [...agents].map(([node, { agent }]) => ({
        address: agent.httpAddress(),
        labels: { node, namespace: NAMESPACE, pod: `agent-${node}` },
      })),
    );
  });
  after(async () => {
    await monitoring?.stop();
    await cluster?.stop();
  });

  const agentOn = (name: string): StartedAgent => {
    const started = agents.get(name);
    if (started === undefined) throw new Error(`no agent on ${name}`);
    return started;
  };
  const told = (status: DeliveredAlert['status'], labels: Readonly<Record<string, string>>, action?: string) =>
    waitFor(
      () =>
        monitoring.alerts.find(
          (alert) =>
            alert.status === status &&
            Object.entries(labels).every(([name, value]) => alert.labels[name] === value) &&
            (action === undefined || alert.annotations.action === action),
        ),
      { what: `${JSON.stringify(labels)} to be told as ${status}` },
    );
  const message = (sent: readonly string[], pattern: RegExp) =>
    waitFor(() => sent.find((text) => pattern.test(text)), { what: `a message ${pattern}` });
  /** A scrape is a second old, and Events are written one after another. */
  const agree = (what: string, counted: () => Promise<unknown>, truth: () => unknown) =>
    waitFor(
      async () => {
        assert.deepEqual(await counted(), await truth());
        return true;
      },
      { what },
    );

  test('a check that fails is told with node, check, since when and what was done; so is its recovery', async () => {
    const { check } = agentOn('watched');
    const brokenAt = Math.floor(Date.now() / 1_000) * 1_000;
    check.breakIt();
    const failing = { alertname: 'NodeCheckFailing', node: 'watched' };
    const { labels, annotations } = await told('firing', failing, 'done to the node: cordon, taint');
    assert.deepEqual(labels, {
      alertname: 'NodeCheckFailing',
      component: 'node-svc-checker',
      namespace: 'node-svc-checker',
      node: 'watched',
      policy: 'sick-check',
      severity: 'warning',
    });
    assert.equal(annotations.summary, 'Check sick-check fails on node watched');
    assert.equal(annotations.runbook, 'docs/runbooks.md#nodecheckfailing');
    const sinceMs = Date.parse((annotations.since ?? '').replace(/ \+0000 UTC$/, 'Z'));
    assert.ok(brokenAt <= sinceMs && sinceMs <= Date.now(), annotations.since);

    const line = /watched: Check sick-check fails on node watched, since .*: done to the node: cordon, taint/;
    const slack = JSON.parse(await message(monitoring.slack, line));
    assert.match(slack.attachments[0].title, /^\[\d firing\] NodeCheckFailing: sick-check$/);
    assert.equal(slack.attachments[0].color, 'warning');
    const teams = JSON.parse(await message(monitoring.teams, line));
    assert.equal(teams.attachments[0].contentType, 'application/vnd.microsoft.card.adaptive');

    check.heal();
    await cluster.released('watched');
    await told('resolved', { alertname: 'NodeCheckFailing', node: 'watched' });
    await message(monitoring.slack, /over: watched: /);
    await message(monitoring.teams, /over: watched: /);
  });

  test('Prometheus has counted exactly what the API server, the Node and its Events say', async () => {
    const { check, agent } = agentOn('counted');
    for (let episode = 1; episode <= 2; episode += 1) {
      check.breakIt();
      await cluster.cordoned('counted');
      check.heal();
      await cluster.released('counted');
      await waitFor(async () => (await eventCount('counted', 'NodeReleased')) === episode, { what: 'NodeReleased' });
    }
    const on = 'node="counted"';
    await agree(
      'each request once',
      async () => byRequest(await monitoring.query(`sum by (verb, resource) (nsc_api_requests_total{${on}})`)),
      () => methods(cluster.requests('counted', 0)),
    );
    const actions = async (action: string) =>
      total(await monitoring.query(`nsc_node_actions_total{${on},result="Success",action="${action}"}`));
    for (const [action, reason] of [
      ['Cordoned', 'NodeCordoned'],
      ['Tainted', 'NodeTainted'],
      ['GivenBack', 'NodeReleased'],
    ] as const) {
      await agree(
        action,
        () => actions(action),
        () => eventCount('counted', reason),
      );
      assert.equal(await actions(action), 2, action);
    }
    await agree(
      'each failed run',
      async () => total(await monitoring.query(`nsc_check_results_total{${on},verdict="Failed"}`)),
      () => agent.lines.filter((line) => line.startsWith('[💥FAIL]')).length,
    );
    const patches = cluster.requests('counted', 0).filter(({ verb }) => verb === 'patch');
    assert.equal(
      patches.filter(({ objectRef }) => objectRef?.resource === 'nodes').length,
      5,
      'report, 2 × act and undo',
    );
    assert.deepEqual(await monitoring.query(`nsc_node_effect{${on}} == 1`), []);
  });

  test('a budget that denies a failing node is told as critical, with who waits and who holds', async () => {
    agentOn('first').check.breakIt();
    await cluster.cordoned('first');
    agentOn('second').check.breakIt();
    const { labels, annotations } = await told('firing', { alertname: 'NodeDisruptionBudgetExhausted' });
    assert.deepEqual([labels.budget, labels.severity], ['small', 'critical']);
    assert.match(annotations.description ?? '', /at present to second \(1 in all\)\. Slots are held by first\.$/);
    // On a busy machine it fails for seconds before it is denied, and is told so first.
    const withheld = 'nothing was done to the node; withheld: BudgetDenied';
    await told('firing', { alertname: 'NodeCheckFailing', node: 'second' }, withheld);
    const danger = JSON.parse(await message(monitoring.slack, /NodeDisruptionBudgetExhausted/));
    assert.equal(danger.attachments[0].color, 'danger');
    const denials = async () => total(await monitoring.query('nsc_budget_denials_total{node="second"}'));
    await agree('the denial once', denials, () => eventCount('second', 'BudgetDenied'));
    assert.equal(await denials(), 1);
  });

  test('a dead agent is told, and what it said last is not told to be over', async () => {
    const { check, agent } = agentOn('dying');
    check.breakIt();
    await told('firing', { alertname: 'NodeCheckFailing', node: 'dying' });
    agent.kill('SIGKILL');
    await told('firing', { alertname: 'NodeCheckAgentDown', node: 'dying' });
    const lastSaid = { alertname: 'NodeCheckFailing', node: 'dying' };
    await waitFor(
      async () => (await monitoring.query('ALERTS{alertname="NodeCheckFailing",node="dying"}')).length === 0,
      {
        what: 'Prometheus to drop what the agent said last',
      },
    );
    // Of the same group: what is told of that node is told by then.
    agentOn('witness').check.breakIt();
    await told('firing', { ...lastSaid, node: 'witness' });
    assert.deepEqual(
      monitoring.alerts.filter(({ status, labels }) => status === 'resolved' && labels.node === 'dying'),
      [],
    );
  });

  test('policy files that are refused are told, with what stays in force', async () => {
    const { check } = agentOn('misread');
    writeFileSync(join(check.policyDir, 'broken.yaml'), 'kind: NodeCheckPolicy\n');
    const { annotations } = await told('firing', { alertname: 'NodeCheckPolicyReloadFailed', node: 'misread' });
    assert.match(annotations.action ?? '', /^the last good policy, in force since .* UTC, stays in force$/);
  });

  /** How often an Event of this reason happened to the Node. */
  async function eventCount(node: string, reason: string): Promise<number> {
    const selector = `involvedObject.kind=Node,involvedObject.name=${node},reason=${reason}`;
    const { items } = await cluster.plane.api.requestOk<KubeList>('GET', `/api/v1/events?fieldSelector=${selector}`);
    return (items ?? []).reduce((sum, { count }) => sum + Number(count ?? 1), 0);
  }
});

const BUDGET = JSON.stringify({
  apiVersion: 'node-svc-checker/v1',
  kind: 'NodeDisruptionBudget',
  metadata: { name: 'small' },
  spec: { nodeSelector: { matchLabels: { fleet: 'small' } }, maxUnavailable: 1 },
});

function sampleOf({ samples }: Series): number {
  return samples[0]?.value ?? Number.NaN;
}

function total(series: readonly Series[]): number {
  return series.reduce((sum, one) => sum + sampleOf(one), 0);
}

function byRequest(series: readonly Series[]): Record<string, number> {
  return Object.fromEntries(series.map((one) => [`${one.labels.verb} ${one.labels.resource}`, sampleOf(one)]));
}

/** Counted by HTTP method and resource: GET is get, list and watch. */
function methods(entries: readonly AuditEntry[]): Record<string, number> {
  const asMethods = entries.map((entry) => ({ ...entry, verb: METHODS[entry.verb] ?? 'GET' }));
  return countRequests(asMethods);
}
