import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { type AgentCluster, startAgentCluster } from '../harness/agent-cluster.ts';
import { type AgentProcess, startAgent } from '../harness/agent-process.ts';
import { NAMESPACE } from '../harness/agent-rights.ts';
import { requireBinary, skipWithoutControlPlane } from '../harness/binaries.ts';
import { codeBlocks } from '../harness/code-blocks.ts';
import { createConfigMapVolume } from '../harness/config-map-volume.ts';
import { isCordoned, isHeld, ledgerOf, POLICY_REPORT, taintsOf } from '../harness/held-node.ts';
import { createNode } from '../harness/nodes.ts';
import { type NscRun, runNsc } from '../harness/run-nsc.ts';
import { playSession } from '../harness/shell-session.ts';
import { waitFor } from '../harness/wait-for.ts';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const NODES = ['node-a', 'node-b'];
const POLICY_CONFIG_MAP = 'node-svc-checker-policy';
/** How often what stands in for Argo CD or Flux, and for the kubelet, looks for something new, in milliseconds. */
const SYNC_MS = 200;
const run = promisify(execFile);

/**
 * The whole way of a policy, as the README and gitops/ show it: commit → kustomize build → apply → ConfigMap → files on
 * the node → the agent's behaviour. The tests are one story, each going on where the one before ended.
 */
