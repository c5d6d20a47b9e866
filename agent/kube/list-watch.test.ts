import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import type { Fault } from '../../simulator/faults.ts';
import { createCluster, type SimulatedCluster } from '../../simulator/simulated-cluster.ts';
import { VirtualClock } from '../../simulator/virtual-clock.ts';
import type { NodeView } from '../core/node.ts';
import { KubeError } from './kube-error.ts';
import { listAll } from './list-watch.ts';
import { DEFAULT_DEADLINE_MS, type Transport } from './transport.ts';
import { watchNode } from './watch-node.ts';

const HOUR_MS = 3_600_000;
const NODE = { kind: 'Node', metadata: { name: 'node-1' } };

/** A Node that is followed in virtual time. */
function follow() {
  const clock = new VirtualClock();
  const cluster = createCluster({ clock, controllers: { nodeTaints: false } });
  cluster.seed(NODE);
  const stopping = new AbortController();
  const seen: (NodeView | null)[] = [];
  const problems: string[] = [];
  const listener = {
    onNode: (node: NodeView | null) => void seen.push(node),
    onProblem: (error: Error) => void problems.push(error.message),
  };
  const done = watchNode(cluster.connect('agent'), 'node-1', listener, stopping.signal);
  return { clock, cluster, seen, problems, stopping, done };
}

const label = (cluster: SimulatedCluster, value: string) =>
  cluster.edit('Node', 'node-1', ({ metadata }) => {
    metadata.labels = { value };
  });

const SERVER_ERROR: Fault = {
  kind: 'watchLine',
  line: '{"type":"ERROR","object":{"kind":"Status","code":500,"message":"internal"}}',
};
const NO_JSON: Fault = { kind: 'watchLine', line: '<html>' };
const PROXY: Fault = { kind: 'status', code: 404, html: true };
const CUT: Fault = { kind: 'watchCut', afterEvents: 0 };
const BEHIND: Fault = { kind: 'watchLine', line: '{"type":"BOOKMARK","object":{"metadata":{"resourceVersion":"0"}}}' };

const listsOf = ({ requests }: SimulatedCluster) => requests.filter((request) => !isWatch(request)).length;
const isWatch = ({ path }: { path: string }) => path.includes('watch=true');

