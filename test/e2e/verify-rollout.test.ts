import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { inParallel } from '../../agent/commands/in-parallel.ts';
import { loadPolicyDirectory } from '../../agent/policy/load-policies.ts';
import { createNode } from '../harness/nodes.ts';
import { finished, runNsc } from '../harness/run-nsc.ts';
import { TARGETS, type Target, throughProxy } from '../harness/targets.ts';
import { waitFor } from '../harness/wait-for.ts';

const REPORT = 'node-svc-checker/policy';
const POLICY = {
  apiVersion: 'node-svc-checker/v1',
  kind: 'NodeCheckPolicy',
  metadata: { name: 'disk' },
  spec: { check: { command: ['/bin/true'] } },
};
const FLEET = 1_000;

for (const [where, { skip, start }] of Object.entries(TARGETS)) {
  describe(`nsc verify-rollout on ${where}`, { skip }, () => {
    const dir = mkdtempSync(join(tmpdir(), 'nsc-verify-rollout-'));
    let target: Target;
    let revision: string;

    before(async () => {
      target = await start();
      writeFileSync(join(dir, 'disk.yaml'), JSON.stringify(POLICY));
      const load = await loadPolicyDirectory(dir);
      assert.ok(load.valid);
      revision = load.set.revision;
    });
    after(async () => {
      await target?.stop();
      rmSync(dir, { recursive: true });
    });

    const report = (node: string, value: object | string | null) =>
      target.api.requestOk('PATCH', `/api/v1/nodes/${node}`, {
        body: {
          metadata: { annotations: { [REPORT]: typeof value === 'object' ? value && JSON.stringify(value) : value } },
        },
      });
    /** Each test has Nodes of its own, told apart by a label. */
    const addNodes = async (fleet: string, reports: Readonly<Record<string, object | string>>) => {
      for (const [name, value] of Object.entries(reports)) {
        await createNode(target.api, `${fleet}-${name}`, { labels: { fleet } });
        if (value !== '') await report(`${fleet}-${name}`, value);
      }
    };
    const verify = (fleet: string, ...args: string[]) =>
      runNsc(['verify-rollout', dir, '-l', `fleet=${fleet}`, ...args], { env: { KUBECONFIG: target.kubeconfig } });
    test('ends at once, with exit code 0, when every selected node runs the revision', async () => {
      await addNodes('done', { a: { revision }, b: { revision, error: 'what came after it is invalid' } });
      await addNodes('elsewhere', { a: '' });
      assert.deepEqual(await finished(verify('done')), {
        exitCode: 0,
        stdout: `rolled out: revision ${revision} is in force on 2 nodes\n`,
        stderr: '',
      });
    });

    test('ends when the last node reports, and counts nodes that come and go meanwhile', async () => {
      await addNodes('moving', { a: { revision }, b: { revision: 'old' }, leaves: '' });
      const run = verify('moving');
      await waitFor(() => run.stderr.includes(`waiting: 1 of 3 nodes run revision ${revision}\n`), {
        what: 'progress',
      });
      await addNodes('moving', { comes: '' });
      await waitFor(() => run.stderr.includes(`waiting: 1 of 4 nodes run revision ${revision}\n`), {
        what: 'the newcomer',
      });
      await target.api.requestOk('DELETE', '/api/v1/nodes/moving-leaves');
      await report('moving-comes', { revision });
      await report('moving-b', { revision });
      const { exitCode, stdout } = await finished(run);
      assert.deepEqual([exitCode, stdout], [0, `rolled out: revision ${revision} is in force on 3 nodes\n`]);
    });

    test('at the deadline lists every straggler with its reason, each error once, and exits 1', async () => {
      const error = '50-dev.yaml:6:5: $.spec.check.failureTreshold: is not a known field';
      await addNodes('late', {
        bad: { revision: '0123456789ab', error },
        fine: { revision },
        garbled: '{"revision"',
        new: { revision: null, error },
        none: { revision: null },
        old: { revision: '0123456789ab' },
        silent: '',
      });
      const { exitCode, stdout } = await finished(verify('late', '--timeout', '1s'));
      assert.equal(exitCode, 1);
      assert.equal(
        stdout,
        `not rolled out: after 1s, 6 of 7 nodes do not run revision ${revision}

NODE           RUNS           REASON
late-bad       0123456789ab   its newest files are invalid [1]
late-garbled   -              its report cannot be read
late-new       -              its newest files are invalid [1]
late-none      -              no policy is in force there
late-old       0123456789ab   has not got the files yet
late-silent    -              no report: does an agent run there?

[1] ${error}
`,
      );
      const json = await finished(verify('late', '--timeout', '1s', '-o', 'json'));
      const { stragglers, ...summary } = JSON.parse(json.stdout);
      assert.deepEqual([json.exitCode, summary], [1, { revision, done: false, nodes: 7, running: 1, unknown: [] }]);
      assert.deepEqual(stragglers[0], { node: 'late-bad', revision: '0123456789ab', reason: 'InvalidFiles', error });
      assert.equal(stragglers.length, 6);
    });

    test('a check that says nothing is a warning with node, policy and why, and keeps no revision from being rolled out', async () => {
      const unknown = { disk: 'could not be started: /opt/dsik.sh: not found' };
      await addNodes('unknown', { a: { revision }, b: { revision, unknown } });
      const { exitCode, stdout, stderr } = await finished(verify('unknown'));
      assert.deepEqual([exitCode, stdout], [0, `rolled out: revision ${revision} is in force on 2 nodes\n`]);
      assert.equal(stderr, `warning: node unknown-b: the check of policy disk says nothing: ${unknown.disk}\n`);
      const json = JSON.parse((await finished(verify('unknown', '-o', 'json'))).stdout);
      assert.deepEqual(json.unknown, [{ node: 'unknown-b', policy: 'disk', why: unknown.disk }]);
    });

    test('a node that runs the revision with a defect of its agent is named, with what it says', async () => {
      await addNodes('defect', { a: { revision, error: 'internal error: TypeError: x' }, b: { revision } });
      const { exitCode, stdout, stderr } = await finished(verify('defect', '--timeout', '1s'));
      assert.equal(exitCode, 1);
      assert.ok(stderr.includes(`waiting: 1 of 2 nodes run revision ${revision}, 1 met a defect of the agent\n`));
      assert.equal(
        stdout,
        `not rolled out: after 1s, 1 of 2 nodes do not run revision ${revision} without an internal error

NODE       RUNS           REASON
defect-a   ${revision}   its agent has met a defect of its own program, to be reported [1]

[1] TypeError: x
`,
      );
    });

    test('what a cluster renders has one revision, that of its ConfigMap', async () => {
      await addNodes('rendered', { a: { revision } });
      const configMap = (name: string, text: string) => ({
        apiVersion: 'v1',
        kind: 'ConfigMap',
        metadata: { name, namespace: 'checks' },
        data: { 'disk.yaml': text },
      });
      const text = JSON.stringify(POLICY);
      const verifyStream = (...objects: object[]) =>
        finished(
          runNsc(['verify-rollout', '-', '-l', 'fleet=rendered', '--timeout', '5s'], {
            env: { KUBECONFIG: target.kubeconfig },
            stdin: objects.map((object) => `${JSON.stringify(object)}\n`).join('---\n'),
          }),
        );
      const same = await verifyStream(configMap('node-svc-checker-policy', text), configMap('its-copy', text));
      assert.deepEqual([same.exitCode, same.stderr], [0, '']);
      const several = await verifyStream(configMap('one', text), configMap('two', `${text}\n`));
      assert.equal(several.exitCode, 1);
      assert.match(several.stderr, /a cluster has one policy revision, found .* \(checks\/one\), .* \(checks\/two\)/);
      const invalid = await verifyStream(configMap('node-svc-checker-policy', 'x: y: z'));
      assert.equal(invalid.exitCode, 1);
      assert.match(invalid.stderr, /disk\.yaml:1:\d+: .*\nno agent would take these policies/);
    });

    test('a selector that matches no Node is an error, not a success', async () => {
      const { exitCode, stdout, stderr } = await finished(verify('nobody'));
      assert.deepEqual([exitCode, stdout], [1, '']);
      assert.match(stderr, /there are no nodes that match "fleet=nobody"/);
    });

    test('when the last selected Node goes, nothing has been rolled out', async () => {
      await addNodes('leaving', { a: { revision: 'old' } });
      const run = verify('leaving');
      await waitFor(() => run.stderr.includes('waiting: 0 of 1 nodes'), { what: 'progress' });
      await target.api.requestOk('DELETE', '/api/v1/nodes/leaving-a');
      const { exitCode, stdout, stderr } = await finished(run);
      assert.deepEqual([exitCode, stdout], [1, '']);
      assert.match(stderr, /there are no nodes that match "fleet=leaving"/);
    });

    test('what the server refuses ends it at once, with the answer', async () => {
      const { exitCode, stderr } = await finished(verify('=x=', '--timeout', '20m'));
      assert.equal(exitCode, 1);
      assert.match(stderr, /could not read nodes that match "fleet==x=": 400 /);
    });

    test('the deadline holds while the API server does not answer', async () => {
      await throughProxy(
        target,
        () => false,
        async (kubeconfig) => {
          const { exitCode, stderr } = await finished(verify('done', '--timeout', '500ms', '--kubeconfig', kubeconfig));
          assert.equal(exitCode, 1);
          assert.match(stderr, /could not read nodes that match \S+ within 500ms/);
        },
      );
    });

    test(`follows ${FLEET} nodes with lists in pages of metadata and one watch`, async () => {
      const names = Array.from({ length: FLEET }, (_, n) => `fleet-${String(n).padStart(4, '0')}`);
      await inParallel(names, 20, (name) =>
        target.api.requestOk('POST', '/api/v1/nodes', {
          body: {
            metadata: { name, labels: { fleet: 'fleet' }, annotations: { [REPORT]: JSON.stringify({ revision }) } },
          },
        }),
      );
      await report('fleet-0500', { revision: 'old' });
      const urls: URL[] = [];
      await throughProxy(
        target,
        ({ url }) => urls.push(new URL(url, target.url)) > 0,
        async (kubeconfig) => {
          const run = verify('fleet', '--kubeconfig', kubeconfig);
          await waitFor(() => run.stderr.includes('waiting: 999 of 1000 nodes'), { what: 'progress' });
          await report('fleet-0500', { revision });
          assert.equal((await finished(run)).exitCode, 0);
        },
      );
      const kinds = urls.map(({ searchParams }) => (searchParams.has('watch') ? 'watch' : searchParams.get('limit')));
      assert.equal(kinds.pop(), 'watch');
      // The real server's pages count what the selector leaves out, too.
      assert.ok(kinds.length >= 2 && kinds.length <= 4 && kinds.every((limit) => limit === '500'), kinds.join());
    });
  });
}
