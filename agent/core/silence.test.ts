import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { clockedAgent, FAILED, HEALTHY, policySet, UNKNOWN } from '../../test/harness/step-samples.ts';
import { claimChange } from './claim.ts';
import { changedNode, type NodeView, POLICY_ANNOTATION } from './node.ts';
import type { NodeCheckPolicy } from './policy.ts';
import { sampleNode, samplePolicy } from './samples.ts';
import { SILENCE_LASTS_MS } from './silence.ts';
import type { Transition } from './transition.ts';
import type { RunOutcome } from './verdict.ts';

const OBSERVE = { spec: { mode: 'Observe' } } as const;
const POLICY = samplePolicy('a', OBSERVE);
const WHY = 'could not be started: /opt/x.sh: not found';

/** An agent on a Node that nobody was on before. */
function reportingAgent(...policies: readonly NodeCheckPolicy[]) {
  const agent = clockedAgent(policies.length > 0 ? policies : [POLICY]);
  agent.see(sampleNode());
  if (agent.orders.report) agent.landReport();
  return reporting(agent);
}

/** One whose report is on its Node as soon as it is ordered. */
function reporting(agent: ReturnType<typeof clockedAgent>) {
  let writes = 0;
  const settle = () => {
    for (let { report } = agent.orders; report !== null; { report } = agent.orders) {
      writes += 1;
      const { annotations, resourceVersion } = agent.node;
      agent.see({
        ...agent.node,
        annotations: { ...annotations, ...(report.annotations as NodeView['annotations']) },
        resourceVersion: String(Number(resourceVersion) + 1),
      });
    }
  };
  const about = (told: readonly Transition[]) =>
    told.flatMap((each) => {
      if (each.kind === 'CheckUnknown') return [`${each.policy} unknown: ${each.why}`];
      return each.kind === 'CheckKnown' ? [`${each.policy} known: ${each.because}`] : [];
    });
  const taken = (told: readonly Transition[]) => {
    settle();
    return about(told);
  };
  return {
    agent,
    taken,
    run: (outcome: RunOutcome, name = 'a') => taken(agent.run(name, outcome)),
    skip: (isHung = true) => taken(agent.send({ kind: 'RunSkipped', policy: POLICY, isHung })),
    pass: (ms: number) => taken(agent.pass(ms)),
    reload: (...next: readonly NodeCheckPolicy[]) =>
      taken(agent.send({ kind: 'PoliciesRead', load: { valid: true, set: policySet(next) }, errors: [] })),
    report: () => JSON.parse(agent.node.annotations[POLICY_ANNOTATION] ?? 'null'),
    get writes() {
      return writes;
    },
  };
}

/** One whose check has said nothing for three runs. */
function silentAgent() {
  const silent = reportingAgent();
  const told = [UNKNOWN, UNKNOWN, UNKNOWN].map((outcome) => silent.run(outcome));
  assert.deepEqual(told, [[], [], [`a unknown: ${WHY}`]]);
  return silent;
}

suite('a check that says nothing', () => {
  test('is told at the third run in a row, once, and stands in the report', () => {
    const { run, report } = silentAgent();
    assert.deepEqual(report(), { revision: '0123456789ab', unknown: { a: WHY } });
    assert.deepEqual([run(UNKNOWN), run(UNKNOWN)], [[], []]);
  });

  test('is not told while one run in between says something', () => {
    const { run } = reportingAgent();
    for (const outcome of [UNKNOWN, UNKNOWN, HEALTHY, UNKNOWN, UNKNOWN, FAILED, UNKNOWN, UNKNOWN]) {
      assert.deepEqual(run(outcome), []);
    }
  });

  const ENDS: readonly [string, Partial<RunOutcome>, Partial<NodeCheckPolicy['spec']['check']>, string][] = [
    ['times out', { ended: { kind: 'TimedOut' } }, {}, 'timed out'],
    ['is killed', { ended: { kind: 'Signaled', signal: 'SIGKILL' } }, {}, 'killed by SIGKILL'],
    ['ends with a code that says so', { ended: { kind: 'Exited', code: 127 } }, {}, 'exit code 127'],
    ['writes to stderr', { stderr: 'oh\n', stderrBytes: 3 }, { onStderr: 'Unknown' }, 'wrote to stderr: oh'],
    [
      'says why, in a line that forges none',
      { ended: { kind: 'Exited', code: 126 }, stdout: '\u001b[1mno\u0007 disk\nCheckRecovered' },
      {},
      'exit code 126: no  disk',
    ],
  ];
  for (const [what, outcome, check, why] of ENDS) {
    test(`counts as such when it ${what}`, () => {
      const { run } = reportingAgent(samplePolicy('a', { ...OBSERVE, check }));
      const told = [1, 2, 3].flatMap(() => run({ ...HEALTHY, ...outcome }));
      assert.deepEqual(told, [`a unknown: ${why}`]);
    });
  }

  test('counts runs that are left out for one that hangs, and none that are for one that may take so long', () => {
    const { run, skip } = reportingAgent();
    run({ ...HEALTHY, ended: { kind: 'TimedOut' } });
    assert.deepEqual([skip(), skip(false), skip(false)].flat(), []);
    assert.deepEqual(skip(), ['a unknown: left out: the run before has not ended']);
    assert.deepEqual(skip(), []);
  });

  test('keeps the reason that it had then, whatever later runs say', () => {
    const silent = silentAgent();
    const { writes } = silent;
    for (let n = 0; n < 50; n++) {
      silent.run({ ...UNKNOWN, ended: { kind: 'NotStarted', reason: `attempt ${n}` } });
      silent.pass(5_000);
    }
    assert.equal(silent.writes, writes);
    assert.deepEqual(silent.report().unknown, { a: WHY });
  });

  test('moves no counter, and no effect', () => {
    const { agent } = silentAgent();
    assert.deepEqual(agent.state.roster.get('a')?.health.failures, 0);
    assert.equal(agent.orders.effects, null);
  });
});

