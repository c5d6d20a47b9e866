import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { VirtualClock } from '../../simulator/virtual-clock.ts';
import { OWN_CLAIM } from '../../test/harness/step-samples.ts';
import type { AgentEvent } from '../core/agent-event.ts';
import { AGENT_ANNOTATION, type NodeChange, type NodeView } from '../core/node.ts';
import type { Orders } from '../core/orders/orders.ts';
import type { NodeApi } from '../core/ports.ts';
import { applyPatch, sampleNode } from '../core/samples.ts';
import { createNodeWriter } from './node-writer.ts';

type Written = Pick<Orders, 'effects' | 'report' | 'conditions'>;

const CONFLICT = new Error('409');
const GONE = new Error('404');
const REFUSED = new Error('403');
const CORDON: NodeChange = { spec: { unschedulable: true } };

/** An API server with one Node, and the orders that follow from what is seen of it: each thing is wanted until it is there. */
function setUp() {
  const clock = new VirtualClock();
  const server = { node: sampleNode({ resourceVersion: '10' }) };
  const calls: string[] = [];
  const events: AgentEvent[] = [];
  const problems: [message: string, loop?: 'effects'][] = [];
  const slots: string[] = [];
  let seen: NodeView = server.node;
  /** By call: what happens instead. */
  const instead: Partial<Record<'read' | 'patch' | 'annotate' | 'patchConditions', () => Promise<never>>> = {};
  const call = async (name: keyof typeof instead, effect: () => NodeView): Promise<NodeView> => {
    calls.push(`${clock.nowMs()} ${name}`);
    const other = instead[name];
    if (other !== undefined) return other();
    server.node = effect();
    return server.node;
  };
  const api: NodeApi = {
    read: () => call('read', () => server.node),
    patch: (patch) =>
      call('patch', () => {
        if (patch.resourceVersion !== server.node.resourceVersion) throw CONFLICT;
        return applyPatch(server.node, patch);
      }),
    annotate: (_uid, _version, annotations) =>
      call('annotate', () => {
        const { resourceVersion } = server.node;
        return applyPatch(server.node, { resourceVersion, change: { metadata: { annotations } } });
      }),
    patchConditions: ({ set }) =>
      call('patchConditions', () => ({
        ...server.node,
        conditions: set.map(({ type, status, reason, message }) => ({ type, status, reason, message })),
      })),
    isConflict: (error) => error === CONFLICT,
    isGone: (error) => error === GONE,
  };
  const wanted = { effects: false, report: false, conditions: false };
  const orders = (): Written => ({
    effects:
      wanted.effects && !seen.unschedulable
        ? { patch: { resourceVersion: seen.resourceVersion, change: CORDON }, key: 'cordon', transitions: [] }
        : null,
    report:
      wanted.report && seen.annotations.report === undefined
        ? { uid: seen.uid, resourceVersion: null, annotations: { report: 'x' }, key: 'report' }
        : null,
    conditions:
      wanted.conditions && seen.conditions.length === 0
        ? { step: { kind: 'Write', patch: conditionsOf(seen) }, key: 'conditions' }
        : null,
  });
  const writer = createNodeWriter({
    known: () => null,
    api,
    clock,
    orders: () => orders() as Orders,
    send(event) {
      events.push(event);
      if (event.kind === 'NodeSeen') seen = event.node;
      writer.obey();
    },
    onProblem: (error, loop) => problems.push([(error as Error).message, ...(loop ? [loop] : [])] as [string]),
    slots: { writeBegins: () => slots.push('begins'), writeLanded: () => slots.push('landed') },
  });
  const want = (...what: readonly (keyof typeof wanted)[]) => {
    for (const each of what) wanted[each] = true;
    writer.obey();
  };
  const refuse = (name: keyof typeof instead, error: Error) => {
    instead[name] = () => Promise.reject(error);
  };
  const hang = (name: keyof typeof instead) => {
    instead[name] = () => new Promise<never>(() => {});
  };
  const pass = (ms: number) => clock.run(clock.nowMs() + ms);
  return { server, calls, events, problems, slots, writer, instead, want, refuse, hang, pass, see: () => seen };
}

function conditionsOf({ uid, resourceVersion }: NodeView) {
  const set = [{ type: 'X', status: 'True' as const, reason: 'R', message: '', now: '', isTransition: true }];
  return { uid, resourceVersion, set, remove: [] };
}

