import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { clockedAgent, FAILED, policySet } from '../../test/harness/step-samples.ts';
import { MARK_EFFECTS } from '../core/effects/list.ts';
import type { MarkTurn } from '../core/effects/mark.ts';
import { NEW_HEALTH } from '../core/health.ts';
import { MAX_MESSAGE_BYTES, type NodeEvent } from '../core/node-event.ts';
import { SAMPLE_NOW, SAMPLE_TAINT, sampleBudget, sampleNode, samplePolicy, sampleVerdict } from '../core/samples.ts';
import type { SlotDenial } from '../core/slot.ts';
import type { Step } from '../core/step.ts';
import type { Transition } from '../core/transition.ts';
import type { LogEntry } from './log.ts';
import { type Counted, createTelling } from './telling.ts';
import { lastLine, tellingOf } from './transition-table.ts';

const POLICY = samplePolicy('a');
const VERDICT = sampleVerdict('Failed', 'exit code 1');
const WANTED = { since: SAMPLE_NOW, marks: { cordon: {}, taint: SAMPLE_TAINT }, drain: null };
const CONDITION = { type: 'X', status: 'True', reason: 'R', message: '' } as const;

/** One of each kind: the compiler says when one is missing. */
const ONE_OF_EACH: { readonly [Kind in Transition['kind']]: Extract<Transition, { kind: Kind }> } = {
  MarkTurned: { kind: 'MarkTurned', turn: 'Put', effect: 'cordon', mark: {} },
  DrainStarted: { kind: 'DrainStarted', policy: 'a' },
  DrainSucceeded: { kind: 'DrainSucceeded', policy: 'a' },
  DrainFailed: { kind: 'DrainFailed', policy: 'a', problems: ['pod x/y: why', 'pod x/z: why'] },
  DrainFailsAnew: { kind: 'DrainFailsAnew', policy: 'a', problems: ['pod x/y: why'] },
  GivenBack: { kind: 'GivenBack' },
  CheckStarted: { kind: 'CheckStarted', policy: POLICY },
  CheckSkipped: { kind: 'CheckSkipped', policy: POLICY },
  CheckEnded: {
    kind: 'CheckEnded',
    policy: POLICY,
    outcome: FAILED,
    verdict: VERDICT,
    health: { ...NEW_HEALTH, failures: 2 },
  },
  CheckFatal: {
    kind: 'CheckFatal',
    policy: POLICY,
    outcome: { ...FAILED, stderr: 'oh\n', stderrBytes: 3 },
    complaint: 'oh',
  },
  CheckFailing: { kind: 'CheckFailing', policy: POLICY, verdict: VERDICT },
  CheckRecovered: { kind: 'CheckRecovered', policy: 'a', because: 'Healthy', words: '' },
  CheckUnknown: { kind: 'CheckUnknown', policy: 'a', why: 'timed out' },
  CheckKnown: { kind: 'CheckKnown', policy: 'a', because: 'Speaks' },
  ProcessesLeftBehind: { kind: 'ProcessesLeftBehind', policy: 'a', left: { processes: 3, example: 'sleep 60' } },
  SlotDenied: { kind: 'SlotDenied', denial: { budget: 'cluster', answer: { kind: 'Full', used: 1, limit: 1 } } },
  Withheld: {
    kind: 'Withheld',
    withheld: { policy: 'a', why: 'BudgetDenied', because: 'budget cluster is full, 1 of 1 disrupted', wanted: WANTED },
  },
  PolicyInForce: { kind: 'PolicyInForce', set: policySet([POLICY]) },
  PolicyReloaded: { kind: 'PolicyReloaded', revision: '0123456789ab' },
  PolicyInvalid: { kind: 'PolicyInvalid', errors: ['a.yaml:1:1: no', 'a.yaml:2:1: nor this'], inForce: '0123456789ab' },
  Unreadable: { kind: 'Unreadable', problem: 'the ledger cannot be read' },
  NodeGone: { kind: 'NodeGone' },
  NodeReplaced: { kind: 'NodeReplaced', uid: 'uid-2' },
  ConditionWritten: {
    kind: 'ConditionWritten',
    change: { ...CONDITION, message: '', now: SAMPLE_NOW, isTransition: true },
  },
  ConditionRemoved: { kind: 'ConditionRemoved', type: 'X' },
  ConditionForeign: { kind: 'ConditionForeign', condition: CONDITION },
  ConditionsUnreadable: { kind: 'ConditionsUnreadable', problem: 'the list cannot be read' },
  StandingBy: { kind: 'StandingBy', rival: 'agents/rival' },
  TookOver: { kind: 'TookOver' },
  Trouble: { kind: 'Trouble', message: 'no answer', attempted: [] },
  InternalError: { kind: 'InternalError', text: 'TypeError: x', stack: 'at y', isNews: true },
};