suite('that it says something again', () => {
  test('is told with the first run that does, and the report is as before', () => {
    const { run, pass, report } = silentAgent();
    pass(SILENCE_LASTS_MS);
    assert.deepEqual(run(FAILED), ['a known: Speaks']);
    assert.deepEqual(report(), { revision: '0123456789ab' });
    assert.deepEqual(run(HEALTHY), []);
  });

  test('is told a minute after the silence began at the earliest', () => {
    const { run, pass } = silentAgent();
    pass(SILENCE_LASTS_MS - 1);
    assert.deepEqual(run(HEALTHY), []);
    pass(1);
    assert.deepEqual(run(HEALTHY), ['a known: Speaks']);
  });

  test('is not told of a check that says nothing again by then', () => {
    const { run, pass } = silentAgent();
    assert.deepEqual(run(HEALTHY), []);
    pass(SILENCE_LASTS_MS);
    for (const outcome of [UNKNOWN, UNKNOWN, UNKNOWN]) assert.deepEqual(run(outcome), []);
    assert.deepEqual(run(HEALTHY), ['a known: Speaks']);
  });

  test('makes no more than two writes a minute, however a check of one second goes in and out', () => {
    for (const silentFor of [3, 4, 7, 30]) {
      const silent = reportingAgent();
      const minutes = 30;
      for (let second = 0; second < minutes * 60; second++) {
        silent.run(second % (silentFor + 1) === silentFor ? HEALTHY : UNKNOWN);
        silent.pass(1_000);
      }
      assert.ok(silent.writes > 10, `${silent.writes} writes`);
      assert.ok(silent.writes <= 2 * minutes, `${silent.writes} writes in ${minutes} minutes`);
    }
  });

  const RULES: readonly [field: string, check: Partial<NodeCheckPolicy['spec']['check']>][] = [
    ['exitCodes', { exitCodes: { unknown: [], reasons: {} } }],
    ['timeoutSeconds', { timeoutSeconds: 4 }],
    ['onTimeout', { onTimeout: 'Failed' }],
    ['onStderr', { onStderr: 'Ignore' }],
  ];
  for (const [field, check] of RULES) {
    test(`is told when ${field} changes, which may be what mends it, and three runs are needed again`, () => {
      const { reload, report, run } = silentAgent();
      assert.deepEqual(reload(samplePolicy('a', { ...OBSERVE, check })), ['a known: CountsAnew']);
      assert.deepEqual(report(), { revision: '0123456789ab' });
      assert.deepEqual([run(UNKNOWN), run(UNKNOWN), run(UNKNOWN)], [[], [], [`a unknown: ${WHY}`]]);
    });
  }

  const CHANGES: readonly [how: string, next: readonly NodeCheckPolicy[], told: readonly string[]][] = [
    [
      'stays the same check, with other thresholds',
      [samplePolicy('a', { ...OBSERVE, check: { failureThreshold: 9 } })],
      [],
    ],
    ['is another check now', [samplePolicy('a', { ...OBSERVE, check: { command: ['/b'] } })], ['a known: CountsAnew']],
    ['is gone', [], ['a known: AppliesNoMore']],
  ];
  for (const [how, next, told] of CHANGES) {
    test(`is ${told.length === 0 ? 'not ' : ''}told when it ${how}`, () => {
      const { reload, report } = silentAgent();
      assert.deepEqual(reload(...next), told);
      assert.equal('unknown' in report(), told.length === 0);
    });
  }

  test('is not told of a Node that is replaced, and three runs on the new one are needed', () => {
    const { agent, run, taken } = silentAgent();
    assert.deepEqual(taken(agent.see(sampleNode({ uid: 'uid-2', resourceVersion: '90' }))), []);
    assert.deepEqual([run(UNKNOWN), run(UNKNOWN)], [[], []]);
    assert.deepEqual(run(UNKNOWN), [`a unknown: ${WHY}`]);
  });
});

