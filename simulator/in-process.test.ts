import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, afterEach, beforeEach, describe, it } from 'node:test';
import { loadCredentials } from '../agent/kube/credentials.ts';
import { KubeError } from '../agent/kube/kube-error.ts';
import { createTransport, type KubeRequest, type Transport } from '../agent/kube/transport.ts';
import { SYSTEM_CLOCK } from '../agent/loop/clock.ts';
import { waitFor } from '../test/harness/wait-for.ts';
import type { OpenWatch } from './connection.ts';
import type { Fault } from './faults.ts';
import { countedUuids } from './random.ts';
import { createCluster, type SimulatedCluster } from './simulated-cluster.ts';
import { type Simulator, startSimulator } from './simulator.ts';
import { VirtualClock } from './virtual-clock.ts';

const EPOCH_MS = Date.UTC(2026, 0, 1);
const KINDS = ['Node', 'Pod', 'Lease', 'PodDisruptionBudget', 'Event'];
const CONTROLLERS = { podTerminationMs: null, nodeTaints: false, disruption: false, garbageCollection: false };
const LEASES = '/apis/coordination.k8s.io/v1/namespaces/default/leases';
const MERGE = 'application/merge-patch+json';
const STRATEGIC = 'application/strategic-merge-patch+json';
const METADATA = 'application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1';
/** Long enough for an answer on any machine. */
const SHORT_MS = 400;

