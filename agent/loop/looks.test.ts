import assert from 'node:assert/strict';
import { test } from 'node:test';
import { VirtualClock } from '../../simulator/virtual-clock.ts';
import { OWN_CLAIM } from '../../test/harness/step-samples.ts';
import type { AgentEvent } from '../core/agent-event.ts';
import type { Claim } from '../core/claim.ts';
import type { NodeView } from '../core/node.ts';
import type { Orders } from '../core/orders/orders.ts';
import { sampleNode } from '../core/samples.ts';
import { createLooks } from './looks.ts';

const GONE = new Error('404');
const NO_ANSWER = new Error('no answer');
const RIVAL: Claim = { ...OWN_CLAIM, id: 'rival', pod: { namespace: 'agents', name: 'rival' } };
const NOTHING: Pick<Orders, 'readNode' | 'lookFor' | 'readTolerations'> = {
  readNode: false,
  lookFor: null,
  readTolerations: false,
};

function setUp() {
  const clock = new VirtualClock();
  const events: AgentEvent[] = [];
  const problems: string[] = [];
  const calls: string[] = [];
  const answers = {
    node: async (): Promise<NodeView> => sampleNode(),
    isGone: async (): Promise<boolean> => true,
    hasEnded: (): boolean | null => true,
    tolerations: async () => [{ operator: 'Exists' }],
  };
  const note = <T>(call: string, answer: () => Promise<T>): Promise<T> => {
    calls.push(call);
    return answer();
  };
  const looks = createLooks({
    known: () => '1',
    nodeApi: { read: () => note('node', () => answers.node()), isGone: (error) => error === GONE },
    podApi: {
      isGone: ({ namespace, name }) => note(`${namespace}/${name}`, () => answers.isGone()),
      readOwnTolerations: () => note('tolerations', () => answers.tolerations()),
    },
    hasEnded: () => answers.hasEnded(),
    ownPod: OWN_CLAIM.pod,
    clock,
    send: (event) => events.push(event),
    onProblem: (error) => problems.push((error as Error).message),
  });
  const obey = (orders: Partial<typeof NOTHING>) => looks.obey({ ...NOTHING, ...orders });
  const pass = (ms: number) => clock.run(clock.nowMs() + ms);
  const fail = (error: Error) => () => Promise.reject(error);
  return { looks, events, problems, calls, answers, obey, pass, fail };
}

test('nothing is read that is not ordered', async () => {
  const { calls, obey, pass } = setUp();
  obey({});
  await pass(3_600_000);
  assert.deepEqual(calls, []);
});

test('the Node is read once at a time, and told as it is: there, gone, or not known', async () => {
  const { events, calls, problems, answers, obey, pass, fail } = setUp();
  const { promise, resolve } = Promise.withResolvers<NodeView>();
  answers.node = () => promise;
  obey({ readNode: true });
  obey({ readNode: true });
  assert.deepEqual(calls, ['node']);
  resolve(sampleNode());
  await pass(0);
  for (const error of [GONE, NO_ANSWER]) {
    answers.node = fail(error);
    obey({ readNode: true });
    await pass(0);
  }
  assert.deepEqual(events, [
    { kind: 'NodeSeen', node: sampleNode(), knownBefore: '1' },
    { kind: 'NodeGone' },
    { kind: 'LookFailed' },
  ]);
  assert.deepEqual(problems, ['no answer']);
});

test('a rival is gone only when the API server says so of its pod', async () => {
  const { events, problems, calls, answers, obey, pass, fail } = setUp();
  obey({ lookFor: RIVAL });
  await pass(0);
  answers.isGone = async () => false;
  obey({ lookFor: RIVAL });
  await pass(0);
  answers.isGone = fail(NO_ANSWER);
  obey({ lookFor: RIVAL });
  await pass(0);
  const looked = (isGone: boolean) => ({ kind: 'RivalLooked', id: 'rival', isGone });
  assert.deepEqual(events, [looked(true), looked(false), looked(false)]);
  assert.deepEqual([calls, problems], [Array(3).fill('agents/rival'), ['no answer']]);
});

test('an agent in no pod is gone only when its process surely is; one in ours, unless it surely is not', async () => {
  const { events, calls, answers, obey, pass } = setUp();
  const found: boolean[] = [];
  for (const hasEnded of [true, false, null]) {
    for (const pod of [OWN_CLAIM.pod, null]) {
      answers.hasEnded = () => hasEnded;
      obey({ lookFor: { ...RIVAL, pod } });
      await pass(0);
    }
  }
  for (const event of events) if (event.kind === 'RivalLooked') found.push(event.isGone);
  assert.deepEqual([found, calls], [[true, true, false, false, true, false], []]);
});

test('tolerations are asked for until they are known, ever less often, and once at a time', async () => {
  const { events, problems, calls, answers, obey, pass, fail } = setUp();
  const known = answers.tolerations;
  answers.tolerations = fail(NO_ANSWER);
  for (let n = 0; n < 60; n++) {
    obey({ readTolerations: true });
    await pass(10_000);
  }
  assert.ok(calls.length > 5 && calls.length < 25, `${calls.length} in ten minutes`);
  assert.equal(problems.length, calls.length);
  answers.tolerations = known;
  await pass(60_000);
  assert.deepEqual(events, [{ kind: 'TolerationsRead', tolerations: [{ operator: 'Exists' }] }]);
});

test('after a stop nothing is asked any more', async () => {
  const { looks, calls, answers, obey, pass, fail } = setUp();
  answers.tolerations = fail(NO_ANSWER);
  obey({ readTolerations: true });
  await pass(0);
  looks.stop();
  obey({ readNode: true, lookFor: RIVAL });
  await pass(3_600_000);
  assert.deepEqual(calls, ['tolerations']);
});
