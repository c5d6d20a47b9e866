import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { createHeldNode, isAsHeld } from '../harness/create-held-node.ts';
import { LEDGER, type NodeObject, POLICY_REPORT, taintsOf } from '../harness/held-node.ts';
import { createNode, deleteNode, readNode } from '../harness/nodes.ts';
import { onTerminal } from '../harness/on-terminal.ts';
import { createNamespace, createPod, endPod } from '../harness/pods.ts';
import { finished, runNsc } from '../harness/run-nsc.ts';
import { createSlot, slotHolders } from '../harness/slots.ts';
import { TARGETS, type Target, throughProxy } from '../harness/targets.ts';
import { waitFor } from '../harness/wait-for.ts';

const BY_HAND = { key: 'by-hand', value: 'x', effect: 'NoSchedule' } as const;
const REPORT = { [POLICY_REPORT]: '{"revision":"0123456789ab"}' };
const AGENT = { 'app.kubernetes.io/name': 'node-svc-checker' };
const FORGOTTEN = 'uncordoned, taint sick=true:NoSchedule removed, drain ended, 3 annotations removed';

for (const [where, { skip, start }] of Object.entries(TARGETS)) {
  describe(`nsc release --forget on ${where}`, { skip }, () => {
    let target: Target;
    before(async () => {
      target = await start();
      await createNamespace(target.api, 'agents');
    });
    after(() => target?.stop());

    const forget = (args: string[], { kubeconfig = target.kubeconfig, namespace = 'agents' } = {}) =>
      runNsc(['release', '-n', namespace, '--forget', ...args], { env: { KUBECONFIG: kubeconfig } });
    const node = (name: string) => readNode(target.api, name) as Promise<unknown> as Promise<NodeObject>;
    const hold = (name: string, annotations: Readonly<Record<string, string>> = {}) =>
      createHeldNode(target.api, name, { annotations: { ...REPORT, ...annotations }, taints: [BY_HAND] });
    const startPod = (name: string, nodeName?: string, more: object = {}) =>
      createPod(target.api, { namespace: 'agents', name, nodeName, labels: AGENT, ...more });
    const end = (pod: string) => endPod(target.api, 'agents', pod);
    const isUntouched = async (name: string) => isAsHeld(await node(name), [BY_HAND]);

    test('removes in one guarded write what is ours and what says so, then the Leases, and nothing else', async () => {
      const held = await hold('one', { 'example.com/theirs': 'x' });
      const other = await hold('one-more');
      for (const holder of [held, other]) await createSlot(target.api, 'agents', 'cluster', holder);
      const writes: string[] = [];
      await throughProxy(
        target,
        ({ method, url }) => method === 'GET' || writes.push(`${method} ${url.split('/').at(-1)}`) > 0,
        async (kubeconfig) => {
          const { exitCode, stdout, stderr } = await finished(forget(['one', '--yes'], { kubeconfig }));
          assert.equal(stdout, `one: ${FORGOTTEN}, slot of budget cluster given back\n`);
          assert.deepEqual([exitCode, stderr], [0, '']);
        },
      );
      assert.deepEqual(writes, ['PATCH one', 'DELETE nsc-cluster-one']);
      const { spec, metadata } = await node('one');
      assert.deepEqual([spec.unschedulable, spec.taints], [undefined, [BY_HAND]]);
      assert.deepEqual(metadata.annotations, { 'example.com/theirs': 'x' });
      assert.deepEqual(await slotHolders(target.api, 'agents'), ['one-more']);
      assert.ok(await isUntouched('one-more'));

      const again = await finished(forget(['one', '--yes']));
      assert.deepEqual([again.exitCode, again.stdout], [0, 'one: nothing to do, nothing there is ours any more\n']);
    });

    test('--dry-run does nothing, waits for nobody, and says for whom it would', async () => {
      await hold('dry');
      await startPod('agent-dry', 'dry');
      const { exitCode, stdout, stderr } = await finished(forget(['dry', '--dry-run']));
      assert.equal(exitCode, 0);
      assert.equal(stderr, 'would first wait for agents to end: pod agent-dry\n');
      const plan = 'uncordon, remove taint sick=true:NoSchedule, end the drain, remove 3 annotations';
      assert.equal(stdout, `dry: would ${plan}\n`);
      assert.ok(await isUntouched('dry'));
      await end('agent-dry');
    });

    test('waits until no agent runs on the nodes concerned, and says for whom', async () => {
      await hold('waited');
      await startPod('agent-waited', 'waited');
      await startPod('agent-elsewhere', 'dry');
      await startPod('agent-finished', 'waited', { phase: 'Succeeded' });
      const run = forget(['waited', '--yes']);
      const told = 'waiting for agents to end: pod agent-waited\n';
      await waitFor(() => run.stderr === told, { what: 'word of the wait' });
      assert.ok(await isUntouched('waited'));
      await end('agent-waited');
      const { exitCode, stdout, stderr } = await finished(run);
      assert.deepEqual([exitCode, stdout, stderr], [0, `waited: ${FORGOTTEN}\n`, told]);
      for (const pod of ['agent-elsewhere', 'agent-finished']) await end(pod);
    });

    test('forgets nothing when agents are left at the deadline, wherever with --all, and one that has no node yet', async () => {
      await hold('late');
      for (const [pod, on, args] of [
        ['agent-late', 'late', ['late']],
        ['agent-of-another', 'dry', ['--all']],
        ['agent-unscheduled', undefined, ['late']],
      ] as const) {
        await startPod(pod, on, { phase: 'Pending' });
        const { exitCode, stdout, stderr } = await finished(forget([...args, '--yes', '--timeout', '100ms']));
        assert.deepEqual([exitCode, stdout], [1, '']);
        const problem = `nsc: after 100ms there are agents in namespace agents that may still write: pod ${pod}`;
        const advice = 'delete their DaemonSet first (kubectl -n agents delete daemonset node-svc-checker)';
        assert.equal(stderr, `${problem}; nothing was forgotten; ${advice}\n`);
        await end(pod);
      }
      assert.ok(await isUntouched('late'));
    });

    test('a pod that is terminating may write still', async () => {
      await hold('ending');
      await startPod('agent-ending', 'ending');
      const path = '/api/v1/namespaces/agents/pods/agent-ending';
      const keep = (finalizers: string[]) =>
        target.api.requestOk('PATCH', path, { body: { metadata: { finalizers } } });
      await keep(['example.com/keep']);
      await target.api.requestOk('DELETE', path);
      const { exitCode, stderr } = await finished(forget(['ending', '--yes', '--timeout', '1s']));
      assert.equal(exitCode, 1);
      assert.match(
        stderr,
        /pod agent-ending \(terminating\); nothing was forgotten; they are being deleted: try again/,
      );
      assert.ok(await isUntouched('ending'));
      await keep([]);
      await end('agent-ending');
    });

    test('--all is every node that something of ours is on, and every Lease; what cannot be read stays', async () => {
      await createNode(target.api, 'all-report', { annotations: REPORT, unschedulable: true });
      const holder = await createNode(target.api, 'all-lease');
      await hold('all-unreadable', { [LEDGER]: '{"version":7}' });
      await createNode(target.api, 'all-free', { annotations: { 'example.com/theirs': 'x' } });
      const gone = { ...holder, metadata: { ...holder.metadata, name: 'all-gone', uid: 'gone' } };
      for (const each of [holder, gone]) await createSlot(target.api, 'agents', 'cluster', each);

      const { exitCode, stdout, stderr } = await finished(forget(['--all', '--yes', '-o', 'json']));
      assert.deepEqual([exitCode, stderr], [1, '']);
      const outcomes = new Map(
        JSON.parse(stdout).nodes.map((one: { node: string }) => [one.node, one] as const),
      ) as ReadonlyMap<string, { result: string; steps: object[]; slots: string[]; error: string | null }>;
      const outcome = (name: string) => outcomes.get(name);
      const step = { kind: 'RemoveAnnotations', names: [POLICY_REPORT] };
      assert.deepEqual([outcome('all-report')?.result, outcome('all-report')?.steps], ['Released', [step]]);
      for (const name of ['all-lease', 'all-gone']) assert.deepEqual(outcome(name)?.slots, ['cluster'], name);
      assert.equal(outcome('all-free'), undefined);
      assert.match(outcome('all-unreadable')?.error ?? '', /found 7; undo by hand .*; nothing was touched$/);
      assert.ok(await isUntouched('all-unreadable'));
      assert.ok((await node('all-report')).spec.unschedulable);
      assert.deepEqual(await slotHolders(target.api, 'agents'), []);
      await deleteNode(target.api, 'all-unreadable');

      const again = await finished(forget(['--all', '--yes']));
      assert.deepEqual([again.exitCode, again.stdout], [0, 'nothing of ours is on any node\n']);
    });

    for (const [what, resource] of [
      ["the agents' pods", 'pods'],
      ['Leases', 'leases'],
    ] as const) {
      test(`without the right to list ${what} nothing is forgotten`, async () => {
        const name = `refused-${resource}`;
        await hold(name);
        await throughProxy(
          target,
          ({ url }) => (new URL(url, 'http://x').pathname.endsWith(`/agents/${resource}`) ? 403 : true),
          async (kubeconfig) => {
            const { exitCode, stderr } = await finished(forget([name, '--yes'], { kubeconfig }));
            assert.equal(exitCode, 1);
            assert.match(
              stderr,
              new RegExp(`^nsc: could not read ${what} in .*agents: 403 .*; nothing was forgotten\n$`),
            );
          },
        );
        assert.ok(await isUntouched(name));
      });
    }

    test('an API server that does not answer for a moment is asked again', async () => {
      await hold('shaken');
      let failures = 0;
      await throughProxy(
        target,
        ({ url }) => (url.includes('/agents/pods') && failures++ < 2 ? 503 : true),
        async (kubeconfig) => {
          const { exitCode, stdout } = await finished(forget(['shaken', '--yes'], { kubeconfig }));
          assert.deepEqual([exitCode, stdout], [0, `shaken: ${FORGOTTEN}\n`]);
        },
      );
    });

    test('in the wrong namespace nothing is forgotten', async () => {
      await hold('typo');
      await startPod('agent-typo', 'typo');
      const { exitCode, stderr } = await finished(forget(['typo', '--yes'], { namespace: 'typo' }));
      assert.equal(exitCode, 1);
      const problem = 'there are no agents in namespace typo, but in agents: name it with --namespace';
      assert.equal(stderr, `nsc: ${problem}; nothing was forgotten\n`);
      assert.ok(await isUntouched('typo'));
      await end('agent-typo');
    });

    test('on a terminal it asks, and only y is a yes', async () => {
      await hold('asked');
      const args = ['release', '-n', 'agents', '--forget', 'asked'];
      for (const [answer, exitCode] of [
        ['\n', 1],
        ['y\n', 0],
      ] as const) {
        const run = onTerminal(target.kubeconfig, args);
        await run.waitFor('Release and forget 1 node? [y/N]');
        assert.ok(await isUntouched('asked'));
        run.type(answer);
        assert.equal(await run.exitCode, exitCode, run.output());
      }
      assert.deepEqual(taintsOf(await node('asked')), [BY_HAND]);
    });

    test('a duration that is none is a usage error', async () => {
      const { exitCode, stderr } = await finished(forget(['a', '--yes', '--timeout', 'soon']));
      assert.equal(exitCode, 2);
      assert.match(stderr, /--timeout must be a duration/);
    });
  });
}