suite('in virtual time, a Node that is followed', () => {
  test('costs one list and one watch an hour while nothing goes wrong, and misses nothing, for a day', async () => {
    const { clock, cluster, seen, problems } = follow();
    for (let n = 1; n <= 24 * 6; n++) {
      await clock.run(n * 600_000);
      label(cluster, String(n));
    }
    await clock.run(24 * HOUR_MS + 10_000);
    assert.deepEqual(problems, []);
    assert.deepEqual(
      seen.map((node) => node?.labels.value),
      [undefined, ...Array.from({ length: 24 * 6 }, (_, n) => String(n + 1))],
    );
    const watches = cluster.requests.filter(isWatch).length;
    assert.ok(watches >= 24 && watches <= 25, `${watches} watches`);
    assert.equal(cluster.requests.length - watches, 1);
  });

  const troubles: [rule: string, fault: Fault, most: number][] = [
    ['is refused', { kind: 'status', code: 500 }, 350],
    ['is answered by a proxy', { kind: 'status', code: 404, html: true }, 350],
    ['is answered with an odd object', { kind: 'answer', code: 200, body: {} }, 350],
    ['is answered with a list', { kind: 'answer', code: 200, body: { kind: 'NodeList', items: [] } }, 350],
    ['is cut at once', { kind: 'watchCut', afterEvents: 0 }, 350],
    ['begins with no JSON', { kind: 'watchLine', line: '<html>' }, 350],
    ['is always too old', { kind: 'watchExpired' }, 350],
    ['is never answered', { kind: 'stall' }, 350],
    ['hears nothing', { kind: 'watchSilent', afterEvents: 0 }, 100],
  ];
  for (const [rule, fault, most] of troubles) {
    test(`is asked for at most ${most} times in an hour when its watch ${rule}`, async () => {
      const { clock, cluster, seen } = follow();
      const rule = cluster.faults.add({ fault, path: /watch=true/ });
      await clock.run(HOUR_MS);
      assert.ok(rule.hits > 3, `the fault hit ${rule.hits} times`);
      assert.ok(cluster.requests.length <= most, `${cluster.requests.length} requests`);
      assertPauses(cluster, 450);
      assert.ok(!seen.includes(null), 'no trouble of a watch is the end of a Node');
      rule.remove();
      label(cluster, 'healed');
      await clock.run(HOUR_MS + 200_000);
      assert.equal(seen.at(-1)?.labels.value, 'healed');
    });
  }

  test('is asked for at most 200 times in an hour by a server that ends every watch at once, and listed now and then', async () => {
    const { clock, cluster, problems } = follow();
    cluster.faults.add({ fault: { kind: 'watchEnd' } });
    await clock.run(HOUR_MS);
    assert.ok(cluster.requests.length > 100 && cluster.requests.length <= 200, `${cluster.requests.length} requests`);
    // Such a watch would be deaf: what happened since is found by a list after 150 s of silence.
    const lists = cluster.requests.filter((request) => !isWatch(request)).length;
    assert.ok(lists > 10 && lists <= 3_600 / 150, `${lists} lists`);
    assertPauses(cluster, 450);
    assert.deepEqual(problems, []);
  });

  test('is asked for after the shortest pause when a watch ends that lived long', async () => {
    const { clock, cluster } = follow();
    for (let n = 1; n <= 5; n++) {
      await clock.run(n * 60_000);
      for (const watch of cluster.watches) watch.end();
      await clock.run(n * 60_000 + 1_100);
      assert.equal(cluster.watches.size, 1);
    }
  });

  test('goes on from where it was, without a list, after a watch that was cut, refused for now or not answered', async () => {
    const { clock, cluster, seen } = follow();
    await clock.run(1_000);
    const faults: Fault[] = [{ kind: 'status', code: 429 }, { kind: 'status', code: 503 }, { kind: 'stall' }];
    for (const [n, fault] of faults.entries()) {
      const active = cluster.faults.add({ fault, path: /watch=true/, times: 1 });
      label(cluster, `before ${n}`);
      await clock.run(clock.nowMs() + 100);
      for (const watch of cluster.watches) watch.cut();
      label(cluster, `during ${n}`);
      await clock.run(clock.nowMs() + 60_000);
      assert.equal(active.hits, 1);
      assert.equal(seen.at(-1)?.labels.value, `during ${n}`);
    }
    assert.equal(listsOf(cluster), 1);
  });

  test('is listed once, and watched ever less often, when every watch is cut after one event', async () => {
    const { clock, cluster, seen } = follow();
    cluster.faults.add({ fault: { kind: 'watchCut', afterEvents: 1 }, path: /watch=true/ });
    for (let n = 1; n <= 1_000; n++) {
      label(cluster, String(n));
      await clock.run(n * 300);
    }
    await clock.run(clock.nowMs() + 60_000);
    assert.equal(listsOf(cluster), 1);
    const watches = cluster.requests.filter(isWatch).length;
    assert.ok(watches > 10 && watches < 30, `${watches} watches`);
    assert.ok(seen.length > 5);
  });

  const listed: [rule: string, upset: (played: ReturnType<typeof follow>) => void][] = [
    ['sends an error', ({ cluster }) => cluster.faults.add({ fault: SERVER_ERROR, path: /watch=true/, times: 1 })],
    ['begins with no JSON', ({ cluster }) => cluster.faults.add({ fault: NO_JSON, path: /watch=true/, times: 1 })],
    ['is answered by a proxy', ({ cluster }) => cluster.faults.add({ fault: PROXY, path: /watch=true/, times: 1 })],
    ['brings nothing for the fourth time', ({ cluster }) => cluster.faults.add({ fault: CUT, times: 4 })],
    ['says that the server has gone back', ({ cluster }) => cluster.faults.add({ fault: BEHIND, times: 1 })],
  ];
  for (const [rule, upset] of listed) {
    test(`is listed anew after a watch that ${rule}`, async () => {
      const played = follow();
      const { clock, cluster } = played;
      await clock.run(1_000);
      upset(played);
      for (const watch of cluster.watches) watch.end();
      await clock.run(40_000);
      assert.equal(listsOf(cluster), 2);
      label(cluster, 'healed');
      await clock.run(41_000);
      assert.equal(played.seen.at(-1)?.labels.value, 'healed');
    });
  }

  test('is listed anew after a watch on which not even a bookmark came, where events may be missing', async () => {
    const { clock, cluster } = follow();
    cluster.faults.add({ fault: { kind: 'watchSilent', afterEvents: 0 }, path: /watch=true/, times: 1 });
    await clock.run(160_000);
    assert.equal(listsOf(cluster), 2);
  });

  test('goes on from where it was, whatever older view was delivered again', async () => {
    const { clock, cluster, seen } = follow();
    await clock.run(1_000);
    const old = cluster.read('Node', 'node-1');
    const { metadata } = label(cluster, 'new');
    await clock.run(2_000);
    const [watch] = cluster.watches;
    assert.ok(old && watch);
    watch.resend(old);
    watch.end();
    await clock.run(5_000);
    const { path } = cluster.requests.findLast(isWatch) ?? { path: '' };
    assert.equal(new URLSearchParams(path.split('?')[1]).get('resourceVersion'), metadata.resourceVersion);
    assert.deepEqual(
      seen.map((node) => node?.resourceVersion),
      [old.metadata.resourceVersion, metadata.resourceVersion, old.metadata.resourceVersion],
    );
  });

  test("is not gone with another Node's end, and not another Node", async () => {
    const { clock, cluster, seen } = follow();
    await clock.run(1_000);
    cluster.seed({ kind: 'Node', metadata: { name: 'node-0' } });
    const other = cluster.read('Node', 'node-0');
    const [watch] = cluster.watches;
    watch?.sendLine(JSON.stringify({ type: 'DELETED', object: other }));
    watch?.sendLine(JSON.stringify({ type: 'MODIFIED', object: other }));
    await clock.run(2_000);
    assert.deepEqual(
      seen.map((node) => node?.name),
      ['node-1'],
    );
    // A server that does not know the field selector.
    const list = {
      kind: 'NodeList',
      metadata: { resourceVersion: '100' },
      items: [other, cluster.read('Node', 'node-1')],
    };
    cluster.faults.add({ fault: { kind: 'answer', code: 200, body: list }, times: 1 });
    watch?.expire();
    cluster.forgetHistory();
    await clock.run(10_000);
    assert.ok(seen.length > 1 && seen.every((node) => node?.name === 'node-1'), JSON.stringify(seen));
  });

  const oddLists: [what: string, fault: Fault][] = [
    ["a proxy's page", { kind: 'answer', code: 200, body: '<html>', contentType: 'text/html' }],
    ["a proxy's 404", { kind: 'status', code: 404, html: true }],
    ['a 404 for the path', { kind: 'status', code: 404 }],
    ['an empty object', { kind: 'answer', code: 200, body: {} }],
    ['null', { kind: 'answer', code: 200, body: null }],
    ['an empty list', { kind: 'answer', code: 200, body: [] }],
    ['a list without metadata', { kind: 'answer', code: 200, body: { kind: 'NodeList', items: [] } }],
    [
      'a list without items',
      { kind: 'answer', code: 200, body: { kind: 'NodeList', metadata: { resourceVersion: '5' } } },
    ],
    [
      'a list of something else',
      { kind: 'answer', code: 200, body: { kind: 'PodList', metadata: { resourceVersion: '5' }, items: [] } },
    ],
    [
      'a list of no Nodes',
      { kind: 'answer', code: 200, body: { kind: 'NodeList', metadata: { resourceVersion: '5' }, items: [{}] } },
    ],
  ];
  for (const [what, fault] of oddLists) {
    test(`is not gone when ${what} is answered to its list`, async () => {
      const { clock, cluster, seen, problems } = follow();
      const active = cluster.faults.add({ fault });
      await clock.run(20_000);
      assert.equal(JSON.stringify(seen), '[]');
      assert.match(problems[0] ?? '', /^could not read node node-1: (the API server must answer with|404) /);
      active.remove();
      await clock.run(60_000);
      assert.equal(seen.at(-1)?.name, 'node-1');
    });
  }

  test('is gone when a list has it not, or its watch says so', async () => {
    const { clock, cluster, seen } = follow();
    await clock.run(1_000);
    cluster.remove('Node', 'node-1');
    await clock.run(2_000);
    assert.equal(seen.at(-1), null);
    cluster.seed(NODE);
    for (const watch of cluster.watches) watch.cut();
    cluster.remove('Node', 'node-1');
    await clock.run(10_000);
    assert.equal(seen.at(-1), null);
  });

  test('a defect of who is told is told as what it is', async () => {
    const clock = new VirtualClock();
    const cluster = createCluster({ clock });
    cluster.seed(NODE);
    const problems: Error[] = [];
    const defect = new TypeError('of the listener');
    const listener = {
      onNode(node: NodeView | null) {
        if (node?.labels.value) throw defect;
      },
      onProblem: (error: Error) => void problems.push(error),
    };
    void watchNode(cluster.connect('agent'), 'node-1', listener, new AbortController().signal);
    await clock.run(1_000);
    label(cluster, 'trips');
    await clock.run(1_100);
    assert.deepEqual(problems, [defect]);
  });

  test('leaves nothing behind when it ends', async () => {
    const { clock, cluster, stopping, done } = follow();
    await clock.run(1_000);
    stopping.abort();
    await done;
    cluster.stop();
    await clock.run(1_100);
    assert.equal(clock.pending, 0);
    assert.equal(cluster.watches.size, 0);
  });
});