describe('a policy in Git', { skip: skipWithoutControlPlane() }, () => {
  let cluster: AgentCluster;
  let world: ReturnType<typeof createWorld>;
  const agents: AgentProcess[] = [];
  const stopping = new AbortController();
  const loops: Promise<void>[] = [];

  before(async () => {
    cluster = await startAgentCluster();
    world = createWorld();
    await world.createRepository();
    loops.push(repeat(() => world.sync(cluster), stopping.signal));
    for (const name of NODES) {
      await createNode(cluster.plane.api, name, { labels: { role: 'storage', 'kubernetes.io/os': 'linux' } });
      const volume = createConfigMapVolume(join(world.dir, name));
      loops.push(repeat(async () => void volume.project(await policyFiles(cluster)), stopping.signal));
      const { kubeconfig, pod } = await cluster.seat(name);
      const env = { POD_NAME: pod, POD_NAMESPACE: NAMESPACE };
      agents.push(startAgent({ nodeName: name, policyDir: volume.dir, kubeconfig, env }));
    }
  });
  after(async () => {
    stopping.abort();
    await Promise.all(loops);
    for (const agent of agents) {
      agent.kill('SIGKILL');
      await agent.exit;
    }
    await cluster?.stop();
    if (world) rmSync(world.dir, { recursive: true });
  });

  const everyNode = async <T>(look: (name: string) => Promise<T>): Promise<T[]> => Promise.all(NODES.map(look));
  const until = (what: string, condition: (name: string) => Promise<boolean>) =>
    waitFor(async () => (await everyNode(condition)).every(Boolean), { what });
  const reportOf = async (name: string) =>
    JSON.parse((await cluster.node(name)).metadata.annotations?.[POLICY_REPORT] ?? '{}');
  const rendered = async () => (await run(requireBinary('kubectl'), ['kustomize', world.devFolder])).stdout;
  const nsc = async (...args: string[]): Promise<NscRun & { code: number | null }> => {
    const command = runNsc(args, { stdin: await rendered(), env: { KUBECONFIG: cluster.plane.kubeconfigPath } });
    return Object.assign(command, { code: await command.exitCode });
  };
  const verifyRollout = async () => {
    const { code, stdout, stderr } = await nsc('verify-rollout', '-', '--timeout', '30s');
    assert.equal(code, 0, stdout + stderr);
  };
  const assertSameProcesses = () => {
    for (const agent of agents) {
      assert.doesNotThrow(() => process.kill(agent.pid, 0));
      assert.equal(agent.lines.filter((line) => line.includes('agent started')).length, 1);
    }
  };
  let enforced: string;

  test('that only observes leaves a failing node alone', async () => {
    world.breakCheck();
    await verifyRollout();
    for (const agent of agents) await agent.waitForLine(/mode is Observe/);
    for (const node of await everyNode(cluster.node)) assert.ok(!isHeld(node) && !isCordoned(node));
  });

  test("changed by the README's five commands takes hold on every node, by the same processes", async () => {
    const [session = ''] = codeBlocks(readFileSync(join(ROOT, 'README.md'), 'utf8'), 'sh-session');
    assert.equal(session.match(/^\$ /gm)?.length, 5);
    await playSession(session, {
      cwd: world.dir,
      env: { ...world.gitEnv, KUBECONFIG: cluster.plane.kubeconfigPath, PATH: `${world.bin}:${process.env.PATH}` },
    });
    await until('every node to be held', async (name) => isHeld(await cluster.node(name)));
    assertSameProcesses();
    enforced = (await reportOf('node-a')).revision;
  });

  test('that is broken changes nothing but the report, and neither check lets it pass', async () => {
    const before = await everyNode(cluster.node);
    const mark = cluster.plane.audit.mark();
    await world.commit('Break the policy', 'policies/storage-daemon.yaml', (text) =>
      text.replace('failureThreshold', 'failureTreshold'),
    );
    await until('the report', async (name) => (await reportOf(name)).error !== undefined);
    for (const name of NODES) {
      const { revision, error } = await reportOf(name);
      assert.equal(revision, enforced);
      assert.match(error, /^storage-daemon\.yaml:\d+:5: \$\.spec\.check\.failureTreshold: is not a known field/);
    }
    const validated = await nsc('validate', '-');
    assert.equal(validated.code, 1);
    assert.match(validated.stdout, /failureTreshold/);
    assert.equal((await nsc('verify-rollout', '-', '--timeout', '1s')).code, 1);

    const runs = agents.map(({ lines }) => lines.length);
    for (const [n, agent] of agents.entries()) await agent.waitForLine(/Noticed/, { from: runs[n] });
    for (const [n, node] of (await everyNode(cluster.node)).entries()) {
      const old = before[n];
      assert.ok(old);
      assert.deepEqual([node.spec, ledgerOf(node)], [old.spec, ledgerOf(old)]);
    }
    for (const name of NODES) {
      const writes = cluster
        .requests(name, mark)
        .filter(({ verb, objectRef }) => verb === 'patch' && objectRef?.resource === 'nodes');
      assert.equal(writes.length, 1, 'the report');
    }
    assertSameProcesses();
  });

  test('that is reverted is in force again as it was', async () => {
    await world.revert();
    await until('the report', async (name) => (await reportOf(name)).error === undefined);
    for (const report of await everyNode(reportOf)) assert.deepEqual(report, { revision: enforced });
    await verifyRollout();
    for (const node of await everyNode(cluster.node)) assert.ok(isHeld(node));
    for (const agent of agents) {
      const { body } = await agent.get('/metrics');
      assert.match(body, /^nsc_policy_reload_success 1$/m);
    }
    assertSameProcesses();
  });

  test('that observes again undoes what it did', async () => {
    await world.commit('Only observe', 'clusters/dev/policy/50-dev.yaml', (text) => text.replace('Enforce', 'Observe'));
    await verifyRollout();
    await until('every node to be given back', async (name) => !isHeld(await cluster.node(name)));
    for (const node of await everyNode(cluster.node)) assert.deepEqual([isCordoned(node), taintsOf(node)], [false, []]);
    assertSameProcesses();
  });
});