describe('a connection in this process', () => {
  const dir = mkdtempSync(join(tmpdir(), 'nsc-in-process-'));
  let http: { cluster: Simulator; transport: Transport };
  let inside: { cluster: SimulatedCluster; transport: Transport; clock: VirtualClock };
  const calls: { http: unknown[]; inside: unknown[] } = { http: [], inside: [] };

  beforeEach(async () => {
    const wall = { ...SYSTEM_CLOCK, wallMs: () => EPOCH_MS };
    const common = { controllers: CONTROLLERS, bookmarkMs: 60_000 };
    const cluster = await startSimulator({ ...common, clock: wall, uuid: countedUuids(), token: 'good' });
    const credentials = loadCredentials(cluster.writeKubeconfig(join(dir, 'kubeconfig')), {});
    http = { cluster, transport: createTransport(credentials, 'me', (call) => calls.http.push(call), SYSTEM_CLOCK) };
    const clock = new VirtualClock({ epochMs: EPOCH_MS });
    const created = createCluster({ ...common, clock, token: 'good' });
    inside = {
      cluster: created,
      clock,
      transport: created.connect('me', { observe: (call) => calls.inside.push(call) }),
    };
    calls.http = [];
    calls.inside = [];
    for (const { cluster } of [http, inside]) seedAll(cluster);
  });
  afterEach(() => http.cluster.close());
  after(() => rmSync(dir, { recursive: true }));

  /** What some work comes to, over HTTP and in this process, and what it leaves. */
  async function both(work: (transport: Transport, cluster: SimulatedCluster) => Promise<unknown>) {
    const [a, b] = [summary(work(http.transport, http.cluster)), summary(work(inside.transport, inside.cluster))];
    let isDone = false;
    const end = () => {
      isDone = true;
    };
    b.then(end, end);
    await inside.clock.runUntil(() => isDone, { what: 'the work' });
    const results = { http: await a, inside: await b };
    const left = { http: dump(http.cluster), inside: dump(inside.cluster) };
    return { results, left };
  }

  const requests: [rule: string, ...asked: Omit<KubeRequest, 'attempt'>[]][] = [
    ['an object is read', { method: 'GET', path: '/api/v1/nodes/a' }],
    ['one that is missing is refused by name', { method: 'GET', path: '/api/v1/nodes/nobody' }],
    ['a path that is none is refused', { method: 'GET', path: '/apis/example.com/v1/gizmos' }],
    ['objects are listed', { method: 'GET', path: '/api/v1/pods', query: { fieldSelector: 'spec.nodeName=a' } }],
    [
      'a page is listed, its metadata only',
      { method: 'GET', path: '/api/v1/nodes', query: { limit: '1', labelSelector: 'x in (1,2)' }, accept: METADATA },
    ],
    [
      'a selector that cannot be read is refused',
      { method: 'GET', path: '/api/v1/nodes', query: { labelSelector: '((' } },
    ],
    ['an object is created, once', ...Array(2).fill({ method: 'POST', path: LEASES, body: lease('new') })],
    [
      'a patch leaves out what is undefined, and removes what is null',
      {
        method: 'PATCH',
        path: '/api/v1/nodes/a',
        contentType: MERGE,
        body: { metadata: { labels: { x: null, y: 'é "quoted"', z: undefined } }, spec: { unschedulable: true } },
      },
    ],
    [
      'a patch of an older version is refused',
      { method: 'PATCH', path: '/api/v1/nodes/a', contentType: MERGE, body: { metadata: { resourceVersion: '1' } } },
    ],
    [
      'conditions are merged',
      {
        method: 'PATCH',
        path: '/api/v1/nodes/a/status',
        contentType: STRATEGIC,
        body: { status: { conditions: [{ type: 'Ready', status: 'False' }] } },
      },
    ],
    [
      'a deletion of another one is refused',
      { method: 'DELETE', path: `${LEASES}/held`, body: { preconditions: { uid: 'of another' } } },
    ],
    ['an object is deleted, once', ...Array(2).fill({ method: 'DELETE', path: `${LEASES}/held` })],
    ['an eviction spends a budget', ...['p1', 'p2'].map(eviction)],
    ['no answer is waited for longer than asked', { method: 'GET', path: '/healthz', deadlineMs: SHORT_MS }],
  ];
  for (const [rule, ...asked] of requests) {
    it(`as over HTTP, ${rule}`, async () => {
      const { results, left } = await both(async (transport) => {
        const answers = [];
        for (const request of asked) answers.push(await summary(transport.request({ ...request, attempt: 'try it' })));
        return answers;
      });
      assert.deepEqual(results.inside, results.http);
      assert.deepEqual(left.inside, left.http);
      assert.deepEqual(calls.inside, calls.http);
      assert.deepEqual(inside.cluster.requests.map(told), http.cluster.requests.map(told));
    });
  }

  const faults: Fault[] = [
    { kind: 'status', code: 404 },
    { kind: 'status', code: 404, html: true },
    { kind: 'status', code: 429, plainText: true, retryAfterSeconds: 7 },
    { kind: 'status', code: 401 },
    { kind: 'answer', code: 200, body: {} },
    { kind: 'answer', code: 200, body: '<html>', contentType: 'text/html' },
    { kind: 'stall' },
    { kind: 'stallBody' },
    { kind: 'truncate' },
    { kind: 'drop' },
    { kind: 'refuse' },
    { kind: 'delay', ms: 20 },
    { kind: 'late', ms: 20 },
  ];
  for (const fault of faults) {
    it(`as over HTTP, ${JSON.stringify(fault)} goes wrong`, async () => {
      const { results, left } = await both((transport, cluster) => {
        cluster.faults.add({ fault, times: 1 });
        return transport.request({ ...cordon(), attempt: 'cordon a', deadlineMs: SHORT_MS });
      });
      assert.deepEqual(results.inside, results.http);
      assert.deepEqual(left.inside, left.http);
      assert.deepEqual(calls.inside, calls.http);
    });
  }

  const watches: [rule: string, fault: Fault | null, heard: readonly number[], disturb?: (watch: OpenWatch) => void][] =
    [
      ['is ended', null, [1, 2], (watch) => watch.end()],
      ['is cut', null, [1, 2], (watch) => watch.cut()],
      ['forgets its version', null, [1, 2], (watch) => watch.expire()],
      ['sends half a line', null, [1, 2], (watch) => watch.sendLine('{"half')],
      ['is cut before its second event', { kind: 'watchCut', afterEvents: 1 }, [1]],
      ['is cut before its first event', { kind: 'watchCut', afterEvents: 0 }, []],
      ['begins with no JSON', { kind: 'watchLine', line: '{"type":' }, []],
      ['replays its first event', { kind: 'watchReplay', afterEvents: 2 }, [1, 2], (watch) => watch.end()],
      ['falls silent', { kind: 'watchSilent', afterEvents: 1 }, [1], (watch) => watch.end()],
      ['ends at once', { kind: 'watchEnd' }, []],
      ['is too old', { kind: 'watchExpired' }, []],
      ['is refused', { kind: 'status', code: 500 }, []],
      ['is never answered', { kind: 'stall' }, []],
    ];
  for (const [rule, fault, heard, disturb] of watches) {
    it(`as over HTTP, a watch ${rule}`, async () => {
      const { results } = await both(async (transport, cluster) => {
        if (fault) cluster.faults.add({ fault, times: 1 });
        const items: unknown[] = [];
        const outcome = summary(transport.follow(watchOf(cluster, 'a'), (item) => items.push(item)));
        const awaitThat = (condition: () => boolean) =>
          cluster === http.cluster ? waitFor(condition, { what: 'the watch' }) : until(inside.clock, condition);
        await awaitThat(() => cluster.requests.length > 0);
        for (const n of [1, 2]) {
          const { metadata } = cluster.edit('Node', 'a', (node) => {
            node.metadata.labels = { n: String(n) };
          });
          const hasCome = () => JSON.stringify(items).includes(`"resourceVersion":"${metadata.resourceVersion}"`);
          if (heard.includes(n)) await awaitThat(hasCome);
        }
        const [watch] = cluster.watches;
        if (watch) disturb?.(watch);
        return { outcome: await outcome, items };
      });
      assert.deepEqual(results.inside, results.http);
      assert.deepEqual(calls.inside, calls.http);
    });
  }

  it('a watch ends at once on the signal, and the server knows', async () => {
    const stopping = new AbortController();
    const query = { watch: 'true' };
    const request = { method: 'GET', path: '/api/v1/nodes', query, attempt: 'watch', signal: stopping.signal } as const;
    let isOver = false;
    void inside.transport
      .follow(request, () => {})
      .then(() => {
        isOver = true;
      });
    await inside.clock.run(100);
    assert.equal(inside.cluster.watches.size, 1);
    stopping.abort();
    await inside.clock.run(inside.clock.nowMs());
    assert.equal(isOver, true);
    assert.equal(inside.cluster.watches.size, 0);
    assert.equal(inside.clock.pending, 0);
  });

  it('a watch of which nothing is heard is given up, and bookmarks keep one alive', async () => {
    const follow = (resourceVersion: string, wantsBookmarks: boolean) =>
      summary(
        inside.transport.follow(
          {
            method: 'GET',
            path: '/api/v1/nodes',
            query: { watch: 'true', resourceVersion, allowWatchBookmarks: String(wantsBookmarks) },
            attempt: 'watch',
          },
          () => {},
        ),
      );
    let silent: unknown;
    let kept: unknown = 'open';
    const version = inside.cluster.read('Node', 'b')?.metadata.resourceVersion ?? '';
    void follow(version, false).then((outcome) => {
      silent = outcome;
    });
    void follow(version, true).then((outcome) => {
      kept = outcome;
    });
    await inside.clock.run(149_000);
    assert.equal(silent, undefined);
    await inside.clock.run(600_000);
    assert.match(JSON.stringify(silent), /could not watch: .*the watch was silent for 150 s/);
    assert.equal(kept, 'open');
  });

  it('a late write lands when its client has given up', async () => {
    inside.cluster.faults.add({ fault: { kind: 'late', ms: 5_000 } });
    const outcome = summary(inside.transport.request({ ...cordon(), attempt: 'cordon a', deadlineMs: 1_000 }));
    await inside.clock.run(4_000);
    assert.match(JSON.stringify(await outcome), /no whole answer within 1 s/);
    assert.equal(inside.cluster.read('Node', 'a')?.spec?.unschedulable, undefined);
    await inside.clock.run(6_000);
    assert.equal(inside.cluster.read('Node', 'a')?.spec?.unschedulable, true);
  });

  it('every write says whose it was', async () => {
    const authors: string[] = [];
    const cluster = createCluster({ clock: inside.clock });
    cluster.seed(node('a'));
    await inside.clock.run(10);
    cluster.subscribe(({ type, by }) => authors.push(`${type} by ${by}`));
    void cluster.connect('agent-1').request({ ...cordon(), attempt: 'cordon a' });
    await inside.clock.run(100);
    cluster.remove('Node', 'a');
    assert.deepEqual(authors, ['MODIFIED by agent-1', 'MODIFIED by controllers', 'DELETED by hands']);
    assert.equal(cluster.requests[0]?.userAgent, 'agent-1');
  });

  it("the server's wall clock is told by its answers, whatever the client's says", async () => {
    const { clock, cluster } = inside;
    const wrong = { ...clock, nowMs: clock.nowMs, wallMs: () => 0, random: clock.random };
    const transport = cluster.connect('me', { clock: wrong });
    assert.equal(transport.serverWallMs(), null);
    void transport.request({ method: 'GET', path: '/api/v1/nodes/a', attempt: 'read' });
    await clock.run(1_700);
    const behindMs = clock.wallMs() - (transport.serverWallMs() ?? 0);
    assert.ok(behindMs >= 0 && behindMs < 1_010, `${behindMs}`);
  });

  it('the same seed replays a run to the same end', async () => {
    const play = async (seed: number) => {
      const clock = new VirtualClock({ seed, shuffle: true });
      const cluster = createCluster({ clock });
      cluster.seed(node('a'));
      const transports = ['x', 'y', 'z'].map((name) => cluster.connect(name));
      for (const transport of transports) {
        for (let n = 0; n < 20; n += 1) void transport.request({ ...cordon(), attempt: 'cordon a' });
      }
      await clock.run(1_000);
      return cluster.requests.map(({ atMs, userAgent }) => `${atMs} ${userAgent}`);
    };
    assert.deepEqual(await play(1), await play(1));
    assert.notDeepEqual(await play(1), await play(2));
  });
});