suite('after a restart a check that was told to say nothing', () => {
  const OTHER = { namespace: 'agents', name: 'other' };
  /** The next life, on the Node that one has left whose check says nothing. @param first what happens before it sees the Node */
  function nextLife(first: (agent: ReturnType<typeof clockedAgent>) => void = () => {}) {
    const { agent: before } = silentAgent();
    const next = reporting(clockedAgent([POLICY]));
    first(next.agent);
    return { next, told: next.taken(next.agent.see(before.node)) };
  }

  test('stands in the report as before, and is not told again', () => {
    const { next, told } = nextLife();
    assert.deepEqual(told, []);
    for (let n = 0; n < 5; n++) assert.deepEqual(next.run(UNKNOWN), []);
    assert.deepEqual([next.report(), next.writes], [{ revision: '0123456789ab', unknown: { a: WHY } }, 0]);
  });

  test('nor where its first runs ended before the Node was read', () => {
    const { next, told } = nextLife((agent) => agent.run('a', UNKNOWN));
    assert.deepEqual([told, next.run(UNKNOWN), next.run(UNKNOWN), next.writes], [[], [], [], 0]);
  });

  test('is told to say something again by the first run that does after a minute', () => {
    const { next } = nextLife();
    assert.deepEqual(next.run(HEALTHY), []);
    next.pass(SILENCE_LASTS_MS);
    assert.deepEqual(next.run(HEALTHY), ['a known: Speaks']);
    assert.deepEqual(next.report(), { revision: '0123456789ab' });
  });

  test('is told so at once where a run has said something before the Node was read', () => {
    const { next, told } = nextLife((agent) => agent.run('a', HEALTHY));
    assert.deepEqual([told, next.report()], [['a known: Speaks'], { revision: '0123456789ab' }]);
  });

  test('is not told so by an agent that ends, whose report does not go out', () => {
    const noisy = { ...HEALTHY, stderr: 'oh', stderrBytes: 2 };
    const both = [POLICY, samplePolicy('b', OBSERVE)];
    const { agent: before } = silentAgent();
    const next = reporting(clockedAgent(both));
    next.agent.run('a', HEALTHY);
    next.agent.run('b', noisy);
    assert.deepEqual(next.taken(next.agent.see(before.node)), []);
  });

  test('is taken over too where the directory is read after the Node', () => {
    const { agent: before } = silentAgent();
    const next = reporting(clockedAgent(null));
    next.taken(next.agent.see(before.node));
    next.reload(POLICY);
    for (let n = 0; n < 3; n++) assert.deepEqual(next.run(UNKNOWN), []);
    assert.equal(next.writes, 0);
  });

  test('is not taken over under another revision', () => {
    const { agent: before } = silentAgent();
    const next = reporting(clockedAgent(null));
    next.agent.see(before.node);
    const other = { ...policySet([POLICY]), revision: 'ba9876543210' };
    next.taken(next.agent.send({ kind: 'PoliciesRead', load: { valid: true, set: other }, errors: [] }));
    assert.deepEqual(next.report(), { revision: 'ba9876543210' });
  });

  test('is the business of the agent that acts, where that is another', () => {
    const { agent: before } = silentAgent();
    const rival = { ...before.state.own, id: 'rival', pod: OTHER, since: '2027-01-01T00:00:00Z', hasStandby: true };
    const next = reporting(clockedAgent([POLICY]));
    next.taken(next.agent.see(changedNode(before.node, claimChange({ ...before.node, annotations: {} }, rival))));
    next.pass(SILENCE_LASTS_MS);
    assert.deepEqual(next.run(HEALTHY), []);
  });

  test('is known by one visible line, whoever wrote it', () => {
    const next = reporting(clockedAgent([POLICY]));
    const text = JSON.stringify({ revision: '0123456789ab', unknown: { a: '\u001b[1mno\nCheckRecovered', x: 'gone' } });
    next.taken(next.agent.see(sampleNode({ annotations: { [POLICY_ANNOTATION]: text } })));
    assert.deepEqual(next.report().unknown, { a: 'no' });
  });
});

test('an agent that stands by reports no silence', () => {
  const { agent, run } = reportingAgent();
  const rival = { ...agent.state.own, id: 'rival', pod: { namespace: 'agents', name: 'rival' }, hasStandby: true };
  agent.see({ ...changedNode(agent.node, claimChange(agent.node, rival)), resourceVersion: '50' });
  const before = agent.node.annotations[POLICY_ANNOTATION];
  for (let n = 0; n < 3; n++) run(UNKNOWN);
  assert.equal(agent.orders.report, null);
  assert.equal(agent.node.annotations[POLICY_ANNOTATION], before);
});