suite('a list', () => {
  const PODS = { path: '/api/v1/pods', kind: 'Pod', what: 'pods' };

  /** A server that gives pages of one pod; a token for each of the pages (from 1), none for its last. */
  function list(tokenOf: (page: number) => string | undefined, pageTakesMs = 1) {
    const clock = new VirtualClock();
    const asked: (string | undefined)[] = [];
    const transport: Pick<Transport, 'clock' | 'request'> = {
      clock,
      async request({ query, deadlineMs = DEFAULT_DEADLINE_MS, attempt }) {
        asked.push(query?.continue);
        if (asked.length > 1_000) throw new Error('asked without end');
        await clock.sleep(Math.min(pageTakesMs, deadlineMs));
        if (pageTakesMs > deadlineMs) throw new KubeError(`could not ${attempt}: no answer`, { status: null });
        const items = [{ metadata: { name: `p-${asked.length}`, uid: 'u', resourceVersion: '1' } }];
        const metadata = { resourceVersion: '9', continue: tokenOf(asked.length) };
        return { kind: 'PodList', metadata, items };
      },
    };
    const outcome = listAll(transport as Transport, PODS).then(
      ({ items }) => items.length,
      (error) => String(error.message),
    );
    return { clock, asked, outcome };
  }

  test('is read to its last page', async () => {
    const { clock, asked, outcome } = list((page) => (page < 3 ? `to-${page}` : undefined));
    await clock.run(1_000);
    assert.equal(await outcome, 3);
    assert.deepEqual(asked, [undefined, 'to-1', 'to-2']);
  });

  test('that never ends is an error, after a bounded number of pages', async () => {
    const { clock, asked, outcome } = list((page) => `to-${page}`);
    await clock.run(10_000);
    assert.match(String(await outcome), /^could not read pods: .* the end of a list within 200 pages, found .*to-200/);
    assert.equal(asked.length, 200);
  });

  test('whose page leads to itself is an error at once', async () => {
    const { clock, asked, outcome } = list(() => 'again');
    await clock.run(1_000);
    assert.match(String(await outcome), /^could not read pods: .* another page each time, found .*again/);
    assert.equal(asked.length, 2);
  });

  test('has a deadline, however many slow pages it has', async () => {
    const { clock, asked, outcome } = list((page) => `to-${page}`, 9_000);
    await clock.run(60_000);
    assert.match(String(await outcome), /^could not read pods: /);
    assert.equal(asked.length, 7);
    assert.equal(clock.pending, 0);
  });
});

/** A watch is not asked for sooner than that after the one before. */
function assertPauses({ requests }: SimulatedCluster, leastMs: number): void {
  const times = requests.filter(isWatch).map(({ atMs }) => atMs);
  const shortest = Math.min(...times.slice(1).map((atMs, n) => atMs - (times[n] ?? 0)));
  assert.ok(shortest >= leastMs, `a watch was asked for ${shortest} ms after the one before`);
}