/** A repository made of gitops/, pushed to a bare one, from which a checkout of its own is rendered and applied. */
function createWorld() {
  const dir = mkdtempSync(join(tmpdir(), 'nsc-gitops-'));
  const repository = join(dir, 'node-policies');
  const origin = join(dir, 'origin.git');
  const synced = join(dir, 'synced', 'node-policies');
  const bin = join(dir, 'bin');
  const script = join(dir, 'storage.sh');
  const sick = join(dir, 'sick');
  const gitEnv = {
    GIT_CONFIG_GLOBAL: '/dev/null',
    GIT_AUTHOR_NAME: 'test',
    GIT_AUTHOR_EMAIL: 'test@example.com',
    GIT_COMMITTER_NAME: 'test',
    GIT_COMMITTER_EMAIL: 'test@example.com',
  };
  const git = async (cwd: string, ...args: string[]) =>
    (await run('git', args, { cwd, env: { ...process.env, ...gitEnv } })).stdout.trim();
  const edit = (file: string, change: (text: string) => string) => {
    const path = join(repository, file);
    const text = readFileSync(path, 'utf8');
    assert.notEqual(change(text), text, file);
    writeFileSync(path, change(text));
  };
  let applied = '';

  return {
    dir,
    bin,
    gitEnv,
    devFolder: join(repository, 'clusters/dev'),
    breakCheck: () => writeFileSync(sick, ''),
    async createRepository() {
      mkdirSync(bin);
      symlinkSync(requireBinary('kubectl'), join(bin, 'kubectl'));
      // Where the layout's relative path to the base leads, from the repository and from what is synced of it.
      for (const beside of [dir, join(dir, 'synced')])
        cpSync(join(ROOT, 'deploy'), join(beside, 'deploy'), { recursive: true });
      cpSync(join(ROOT, 'gitops'), repository, { recursive: true });
      writeFileSync(script, `#!/bin/sh\n[ ! -e '${sick}' ]\n`, { mode: 0o755 });
      edit('policies/storage-daemon.yaml', (text) =>
        text.replace('/opt/checks/storage-daemon.sh', script).replace('failureThreshold: 6', 'failureThreshold: 2'),
      );
      edit('clusters/dev/policy/50-dev.yaml', (text) => text.replace('periodSeconds: 5', 'periodSeconds: 1'));
      await git(dir, 'init', '--quiet', '--bare', '--initial-branch=main', origin);
      await git(repository, 'init', '--quiet', '--initial-branch=main');
      await git(repository, 'add', '.');
      await git(repository, 'commit', '--quiet', '--message', 'Start');
      await git(repository, 'remote', 'add', 'origin', origin);
      await git(repository, 'push', '--quiet', '--set-upstream', 'origin', 'main');
      await git(dir, 'clone', '--quiet', origin, synced);
    },
    async commit(message: string, file: string, change: (text: string) => string) {
      edit(file, change);
      await git(repository, 'commit', '--quiet', '--all', '--message', message);
      await git(repository, 'push', '--quiet');
    },
    async revert() {
      await git(repository, 'revert', '--no-edit', 'HEAD');
      await git(repository, 'push', '--quiet');
    },
    /** What Argo CD and Flux do with a commit that they have not applied yet. */
    async sync({ plane }: AgentCluster) {
      // Looked up without git, which several times a second would take most of a processor.
      const commit = readFileSync(join(origin, 'refs/heads/main'), 'utf8');
      if (commit === applied) return;
      await git(synced, 'pull', '--quiet', '--ff-only');
      const { stdout } = await run(requireBinary('kubectl'), ['kustomize', join(synced, 'clusters/dev')]);
      await plane.kubectl(['apply', '--server-side', '--force-conflicts', '-f', '-'], { stdin: stdout });
      applied = commit;
    },
  };
}

/** Throws while there is no such ConfigMap. */
async function policyFiles({ plane }: AgentCluster): Promise<Readonly<Record<string, string>>> {
  const path = `/api/v1/namespaces/${NAMESPACE}/configmaps/${POLICY_CONFIG_MAP}`;
  const { data } = await plane.api.requestOk<{ data: Record<string, string> }>('GET', path);
  return data;
}

/** Again and again until the signal; what fails is tried again, as controllers do. */
async function repeat(work: () => Promise<void>, signal: AbortSignal): Promise<void> {
  while (!signal.aborted) {
    await work().catch(() => {});
    await new Promise((resolve) => setTimeout(resolve, SYNC_MS));
  }
}
