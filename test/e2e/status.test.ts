import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { inParallel } from '../../agent/commands/in-parallel.ts';
import { createHeldNode, SICK } from '../harness/create-held-node.ts';
import { createNode, type NewNode } from '../harness/nodes.ts';
import { createNamespace, createPod } from '../harness/pods.ts';
import { finished, runNsc } from '../harness/run-nsc.ts';
import { createSlot } from '../harness/slots.ts';
import { TARGETS, type Target, throughProxy } from '../harness/targets.ts';
import { waitFor } from '../harness/wait-for.ts';

const REPORT = 'node-svc-checker/policy';
const REVISION = '0123456789ab';
const FLEET = 1_000;
const DAY_MS = 86_400_000;

for (const [where, { skip, start }] of Object.entries(TARGETS)) {
  describe(`nsc status on ${where}`, { skip }, () => {
    let target: Target;
    before(async () => {
      target = await start();
      await createNamespace(target.api, 'agents');
    });
    after(() => target?.stop());

    const status = (fleet: string, args: string[] = [], kubeconfig = target.kubeconfig) =>
      runNsc(['status', '-l', `fleet=${fleet}`, ...args], {
        env: { KUBECONFIG: kubeconfig, POD_NAMESPACE: 'agents' },
      });
    const nodeOf = (fleet: string, report: object | null = { revision: REVISION }): NewNode => ({
      labels: { fleet },
      annotations: report === null ? {} : { [REPORT]: JSON.stringify(report) },
    });
    const sinceDaysAgo = (days: number) => new Date(Date.now() - days * DAY_MS).toISOString();

    test('lists what is held and what is the matter, counts the rest, and exits 1', async () => {
      const error = `50-dev.yaml:6:5: $.spec.check.failureTreshold: is not a known field (did you mean failureThreshold?)`;
      await createNode(target.api, 'mixed-fine', nodeOf('mixed'));
      await createNode(target.api, 'mixed-silent', nodeOf('mixed', null));
      await createNode(target.api, 'mixed-invalid', nodeOf('mixed', { revision: 'ba9876543210', error }));
      const held = await createHeldNode(target.api, 'mixed-held', {
        ...nodeOf('mixed'),
        ledger: { since: sinceDaysAgo(3) },
      });
      await createHeldNode(target.api, 'mixed-left', {
        ...nodeOf('mixed'),
        ledger: {
          since: sinceDaysAgo(12),
          policies: {
            disk: {
              since: sinceDaysAgo(12),
              marks: { cordon: {}, taint: SICK },
              drain: { state: 'GaveUp', since: sinceDaysAgo(1), rules: null },
            },
          },
          marks: [
            { effect: 'cordon', mark: {}, owner: 'TakenAway' },
            { effect: 'taint', mark: SICK, owner: 'Ours' },
          ],
        },
      });
      await createSlot(target.api, 'agents', 'cluster', held);

      const { exitCode, stdout, stderr } = await finished(status('mixed'));
      assert.equal(
        stdout,
        `5 nodes: 2 held (1 with something taken away), 2 with a problem; 2 revisions: ${REVISION} on 3, ba9876543210 on 1; slots: cluster 1

NODE         EFFECTS                            SINCE   SLOT      REVISION       POLICIES
mixed-held   cordon, taint, Drained             3d      cluster   ${REVISION}   disk
mixed-left   taint; taken away: cordon, drain   12d     -         ${REVISION}   disk

NODE            PROBLEM
mixed-invalid   its newest files are invalid: 50-dev.yaml:6:5: $.spec.check.failureTreshold: is not…
mixed-silent    no report: does an agent run there?
`,
      );
      assert.deepEqual([exitCode, stderr], [1, '']);

      const wide = await finished(status('mixed', ['-A', '-o', 'wide']));
      assert.match(wide.stdout, /\nmixed-fine +- +- +- +- +- +0123456789ab +-\n/);
      assert.match(wide.stdout, /\nmixed-left .* 12d +24h +cordon, taint sick=true:NoSchedule +- /);
      assert.ok(wide.stdout.includes(error));

      const json = JSON.parse((await finished(status('mixed', ['-o', 'json']))).stdout);
      assert.deepEqual(json.summary, {
        nodes: 5,
        held: 2,
        draining: 0,
        gaveUp: 0,
        takenAway: 1,
        withProblem: 2,
        revisions: [
          { revision: REVISION, nodes: 3 },
          { revision: 'ba9876543210', nodes: 1 },
        ],
        slots: [{ budget: 'cluster', held: 1, others: 0 }],
      });
      assert.equal(json.nodes.length, 5);
      assert.deepEqual(json.nodes[2].problems, [{ reason: 'InvalidFiles', error }]);
    });

    test('where nothing is held and nothing is the matter, that is all it says, with exit code 0', async () => {
      await createNode(target.api, 'quiet-a', nodeOf('quiet'));
      const { exitCode, stdout } = await finished(status('quiet'));
      assert.match(stdout, /^1 node: 0 held, 0 with a problem; revision 0123456789ab on 1(; .*)?\n$/);
      assert.equal(exitCode, 0);
    });

    test('a selector that matches no Node is an error, not a clean bill', async () => {
      const { exitCode, stdout, stderr } = await finished(status('nobody'));
      assert.deepEqual([exitCode, stdout], [1, '']);
      assert.match(stderr, /there are no nodes that match "fleet=nobody"/);
    });

    test('without the right to list Leases it says so in one line, and goes on without them', async () => {
      await createHeldNode(target.api, 'forbidden-a', nodeOf('forbidden'));
      await throughProxy(
        target,
        ({ url }) => (url.includes('/leases') ? 403 : true),
        async (kubeconfig) => {
          const { exitCode, stdout, stderr } = await finished(status('forbidden', [], kubeconfig));
          assert.match(stderr, /^slots are not shown: could not read Leases in agents: 403 [^\n]*\n$/);
          assert.match(stdout, /NODE +EFFECTS +SINCE +REVISION +POLICIES\nforbidden-a /);
          assert.ok(!stdout.includes('slots'));
          assert.equal(exitCode, 1);
        },
      );
    });

    const agentOn = async (node: string, pod: string, state: object, lastState: object = {}) => {
      await createPod(target.api, {
        namespace: 'agents',
        name: pod,
        nodeName: node,
        labels: { 'app.kubernetes.io/name': 'node-svc-checker' },
        spec: { containers: [{ name: 'agent', image: 'registry.example/none' }] },
      });
      const container = { name: 'agent', image: 'x', imageID: '', ready: false, restartCount: 7, state, lastState };
      await target.api.requestOk('PATCH', `/api/v1/namespaces/agents/pods/${pod}/status`, {
        body: { status: { containerStatuses: [container] } },
        contentType: 'application/merge-patch+json',
      });
    };
    const line = '⛔ ERROR: Policy disk: the check wrote to stderr: df: not found';
    const ended = { exitCode: 1, reason: 'Error', message: `INFO: stopping\n${line}\n` };
    const backOff = { waiting: { reason: 'CrashLoopBackOff', message: 'back-off 5m0s' } };

    test('says of which nodes the agent does not run, and with which words it ended', async () => {
      for (const name of ['down-a', 'down-b', 'down-c']) await createNode(target.api, name, nodeOf('down'));
      const times = { startedAt: sinceDaysAgo(1), finishedAt: sinceDaysAgo(1) };
      await agentOn('down-a', 'agent-a', backOff, { terminated: { ...ended, ...times } });
      await agentOn(
        'down-b',
        'agent-b',
        { running: { startedAt: sinceDaysAgo(0) } },
        {
          terminated: { ...ended, startedAt: sinceDaysAgo(0), finishedAt: sinceDaysAgo(0) },
        },
      );
      await agentOn(
        'down-c',
        'agent-c',
        { running: { startedAt: sinceDaysAgo(1) } },
        { terminated: { ...ended, ...times } },
      );
      const { exitCode, stdout, stderr } = await finished(status('down', ['-o', 'wide']));
      assert.deepEqual([exitCode, stderr], [1, '']);
      assert.match(stdout, /^3 nodes: 0 held, 2 with a problem; /);
      assert.ok(stdout.includes(`down-a   its agent does not run: CrashLoopBackOff: ${line}\n`), stdout);
      assert.match(
        stdout,
        /\ndown-b {3}its agent ended with an error and was started again: Error, exit code 1, at .*: ⛔/,
      );

      const run = status('down', ['--watch', '-o', 'json']);
      const problems = () => (run.stdout.split('\n').at(-2) ?? '').split('"AgentNotRunning"').length - 1;
      await waitFor(() => problems() === 1, { what: 'the agent that does not run' });
      await agentOn('down-c', 'agent-d', backOff);
      await waitFor(() => problems() === 2, { what: 'another one' });
      run.kill('SIGINT');
      assert.equal((await finished(run)).exitCode, 0);
    });

    test('without the right to list Pods it says so in one line, and goes on without them', async () => {
      await createNode(target.api, 'unseen-a', nodeOf('unseen'));
      await agentOn('unseen-a', 'agent-unseen', backOff);
      await throughProxy(
        target,
        ({ url }) => (url.includes('/pods') ? 403 : true),
        async (kubeconfig) => {
          const { exitCode, stderr } = await finished(status('unseen', [], kubeconfig));
          assert.match(
            stderr,
            /^agents' pods are not shown: could not read the agents' pods in namespace agents: 403 [^\n]*\n$/,
          );
          assert.equal(exitCode, 0);
        },
      );
    });

    test('in a namespace without slots it names those that have some', async () => {
      const node = await createNode(target.api, 'elsewhere-a', nodeOf('elsewhere'));
      await createSlot(target.api, 'agents', 'zone', node);
      const { stderr } = await finished(status('elsewhere', ['--namespace', 'typo']));
      assert.equal(
        stderr,
        'slots are not shown: there are no slots in namespace typo, but in agents: name it with --namespace\n' +
          "agents' pods are not shown: there are none in namespace typo, but in agents: name it with --namespace\n",
      );
    });

    test('--watch prints it again when something has changed, and ends with 0 on SIGINT', async () => {
      const node = await createNode(target.api, 'watched-a', nodeOf('watched'));
      const run = status('watched', ['--watch']);
      const printed = (text: string) => waitFor(() => run.stdout.includes(text), { what: text });
      await printed('1 node: 0 held, 0 with a problem');
      await createHeldNode(target.api, 'watched-b', nodeOf('watched'));
      await printed('2 nodes: 1 held');
      await createSlot(target.api, 'agents', 'watched', node);
      await printed('watched-a   -                        -');
      run.kill('SIGINT');
      const { exitCode, stdout, stderr } = await finished(run);
      assert.deepEqual([exitCode, stderr], [0, '']);
      const tables = stdout.split('\n\n').filter((text) => text.includes(' held'));
      assert.equal(new Set(tables).size, tables.length, 'nothing is printed twice');
    });

    test(`shows ${FLEET} nodes with lists of metadata in pages`, async () => {
      const names = Array.from({ length: FLEET }, (_, n) => `fleet-${String(n).padStart(4, '0')}`);
      const { annotations, labels } = nodeOf('fleet');
      await inParallel(names, 20, (name) =>
        target.api.requestOk('POST', '/api/v1/nodes', { body: { metadata: { name, labels, annotations } } }),
      );
      const requests: { readonly url: URL; readonly accept: string }[] = [];
      await throughProxy(
        target,
        ({ url, accept = '' }) => requests.push({ url: new URL(url, target.url), accept }) > 0,
        async (kubeconfig) => {
          const { exitCode, stdout } = await finished(status('fleet', [], kubeconfig));
          assert.match(stdout, /^1000 nodes: 0 held, 0 with a problem; revision 0123456789ab on 1000; /);
          assert.equal(exitCode, 0);
        },
      );
      const lists = requests.filter(({ url }) => url.pathname === '/api/v1/nodes');
      // The real server's pages count what the selector leaves out, too.
      assert.ok(lists.length >= 2 && lists.length <= 4, String(lists.length));
      for (const { url, accept } of lists) {
        assert.equal(url.searchParams.get('limit'), '500');
        assert.match(accept, /as=PartialObjectMetadataList/);
      }
      const others = requests.filter((request) => !lists.includes(request));
      assert.ok(others.length <= 3 && others.every(({ url }) => /\/(leases|pods)$/.test(url.pathname)));
    });
  });
}