function seedAll(cluster: SimulatedCluster): void {
  cluster.seed(node('a'), node('b'), lease('held'), pod('p1'), pod('p2'));
  cluster.seed({
    kind: 'PodDisruptionBudget',
    metadata: { name: 'budget' },
    spec: { minAvailable: 1, selector: { matchLabels: { app: 'x' } } },
    status: { observedGeneration: 1, disruptionsAllowed: 1, currentHealthy: 2, desiredHealthy: 1 },
  });
}

function node(name: string) {
  return {
    kind: 'Node',
    metadata: { name, labels: { x: '1' } },
    status: { conditions: [{ type: 'Ready', status: 'True' }] },
  };
}

function lease(name: string) {
  return { kind: 'Lease', metadata: { name }, spec: { holderIdentity: 'a' } };
}

function pod(name: string) {
  const status = { phase: 'Running', conditions: [{ type: 'Ready', status: 'True' }] };
  return { kind: 'Pod', metadata: { name, labels: { app: 'x' } }, spec: { nodeName: 'a' }, status };
}

function eviction(name: string) {
  const body = { apiVersion: 'policy/v1', kind: 'Eviction', metadata: { name, namespace: 'default' } };
  return { method: 'POST', path: `/api/v1/namespaces/default/pods/${name}/eviction`, body } as const;
}

