import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { type AgentProcess, startAgent } from '../harness/agent-process.ts';
import { createHeldNode, isAsHeld, SICK } from '../harness/create-held-node.ts';
import { DRAIN_STATE, isCordoned, LEDGER, type NodeObject, readLedgerText } from '../harness/held-node.ts';
import { createNode, readNode } from '../harness/nodes.ts';
import { onTerminal } from '../harness/on-terminal.ts';
import { createNamespace } from '../harness/pods.ts';
import { finished, runNsc } from '../harness/run-nsc.ts';
import { createSickCheck, type SickCheck } from '../harness/sick-check.ts';
import { createSlot, slotHolders } from '../harness/slots.ts';
import { TARGETS, type Target, throughProxy } from '../harness/targets.ts';
import { waitFor } from '../harness/wait-for.ts';

const BY_HAND = { key: 'by-hand', value: 'x', effect: 'NoSchedule' } as const;

for (const [where, { skip, start }] of Object.entries(TARGETS)) {
  describe(`nsc release on ${where}`, { skip }, () => {
    let target: Target;
    before(async () => {
      target = await start();
      await createNamespace(target.api, 'agents');
    });
    after(() => target?.stop());

    const release = (args: string[], kubeconfig = target.kubeconfig) =>
      runNsc(['release', '-n', 'agents', ...args], { env: { KUBECONFIG: kubeconfig } });
    const node = (name: string) => readNode(target.api, name) as Promise<unknown> as Promise<NodeObject>;
    const isUntouched = async (name: string) => isAsHeld(await node(name));
    const ledgerOf = async (name: string) => readLedgerText((await node(name)).metadata.annotations?.[LEDGER]);

    test('takes back in one guarded write what is ours, then the slots, and nothing of a person or of other nodes', async () => {
      const held = await createHeldNode(target.api, 'one', { taints: [BY_HAND] });
      const other = await createHeldNode(target.api, 'one-more');
      for (const holder of [held, other]) await createSlot(target.api, 'agents', 'cluster', holder);
      const writes: string[] = [];
      await throughProxy(
        target,
        ({ method, url }) => method === 'GET' || writes.push(`${method} ${url.split('/').at(-1)}`) > 0,
        async (kubeconfig) => {
          const { exitCode, stdout, stderr } = await finished(release(['one', '--yes'], kubeconfig));
          assert.equal(
            stdout,
            'one: uncordoned, taint sick=true:NoSchedule removed, drain ended, slot of budget cluster given back\n',
          );
          assert.deepEqual([exitCode, stderr], [0, '']);
        },
      );
      assert.deepEqual(writes, ['PATCH one', 'DELETE nsc-cluster-one']);
      const { spec, metadata } = await node('one');
      assert.equal(spec.unschedulable, undefined);
      assert.deepEqual(spec.taints, [BY_HAND]);
      assert.equal(metadata.annotations?.[DRAIN_STATE], 'drainNotActive');
      const { cordon, taints } = await ledgerOf('one');
      assert.deepEqual([cordon, taints], ['TakenAway', [{ ...SICK, owner: 'TakenAway' }]]);
      assert.deepEqual(await slotHolders(target.api, 'agents'), ['one-more']);
      assert.ok(await isUntouched('one-more'));

      const again = await finished(release(['one', '--yes']));
      assert.deepEqual([again.exitCode, again.stdout], [0, 'one: nothing to do, nothing there is ours any more\n']);
    });

    test('a node that is not there or cannot be read keeps no other from being released', async () => {
      await createHeldNode(target.api, 'some-held');
      await createNode(target.api, 'some-free', { unschedulable: true });
      const unreadable = { [LEDGER]: '{"version":7}' };
      await createHeldNode(target.api, 'some-unreadable', { annotations: unreadable });
      const names = ['some-unreadable', 'some-missing', 'some-free', 'some-held'];
      const { exitCode, stdout, stderr } = await finished(release([...names, '--yes', '-o', 'json']));
      assert.deepEqual([exitCode, stderr], [1, '']);
      const { dryRun, nodes } = JSON.parse(stdout);
      assert.equal(dryRun, false);
      assert.deepEqual(
        nodes.map(({ node, result }: { node: string; result: string }) => [node, result]),
        [
          ['some-free', 'NotHeld'],
          ['some-held', 'Released'],
          ['some-missing', 'Failed'],
          ['some-unreadable', 'Failed'],
        ],
      );
      assert.match(nodes[2].error, /could not read node some-missing: 404/);
      assert.match(nodes[3].error, /version must be 1 or 2, found 7; nothing was touched/);
      assert.deepEqual(nodes[1].steps, [
        { kind: 'TakeBack', effect: 'cordon', mark: {} },
        { kind: 'TakeBack', effect: 'taint', mark: SICK },
        { kind: 'EndDrain' },
      ]);
      assert.ok(isCordoned(await node('some-free')));
      assert.ok(await isUntouched('some-unreadable'));
    });

    test('--dry-run says what would be done and does nothing', async () => {
      const held = await createHeldNode(target.api, 'dry');
      await createSlot(target.api, 'agents', 'dry', held);
      const before = await node('dry');
      const { exitCode, stdout } = await finished(release(['dry', '--dry-run']));
      assert.equal(
        stdout,
        'dry: would uncordon, remove taint sick=true:NoSchedule, end the drain, give back the slot of budget dry\n',
      );
      assert.equal(exitCode, 0);
      assert.deepEqual(await node('dry'), before);
      assert.ok((await slotHolders(target.api, 'agents')).includes('dry'));
    });

    test('without a terminal nothing is done unless --yes says so', async () => {
      await createHeldNode(target.api, 'unasked');
      const { exitCode, stderr } = await finished(release(['unasked']));
      assert.equal(exitCode, 2);
      assert.match(stderr, /standard input is no terminal to ask on, so --yes is required/);
      assert.ok(await isUntouched('unasked'));
    });

    test('on a terminal it asks, and only y is a yes; what changed meanwhile is read again', async () => {
      await createHeldNode(target.api, 'asked');
      const question = 'asked: would uncordon, remove taint sick=true:NoSchedule, end the drain';
      const no = onTerminal(target.kubeconfig, ['release', 'asked']);
      await no.waitFor('Release 1 node? [y/N]');
      assert.ok(no.output().includes(question), no.output());
      no.type('\n');
      assert.equal(await no.exitCode, 1);
      assert.ok(await isUntouched('asked'));

      const yes = onTerminal(target.kubeconfig, ['release', 'asked']);
      await yes.waitFor('Release 1 node? [y/N]');
      await target.api.requestOk('PATCH', '/api/v1/nodes/asked', { body: { spec: { taints: [SICK, BY_HAND] } } });
      yes.type('y\n');
      assert.equal(await yes.exitCode, 0, yes.output());
      const { spec } = await node('asked');
      assert.deepEqual([spec.unschedulable, spec.taints], [undefined, [BY_HAND]]);
    });

    for (const [status, writes, rule] of [
      [409, 5, 'a node that changes with every try is given up'],
      [403, 1, 'a write that is refused is not tried again'],
    ] as const) {
      test(rule, async () => {
        const name = `refused-${status}`;
        await createHeldNode(target.api, name);
        let seen = 0;
        await throughProxy(
          target,
          ({ method }) => (method === 'PATCH' && ++seen > 0 ? status : true),
          async (kubeconfig) => {
            const { exitCode, stderr } = await finished(release([name, '--yes'], kubeconfig));
            assert.equal(exitCode, 1);
            assert.match(stderr, new RegExp(`^${name}: could not change node ${name}: ${status} `));
          },
        );
        assert.equal(seen, writes);
        assert.ok(await isUntouched(name));
      });
    }

    test('--all is every node that an agent holds', async () => {
      await createHeldNode(target.api, 'all-a');
      await createHeldNode(target.api, 'all-b');
      await createNode(target.api, 'all-free', { unschedulable: true });
      const { stdout } = await finished(release(['--all', '--yes']));
      assert.match(stdout, /^all-a: uncordoned/m);
      assert.match(stdout, /^all-b: uncordoned/m);
      assert.doesNotMatch(stdout, /all-free/);
      const nodes = await Promise.all(['all-a', 'all-b', 'all-free'].map(node));
      assert.deepEqual(nodes.map(isCordoned), [false, false, true]);
    });

    test('the names of nodes and --all exclude each other, and one of them is needed', async () => {
      for (const args of [['--yes'], ['a', '--all', '--yes']]) {
        const { exitCode, stderr } = await finished(release(args));
        assert.equal(exitCode, 2);
        assert.match(stderr, /release needs the names of nodes, or --all, and not both/);
      }
    });

    describe('while its agent runs', () => {
      let agent: AgentProcess;
      let check: SickCheck;
      after(async () => {
        agent?.kill('SIGKILL');
        await agent?.exit;
        check?.remove();
      });

      test('the node is not taken again in this episode, and is in the next', async () => {
        const name = 'running';
        await createNode(target.api, name);
        check = createSickCheck({
          check: { failureThreshold: 2 },
          actions: { cordon: true, taint: SICK, drain: {} },
        });
        check.breakIt();
        agent = startAgent({ nodeName: name, policyDir: check.policyDir, kubeconfig: target.kubeconfig });
        const until = (what: string, condition: (node: NodeObject) => boolean) =>
          waitFor(async () => condition(await node(name)), { what: `the node to be ${what}` });
        const isTaken = ({ spec }: NodeObject) =>
          spec.unschedulable === true && (spec.taints ?? []).some(({ key }) => key === SICK.key);
        await until('taken', isTaken);

        const { exitCode, stdout, stderr } = await finished(release([name, '--yes']));
        assert.deepEqual([exitCode, stderr], [0, '']);
        assert.match(stdout, /^running: uncordoned, taint sick=true:NoSchedule removed, drain ended\n$/);
        const failures = () => agent.lines.filter((line) => line.includes('FAIL')).length;
        const seen = failures();
        await waitFor(() => failures() >= seen + 4, { what: 'four more failures' });
        const { spec } = await node(name);
        assert.deepEqual([spec.unschedulable, spec.taints ?? []], [undefined, []]);
        assert.equal((await ledgerOf(name)).cordon, 'TakenAway');

        check.heal();
        await until('given back', ({ metadata }) => metadata.annotations?.[LEDGER] === undefined);
        assert.equal((await node(name)).metadata.annotations?.[DRAIN_STATE], 'drainNotActive');
        check.breakIt();
        await until('taken anew', isTaken);
        assert.equal((await ledgerOf(name)).cordon, 'Ours');
      });
    });
  });
}
