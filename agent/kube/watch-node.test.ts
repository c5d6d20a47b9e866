import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, beforeEach, test } from 'node:test';
import type { Fault } from '../../simulator/faults.ts';
import { type Simulator, startSimulator } from '../../simulator/simulator.ts';
import { waitFor } from '../../test/harness/wait-for.ts';
import type { NodeView } from '../core/node.ts';
import { SYSTEM_CLOCK } from '../loop/clock.ts';
import { loadCredentials } from './credentials.ts';
import { createTransport } from './transport.ts';
import { watchNode } from './watch-node.ts';

const dir = mkdtempSync(join(tmpdir(), 'nsc-watch-'));
const NODE = { apiVersion: 'v1', kind: 'Node', metadata: { name: 'node-1' } };
let simulator: Simulator;
let follow: { seen: (NodeView | null)[]; problems: string[]; stop(): Promise<void> };

before(async () => {
  simulator = await startSimulator({ bookmarkMs: 50, controllers: { nodeTaints: false } });
});
after(async () => {
  await follow.stop();
  await simulator.close();
  rmSync(dir, { recursive: true });
});
beforeEach(async () => {
  await follow?.stop();
  if (simulator.read('Node', 'node-1')) simulator.remove('Node', 'node-1');
  simulator.seed(NODE, { ...NODE, metadata: { name: 'node-2' } });
  follow = start();
  await seen((node) => node?.name === 'node-1');
  await watching();
});

function start() {
  const transport = createTransport(
    loadCredentials(simulator.writeKubeconfig(join(dir, 'kubeconfig')), {}),
    'test',
    () => {},
    SYSTEM_CLOCK,
  );
  const stopping = new AbortController();
  const nodes: (NodeView | null)[] = [];
  const problems: string[] = [];
  const listener = {
    onNode: (node: NodeView | null) => nodes.push(node),
    onProblem: (error: Error) => problems.push(error.message),
  };
  const done = watchNode(transport, 'node-1', listener, stopping.signal);
  return {
    seen: nodes,
    problems,
    async stop() {
      stopping.abort();
      await done;
    },
  };
}

const seen = (condition: (node: NodeView | null) => boolean) =>
  waitFor(() => follow.seen.length > 0 && condition(follow.seen.at(-1) ?? null), {
    what: 'the listener to see the node so',
  });
const watching = () => waitFor(() => simulator.watches.size > 0, { what: 'an open watch' });
const label = (name: string, value: string) =>
  simulator.edit('Node', name, (node) => {
    node.metadata.labels = { changed: value };
  });
const labelled = (value: string) => seen((node) => node?.labels.changed === value);

test('a change of the node is seen, a change of another is not', async () => {
  const before = follow.seen.length;
  label('node-2', 'yes');
  label('node-1', 'yes');
  await labelled('yes');
  assert.equal(follow.seen.length, before + 1);
});

test('a node that goes is seen as none, one that comes back with its new UID', async () => {
  const uid = follow.seen.at(-1)?.uid;
  simulator.remove('Node', 'node-1');
  await seen((node) => node === null);
  simulator.seed(NODE);
  await seen((node) => node !== null && node.uid !== uid);
});

const interruptions: [what: string, fault: Fault, problem: RegExp | null][] = [
  ['is cut', { kind: 'watchCut', afterEvents: 0 }, /cut/],
  [
    'sends half a line',
    { kind: 'watchLine', line: '{"type":"MODIFIED","object":{"meta' },
    /could not watch node node-1: .*JSON/,
  ],
  [
    'sends an object that is no Node',
    { kind: 'watchLine', line: '{"type":"MODIFIED","object":{"metadata":{}}}' },
    /must answer with a Node/,
  ],
  ['is refused', { kind: 'status', code: 500 }, /could not watch node node-1: 500/],
  ['is too old to go on', { kind: 'watchExpired' }, null],
];
for (const [what, fault, problem] of interruptions) {
  test(`no change is lost over a watch that ${what}`, async () => {
    await follow.stop();
    const active = simulator.faults.add({ fault, path: /watch=true/, times: 1 });
    follow = start();
    await waitFor(() => active.hits === 1, { what: 'the fault to hit' });
    label('node-1', what.replaceAll(' ', '-'));
    await labelled(what.replaceAll(' ', '-'));
    if (problem === null) assert.deepEqual(follow.problems, []);
    else assert.match(follow.problems.join('; '), problem);
  });
}

test('a server that cannot be listed is asked again, each time with its problem', async () => {
  await follow.stop();
  const active = simulator.faults.add({ fault: { kind: 'status', code: 403 }, path: /fieldSelector/, times: 2 });
  follow = start();
  await seen((node) => node !== null);
  assert.equal(active.hits, 2);
  assert.match(follow.problems.join('; '), /403.*403/);
});