function cordon() {
  return {
    method: 'PATCH',
    path: '/api/v1/nodes/a',
    contentType: MERGE,
    body: { spec: { unschedulable: true } },
  } as const;
}

/** What a call came to, errors included, without the address of the server. */
async function summary(call: Promise<unknown>): Promise<unknown> {
  try {
    return { answer: await call };
  } catch (error) {
    if (!(error instanceof KubeError)) throw error;
    const { message, status, reason, answer, causes, retryAfterMs, subject } = error;
    const words = [message, answer].map((text) =>
      text.replace(/http:\/\/(simulator|127\.0\.0\.1:\d+)/g, 'SERVER').replace(/credentials in \S+/, 'credentials'),
    );
    return { words, status, reason, causes, retryAfterMs, subject };
  }
}

function dump(cluster: SimulatedCluster): unknown {
  return JSON.parse(JSON.stringify(KINDS.flatMap((kind) => cluster.list(kind))));
}

function told({ atMs: _, ...request }: object & { atMs: number }): object {
  return request;
}

function watchOf(cluster: SimulatedCluster, name: string): KubeRequest {
  const resourceVersion = cluster.read('Node', 'b')?.metadata.resourceVersion ?? '';
  const query = { watch: 'true', resourceVersion, fieldSelector: `metadata.name=${name}` };
  return { method: 'GET', path: '/api/v1/nodes', query, attempt: `watch ${name}`, deadlineMs: SHORT_MS };
}

/** As `waitFor`, in virtual time. */
async function until(clock: VirtualClock, condition: () => boolean): Promise<void> {
  while (!condition()) await clock.sleep(1);
}