/** What is said: the texts of the lines, those of machines where there are none for people, and the Event. */
const SAID: { readonly [Kind in Transition['kind']]: readonly [lines: readonly RegExp[], event: RegExp | null] } = {
  MarkTurned: [[/^⚠ WARN: Cordoning node node-1$/], /^Warning NodeCordoned: Node node-1 cordoned$/],
  DrainStarted: [[/^⚠ WARN: Draining node node-1$/], /^Warning DrainStarted: .*for policy a started$/],
  DrainSucceeded: [[/^INFO: Node node-1 is drained$/], /^Normal DrainSucceeded: Node node-1 drained for policy a$/],
  DrainFailed: [
    [/^⚠ WARN: Drain of node node-1 gave up; it stays cordoned/],
    /^Warning DrainFailed: .* gave up: pod x\/y: why; pod x\/z: why$/,
  ],
  DrainFailsAnew: [[], /^Warning DrainFailed: .* gave up: pod x\/y: why$/],
  GivenBack: [[/^INFO: Node node-1 is given back$/], /^Normal NodeReleased: Node node-1: everything we did is undone$/],
  CheckStarted: [[/^INFO: Running \/opt\/checks\/a\.sh$/], null],
  CheckSkipped: [[/^check left out: the run before has not ended$/], null],
  CheckEnded: [[/^\[💥FAIL\] non-zero return code\. Noticed 2 times\. \(threshold is 4\)$/], null],
  CheckFatal: [
    [/^check output$/],
    /^Warning CheckFatal: Policy a: the check wrote to stderr: oh; onStderr is Fatal, so the agent ends .*set spec\.check\.onStderr$/,
  ],
  CheckFailing: [
    [/^⚠ WARN: Detected the monitored service is down!$/],
    /^Warning CheckFailing: Policy a: check failed 4 times in a row, last: exit code 1$/,
  ],
  CheckRecovered: [
    [/^INFO: The monitored service is up again$/],
    /^Normal CheckRecovered: Policy a: check is healthy again$/,
  ],
  CheckUnknown: [
    [/^⚠ WARN: The check has said nothing 3 times in a row why="timed out"$/],
    /^Warning CheckUnknown: Policy a: check has said nothing 3 times in a row, last: timed out; nothing is counted$/,
  ],
  CheckKnown: [[/^INFO: The check says again how it is$/], /^Normal CheckKnown: Policy a: check says again how it is$/],
  ProcessesLeftBehind: [
    [/^the check leaves processes running outside of its process group; have the script/],
    /^Warning ProcessesLeftBehind: Policy a: its check leaves 3 processes running .*: sleep 60$/,
  ],
  SlotDenied: [[/^⚠ WARN: No slot for node node-1: budget cluster is full, 1 of 1 disrupted; checks go on/], null],
  Withheld: [
    [/^the cluster budget grants no slot; would otherwise act on the node$/],
    /^Warning BudgetDenied: Policy a: no slot to cordon, taint \S+: budget cluster is full, 1 of 1 disrupted$/,
  ],
  PolicyInForce: [[/^policy in force$/], null],
  PolicyReloaded: [[], /^Normal PolicyReloaded: Policy revision 0123456789ab is in force$/],
  PolicyInvalid: [
    [/^⛔ ERROR: a\.yaml:1:1: no$/, /^⛔ ERROR: a\.yaml:2:1: nor this$/, /invalid, so 0123456789ab stays in force$/],
    /^Warning PolicyInvalid: a\.yaml:1:1: no; a\.yaml:2:1: nor this$/,
  ],
  Unreadable: [[/^the ledger cannot be read; nothing is done or undone until it is corrected or removed$/], null],
  NodeGone: [[/^there is no node node-1; checks go on/], null],
  NodeReplaced: [[/^another Node of our name: counting starts at zero$/], null],
  ConditionWritten: [[/^condition written$/], null],
  ConditionRemoved: [[/^condition removed$/], null],
  ConditionForeign: [[/^condition X \(True, R\) is somebody else's and left alone/], null],
  ConditionsUnreadable: [[/^the list cannot be read; no condition is written or removed/], null],
  StandingBy: [
    [/^another agent of node node-1 \(agents\/rival\) started later and acts; this one stands by/],
    /^Warning AgentStandsBy: Two agents run for node node-1; the one agents\/rival started last, and acts$/,
  ],
  TookOver: [[/^the other agent of node node-1 is gone; this one acts again$/], null],
  Trouble: [[/^no answer; trying again, checks go on$/], null],
  InternalError: [
    [/^internal error: TypeError: x\. This is a defect .*; checks go on$/],
    /^Warning InternalError: .*TypeError: x/,
  ],
};

function tellAll(told: readonly Transition[], policies = [POLICY]) {
  const lines: LogEntry[] = [];
  const events: NodeEvent[] = [];
  const counts: string[] = [];
  const count = (what: string) => () => void counts.push(what);
  const counted: Counted = {
    checkEnded: count('checkEnded'),
    checkSkipped: count('checkSkipped'),
    nodeWritten: (transitions, result) => void counts.push(...transitions.map(({ kind }) => `${kind} ${result}`)),
    slotDenied: (budget) => void counts.push(`slotDenied ${budget}`),
    policiesLoaded: (isValid) => void counts.push(`policiesLoaded ${isValid}`),
    internalError: count('internalError'),
  };
  const tell = createTelling({
    nodeName: 'node-1',
    log: (line) => lines.push(line),
    recorder: { record: (event) => void events.push(event), wake() {} },
    counted,
  });
  const roster = new Map(policies.map((policy) => [policy.metadata.name, { policy, health: NEW_HEALTH }]));
  const node = { kind: 'There', view: sampleNode() };
  tell({ state: { roster, node, told: { rival: null }, bugs: [] }, told } as unknown as Step);
  const texts = lines.map(({ text, message }) => text ?? message);
  return { lines, texts, events, counts };
}
const textOf = ({ type, reason, message }: NodeEvent) => `${type} ${reason}: ${message}`;

suite('of every kind of transition it is said what it is', () => {
  for (const [kind, transition] of Object.entries(ONE_OF_EACH)) {
    test(kind, () => {
      const { texts, events } = tellAll([transition]);
      const [lines, event] = SAID[transition.kind];
      assert.equal(texts.length, lines.length);
      for (const [i, line] of lines.entries()) assert.match(texts[i] ?? '', line);
      assert.equal(events.length, event === null ? 0 : 1);
      if (event !== null) assert.match(events.map(textOf).join(), event);
    });
  }
});

suite('of every turn of every mark it is said what it is', () => {
  const turns: readonly MarkTurn[] = ['Put', 'TakenBack', 'Found', 'TakenAway'];
  for (const { name } of MARK_EFFECTS) {
    for (const turn of turns) {
      test(`${name} ${turn}`, () => {
        const mark = name === 'taint' ? SAMPLE_TAINT : {};
        const { texts, events, counts } = tellAll([{ kind: 'MarkTurned', turn, effect: name, mark }]);
        assert.match(texts.join(), /node-1/);
        if (name === 'taint') assert.match(texts.join(), /nodeServiceCheckFailed=true:NoSchedule/);
        assert.equal(events.length, turn === 'Put' ? 1 : 0);
        assert.deepEqual(counts, ['MarkTurned Success']);
      });
    }
  }
});

suite('the Event of a budget that denies says which one and why', () => {
  const denials: [spec: object, answer: SlotDenial | null, why: string][] = [
    [{}, { kind: 'Full', used: 1, limit: 1 }, 'budget b is full, 1 of 1 disrupted'],
    [{}, { kind: 'Uncountable', problem: 'no zone' }, 'budget b: no zone'],
    [{ maxUnavailable: 0 }, null, 'budget b lets no node be disrupted (its limit is 0)'],
    [{ maxUnavailable: '0%' }, null, 'budget b lets no node be disrupted (its limit is 0)'],
    [
      { maxUnavailable: '50%' },
      { kind: 'Full', used: 0, limit: 0 },
      'budget b lets no node be disrupted (its limit is 0)',
    ],
  ];
  for (const [spec, answer, why] of denials) {
    test(`${why} (${JSON.stringify(spec)})`, () => {
      const told: Transition[] = [];
      const agent = clockedAgent(
        [samplePolicy('a', { check: { failureThreshold: 1 } })],
        [sampleBudget('b', spec)],
        (step) => told.push(...step.told),
      );
      agent.see(sampleNode());
      agent.run('a', FAILED);
      const denial = answer && { budget: 'b', answer };
      if (denial) agent.send({ kind: 'SlotsAnswered', answer: { nodeUid: 'uid-1', held: [], granted: [], denial } });
      const events = tellAll(told).events.filter(({ reason }) => reason === 'BudgetDenied');
      assert.deepEqual(events.map(textOf), [`Warning BudgetDenied: Policy a: no slot to cordon: ${why}`]);
    });
  }
});

test('the well-known lines name the policy only where there are several', () => {
  const [alone, among] = [[POLICY], [POLICY, samplePolicy('b')]].map((list) =>
    tellAll([ONE_OF_EACH.CheckFailing], list),
  );
  assert.deepEqual(alone?.texts, ['⚠ WARN: Detected the monitored service is down!']);
  assert.deepEqual(among?.texts, ['⚠ WARN: Detected the monitored service is down! policy=a']);
});

suite('what a check said follows the well-known line, in quotes, and is a field for machines', () => {
  const words = 'DISK "sda" policy=b full';
  const quoted = ' words="DISK \\"sda\\" policy=b full"';
  const failed = { ...VERDICT, reason: 'exit code 2 (DiskFull)', mapped: 'DiskFull', words };
  const rows: [transition: Transition, text: string, fields: object, event?: RegExp][] = [
    [
      { ...ONE_OF_EACH.CheckEnded, verdict: failed },
      '[💥FAIL] non-zero return code. Noticed 2 times. (threshold is 4)',
      { mapped: 'DiskFull', words },
    ],
    [
      { ...ONE_OF_EACH.CheckEnded, verdict: { ...sampleVerdict('Healthy', 'exit code 0'), words } },
      '[✅OK] return code was zero.',
      { words },
    ],
    [
      { ...ONE_OF_EACH.CheckEnded, verdict: { ...sampleVerdict('Unknown', 'timed out'), words } },
      '[❓UNKNOWN] timed out. Nothing is counted.',
      { words },
    ],
    [
      { ...ONE_OF_EACH.CheckFailing, verdict: failed },
      '⚠ WARN: Detected the monitored service is down!',
      { mapped: 'DiskFull', words },
      /^Warning CheckFailing: Policy a: check failed 4 times in a row, last: exit code 2 \(DiskFull\): DISK "sda" policy=b full$/,
    ],
    [
      { ...ONE_OF_EACH.CheckRecovered, words },
      'INFO: The monitored service is up again',
      { words },
      /^Normal CheckRecovered: Policy a: check is healthy again: DISK "sda" policy=b full$/,
    ],
  ];
  for (const [transition, text, fields, event] of rows) {
    test(text, () => {
      const { lines, texts, events } = tellAll([transition]);
      assert.deepEqual(texts, [text + quoted]);
      const { mapped, words } = lines[0]?.fields ?? {};
      assert.deepEqual({ ...(mapped !== undefined && { mapped }), words }, fields);
      assert.deepEqual(
        events.map((each) => event?.test(textOf(each))),
        event ? [true] : [],
      );
      const [among] = tellAll([transition], [POLICY, samplePolicy('b')]).texts;
      assert.equal(among, `${text} policy=a${quoted}`);
    });
  }
});

suite('no text of a script can look like a field of a line', () => {
  const forged = 'sh: oh" policy=b level=x';
  const quoted = '"sh: oh\\" policy=b level=x"';
  const several = [POLICY, samplePolicy('b')];
  const notStarted = sampleVerdict('Unknown', `could not be started: ${forged}`);

  test('not why a check has said nothing', () => {
    const { texts, events } = tellAll([{ ...ONE_OF_EACH.CheckUnknown, why: forged }], several);
    assert.deepEqual(texts, [`⚠ WARN: The check has said nothing 3 times in a row policy=a why=${quoted}`]);
    assert.match(events[0]?.message ?? '', /, last: sh: oh" policy=b level=x; nothing is counted$/);
  });

  test('not what may be a launcher of the check', () => {
    const { texts } = tellAll([{ ...ONE_OF_EACH.CheckEnded, verdict: notStarted }], several);
    assert.deepEqual(texts, [`[❓UNKNOWN] could not be started: ${quoted}. Nothing is counted. policy=a`]);
  });

  test('not what the agent ends by', () => {
    const { text = '' } = lastLine({ policy: POLICY, complaint: forged, byMs: 0 });
    assert.ok(text.startsWith(`⛔ ERROR: Policy a: the check wrote to stderr: ${quoted}; onStderr is Fatal, so`), text);
    const silent = lastLine({ policy: POLICY, complaint: '', byMs: 0 });
    assert.match(silent.text ?? '', /^⛔ ERROR: Policy a: the check wrote to stderr; onStderr is Fatal, so/);
  });
});

test('what a check wrote is there, at the level of its verdict', () => {
  const healthy = sampleVerdict('Healthy', 'exit code 0');
  const outcome = { ...FAILED, stdout: 'all is\nwell\n', stdoutBytes: 12 };
  const { lines } = tellAll([{ ...ONE_OF_EACH.CheckEnded, verdict: healthy, outcome }]);
  assert.deepEqual(
    lines.map(({ level, message, fields }) => [level, message, fields?.output]),
    [
      ['info', 'check healthy', undefined],
      ['debug', 'check output', 'all is\nwell'],
    ],
  );
});

test('a defect that is known already is counted and not said again', () => {
  const { texts, events, counts } = tellAll([{ ...ONE_OF_EACH.InternalError, isNews: false }]);
  assert.deepEqual([texts, events, counts], [[], [], ['internalError']]);
});

test('what was tried and failed is counted as such', () => {
  const attempted = [ONE_OF_EACH.MarkTurned, ONE_OF_EACH.DrainStarted];
  assert.deepEqual(tellAll([{ ...ONE_OF_EACH.Trouble, attempted }]).counts, ['MarkTurned Error', 'DrainStarted Error']);
});

test('the Event of a drain that gave up tells whole problems, and how many more there are, in what the API takes', () => {
  const problems = Array.from(
    { length: 40 },
    (_, i) => `40 pods, such as pod default/web-${i}, pod default/x-${i}: why ${i}`,
  );
  const node = 'n'.repeat(253);
  const { event } = tellingOf({ ...ONE_OF_EACH.DrainFailed, problems }, { node, about: (text) => text });
  assert.match(event?.message ?? '', /: why \d+; and \d+ more$/);
  assert.ok(Buffer.byteLength(event?.message ?? '') <= MAX_MESSAGE_BYTES);
});