suite('the loops do not wait for one another', () => {
  test('a report and conditions that are refused delay no cordon', async () => {
    const { server, refuse, want, problems, pass } = setUp();
    refuse('annotate', REFUSED);
    refuse('patchConditions', REFUSED);
    want('report', 'conditions');
    await pass(3_600_000);
    assert.ok(problems.length > 100);
    want('effects');
    await pass(0);
    assert.equal(server.node.unschedulable, true);
  });

  test('a report that is not answered delays no cordon', async () => {
    const { server, hang, want, pass } = setUp();
    hang('annotate');
    want('report');
    await pass(1_000);
    want('effects');
    await pass(0);
    assert.equal(server.node.unschedulable, true);
  });

  test('a cordon that is refused delays no report and no condition', async () => {
    const { server, refuse, want, pass } = setUp();
    refuse('patch', REFUSED);
    want('effects');
    await pass(600_000);
    want('report', 'conditions');
    await pass(0);
    assert.deepEqual([server.node.annotations.report, server.node.conditions.length], ['x', 1]);
  });
});

test('effects and conditions rest on a fresh look at the Node, the report costs none', async () => {
  const { calls, want, pass } = setUp();
  want('report');
  await pass(0);
  assert.deepEqual(calls, ['0 annotate']);
  want('effects');
  await pass(0);
  want('conditions');
  await pass(0);
  assert.deepEqual(calls.slice(1), ['0 read', '0 patch', '0 read', '0 patchConditions']);
});

test('what a fresh look shows is what is written: somebody else may have done it', async () => {
  const { server, calls, want, pass } = setUp();
  server.node = { ...server.node, unschedulable: true, resourceVersion: '11' };
  want('effects');
  await pass(60_000);
  assert.deepEqual(calls, ['0 read']);
});

test('slots know of a write from before it is sent, and of its landing only when it is answered', async () => {
  const { slots, instead, refuse, want, pass } = setUp();
  refuse('patch', new Error('no answer'));
  want('effects');
  await pass(0);
  assert.deepEqual(slots, ['begins']);
  delete instead.patch;
  await pass(60_000);
  assert.deepEqual(slots, ['begins', 'begins', 'landed']);
});

test('a failure says whether effects were kept from the node by it', async () => {
  const { problems, refuse, want, pass } = setUp();
  for (const call of ['patch', 'annotate', 'patchConditions'] as const) refuse(call, REFUSED);
  want('effects');
  await pass(0);
  want('report', 'conditions');
  await pass(0);
  assert.deepEqual(problems, [['403', 'effects'], ['403'], ['403']]);
});

test('a Node that the API server says is gone is no trouble, but gone', async () => {
  const { events, problems, refuse, want, pass } = setUp();
  refuse('read', GONE);
  want('effects');
  await pass(0);
  assert.deepEqual([events.map(({ kind }) => kind), problems], [['NodeGone'], []]);
});

test('conditions that were written are told, and the list of ours is not', async () => {
  const { events, want, pass } = setUp();
  want('conditions');
  await pass(0);
  assert.deepEqual(
    events.map(({ kind }) => kind),
    ['NodeSeen', 'ConditionsWritten', 'NodeSeen'],
  );
});

suite('at the end', () => {
  const claimedBy = (id: string, hasStandby: boolean, pod = OWN_CLAIM.pod) =>
    sampleNode({ annotations: { [AGENT_ANNOTATION]: JSON.stringify({ ...OWN_CLAIM, id, hasStandby, pod }) } });

  test('the node is handed over to an agent that stands by', async () => {
    const { server, writer } = setUp();
    server.node = claimedBy(OWN_CLAIM.id, true);
    await writer.stop(() => server.node, OWN_CLAIM);
    assert.equal(server.node.annotations[AGENT_ANNOTATION], undefined);
  });

  for (const [what, node] of [
    ['nobody stands by', claimedBy(OWN_CLAIM.id, false)],
    ['the claim is not ours', claimedBy('another', true, { namespace: 'agents', name: 'another' })],
    ['nobody has claimed it', sampleNode()],
  ] as const) {
    test(`nothing is written where ${what}`, async () => {
      const { server, calls, writer } = setUp();
      server.node = node;
      await writer.stop(() => server.node, OWN_CLAIM);
      assert.deepEqual([server.node, calls], [node, []]);
    });
  }

  test('a conflict is looked at afresh, a few times at most', async () => {
    const { server, calls, writer, refuse, see } = setUp();
    server.node = claimedBy(OWN_CLAIM.id, true);
    writer.obey();
    refuse('patch', CONFLICT);
    await writer.stop(() => (calls.length === 0 ? server.node : see()), OWN_CLAIM);
    assert.equal(calls.filter((call) => call.endsWith('patch')).length, 3);
  });

  test('it does not wait for a Node that cannot be written', async () => {
    const { server, calls, writer, refuse } = setUp();
    server.node = claimedBy(OWN_CLAIM.id, true);
    refuse('patch', REFUSED);
    await writer.stop(() => server.node, OWN_CLAIM);
    assert.deepEqual(calls, ['0 patch']);
  });
});
