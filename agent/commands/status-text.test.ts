import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import type { Owner } from '../core/effects/mark.ts';
import { type ClusterStatus, clusterStatus, type NodeStatus } from '../core/status.ts';
import { formatStatus, stateOf } from './status-text.ts';

const NOW_MS = Date.parse('2026-01-01T00:10:00Z');
const SINCE = '2026-01-01T00:00:00Z';
const OPTIONS = { all: false, wide: false, namespace: 'agents', nowMs: NOW_MS };

suite('the effects on a node', () => {
  const mark = (effect: string, owner: Owner) => ({ effect, what: effect, owner });
  const drain = (state: 'Draining' | 'Drained' | 'GaveUp' | 'Stopped') => ({ state, since: SINCE });
  const CASES: readonly [Partial<NodeStatus>, string][] = [
    [{ marks: [mark('cordon', 'Ours')] }, 'cordon'],
    [{ marks: [mark('cordon', 'Ours'), mark('taint', 'Ours')], drain: drain('Draining') }, 'cordon, taint, Draining'],
    [{ marks: [mark('cordon', 'Ours')], drain: drain('GaveUp') }, 'cordon, GaveUp'],
    [
      { marks: [mark('cordon', 'TakenAway'), mark('taint', 'Ours')], drain: drain('Stopped') },
      'taint; taken away: cordon, drain',
    ],
    [{ marks: [mark('cordon', 'TakenAway'), mark('taint', 'TakenAway')] }, 'taken away: cordon, taint'],
    [
      { marks: [mark('cordon', 'Theirs'), mark('taint', 'Ours')], drain: drain('Drained') },
      'taint, Drained; theirs: cordon',
    ],
  ];
  for (const [effects, text] of CASES) {
    test(`are told as ${text}`, () => {
      const [, , , row] = formatStatus(statusWith([{ held: true, since: SINCE, ...effects }]), OPTIONS);
      assert.equal(row?.split(/ {3,}/)[1], text);
    });
  }
});

suite('the text', () => {
  test('has one page of rows, and says how many more there are', () => {
    const status = statusWith(Array.from({ length: 250 }, () => ({ held: true, since: SINCE })));
    const lines = formatStatus(status, OPTIONS);
    assert.equal(lines.length, 1 + 2 + 100 + 1);
    assert.equal(lines.at(-1), 'and 150 more; --all lists every node');
    assert.equal(formatStatus(status, { ...OPTIONS, all: true }).length, 1 + 2 + 250);
  });

  test('says what the checks said, in 100 columns, and all of it in the wide form', () => {
    const words = `DISK CRITICAL - sda ${'x'.repeat(100)}`;
    const said = [
      { policy: 'disk', since: SINCE, reason: 'DiskFull', words },
      { policy: 'net', since: SINCE, reason: null, words: 'eth0 is down' },
      { policy: 'quiet', since: SINCE, reason: null, words: null },
    ];
    const status = statusWith([{ held: true, since: SINCE, policies: ['disk', 'net', 'quiet'], said }]);
    const narrow = formatStatus(status, OPTIONS);
    assert.deepEqual(narrow.slice(-3), [
      'NODE     POLICY   SAID',
      `node-0   disk     DiskFull: DISK CRITICAL - sda ${'x'.repeat(51)}…`,
      'node-0   net      eth0 is down',
    ]);
    assert.ok(narrow.every(({ length }) => length <= 100));
    assert.equal(formatStatus(status, { ...OPTIONS, wide: true }).at(-2), `node-0   disk     DiskFull: ${words}`);
  });

  test('tells a defect of an agent', () => {
    const problems = [{ reason: 'InternalError' as const, error: 'TypeError: x is not a function' }];
    const row = formatStatus(statusWith([{ problems }]), { ...OPTIONS, wide: true }).at(-1);
    const text = 'its agent has met a defect of its own program, to be reported: TypeError: x is not a function';
    assert.equal(row?.split(/ {3,}/)[1], text);
  });

  test('shows a node that has a slot and holds nothing', () => {
    const lines = formatStatus(statusWith([{ slots: ['cluster'] }, {}]), OPTIONS);
    assert.equal(lines.length, 4);
    assert.match(lines[3] ?? '', /^node-0 +- +- +cluster/);
  });

  test('names the most frequent revisions and counts the others', () => {
    const summary = { ...clusterStatus([], []).summary, nodes: 10 };
    const revisions = ['a', 'b', 'c', 'd', 'e'].map((revision) => ({ revision, nodes: 2 }));
    const [line] = formatStatus({ summary: { ...summary, revisions }, nodes: [] }, OPTIONS);
    assert.equal(
      line,
      '10 nodes: 0 held, 0 with a problem; 5 revisions: a on 2, b on 2, c on 2 and 2 more; no slots in agents',
    );
  });

  test('is another one when a node that is shown has changed, and not when time has passed', () => {
    const quiet = statusWith([{}]);
    const held = statusWith([{ held: true, since: SINCE }]);
    assert.notEqual(stateOf(quiet, false), stateOf(held, false));
    assert.equal(stateOf(held, false), stateOf(structuredClone(held), false));
  });
});

function statusWith(nodes: readonly Partial<NodeStatus>[]): ClusterStatus {
  const [quiet] = clusterStatus([{ name: 'node', uid: 'uid', annotations: {} }], []).nodes;
  assert.ok(quiet);
  return {
    summary: clusterStatus([], []).summary,
    nodes: nodes.map((node, index) => ({ ...quiet, problems: [], name: `node-${index}`, ...node })),
  };
}
