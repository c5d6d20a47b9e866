import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import {
  compareReadable,
  condition,
  FAILING,
  forgottenConditions,
  HEALTHY,
  listOf,
  nodeWith,
  READY,
  rosterWith,
  settleConditions,
  TYPE,
  toldBy,
} from '../../test/harness/condition-samples.ts';
import { countVerdict, type Health, NEW_HEALTH } from './health.ts';
import { CONDITIONS_ANNOTATION, LEDGER_ANNOTATION, type NodeCondition } from './node.ts';
import { compareConditions, forgetConditions } from './node-conditions.ts';
import type { NodeCheckPolicy } from './policy.ts';
import type { Roster } from './roster.ts';
import { SAMPLE_NOW, sampleNode, samplePolicy, sampleVerdict } from './samples.ts';
import type { Verdict } from './verdict.ts';

const BELOW: Health = { ...NEW_HEALTH, failures: 1 };
const EXIT_1 = sampleVerdict('Failed', 'exit code 1');
const EXIT_0 = sampleVerdict('Healthy', 'exit code 0');
const TIMED_OUT = sampleVerdict('Unknown', 'timed out');

const asking = (spec: Partial<NodeCheckPolicy['spec']> = {}) =>
  samplePolicy('a', { spec: { nodeCondition: TYPE, ...spec } });

suite('the condition of a policy', () => {
  const was = (status: string, reason: string) => condition(status, reason);
  const rows: [rule: string, before: NodeCondition | null, roster: Roster, after: string][] = [
    ['is Unknown before the check has run', null, rosterWith(asking()), 'Unknown CheckNotYetRun'],
    [
      'is True once healthy',
      was('Unknown', 'CheckNotYetRun'),
      rosterWith(asking(), HEALTHY, EXIT_0),
      'True CheckHealthy',
    ],
    ['is False once failing', was('True', 'CheckHealthy'), rosterWith(asking(), FAILING, EXIT_1), 'False CheckFailing'],
    ['is True on recovery', was('False', 'CheckFailing'), rosterWith(asking(), HEALTHY, EXIT_0), 'True CheckHealthy'],
    [
      'stays True below the threshold',
      was('True', 'CheckHealthy'),
      rosterWith(asking(), BELOW, EXIT_1),
      'True CheckHealthy',
    ],
    [
      'is Unknown below the threshold when nothing was known',
      null,
      rosterWith(asking(), BELOW, EXIT_1),
      'Unknown CheckUnknown',
    ],
    [
      'stays True when a run says nothing',
      was('True', 'CheckHealthy'),
      rosterWith(asking(), HEALTHY, TIMED_OUT),
      'True CheckHealthy',
    ],
    [
      'stays False when a run says nothing',
      was('False', 'CheckFailing'),
      rosterWith(asking(), FAILING, TIMED_OUT),
      'False CheckFailing',
    ],
    [
      'says CheckUnknown when runs never said anything',
      was('Unknown', 'CheckNotYetRun'),
      rosterWith(asking(), NEW_HEALTH, TIMED_OUT),
      'Unknown CheckUnknown',
    ],
    ['stays True over a restart', was('True', 'CheckHealthy'), rosterWith(asking()), 'True CheckHealthy'],
    ['stays False over a restart', was('False', 'CheckFailing'), rosterWith(asking()), 'False CheckFailing'],
    [
      'stays False over a restart, one failure later',
      was('False', 'CheckFailing'),
      rosterWith(asking(), BELOW, EXIT_1),
      'False CheckFailing',
    ],
    ['stays Unknown over a restart', was('Unknown', 'CheckUnknown'), rosterWith(asking()), 'Unknown CheckUnknown'],
    [
      'is False where the ledger says failing',
      null,
      rosterWith(asking(), { ...NEW_HEALTH, failing: true, remembered: true }),
      'False CheckFailing',
    ],
    [
      'is frozen while paused',
      was('True', 'CheckHealthy'),
      rosterWith(asking({ paused: true }), FAILING, EXIT_1),
      'True CheckHealthy',
    ],
    [
      'is frozen while paused, whatever the mode',
      was('True', 'CheckHealthy'),
      rosterWith(asking({ paused: true, mode: 'Observe' }), FAILING),
      'True CheckHealthy',
    ],
  ];
  for (const [rule, before, roster, after] of rows) {
    test(rule, () => {
      const { node } = settleConditions(nodeWith(before === null ? [] : [before]), roster);
      assert.deepEqual(toldBy(node), [`${TYPE}=${after}`]);
      assert.deepEqual(listOf(node), [TYPE]);
      assert.deepEqual(
        node.conditions.filter(({ type }) => type === 'Ready'),
        [READY],
      );
    });
  }

  const removals: [rule: string, roster: Roster][] = [
    ['goes with its policy', new Map()],
    ['goes when its policy asks for none', rosterWith(asking({ nodeCondition: undefined }), HEALTHY)],
    ['goes under Observe', rosterWith(asking({ mode: 'Observe' }), HEALTHY)],
  ];
  for (const [rule, roster] of removals) {
    test(`${rule}, and the list after it`, () => {
      const { node, steps } = settleConditions(nodeWith([condition('True', 'CheckHealthy')]), roster);
      assert.deepEqual([toldBy(node), node.annotations], [[], {}]);
      assert.deepEqual(
        steps.map(({ kind }) => kind),
        ['Write', 'Own'],
      );
    });
  }

  test('is not put there by a paused policy', () => {
    assert.equal(compareReadable(nodeWith([]), rosterWith(asking({ paused: true }), FAILING)).step, null);
  });

  test('is claimed in the list before it is written', () => {
    const { steps } = settleConditions(nodeWith([]), rosterWith(asking(), HEALTHY, EXIT_0));
    assert.deepEqual(steps, [
      {
        kind: 'Own',
        patch: {
          resourceVersion: '1',
          change: { metadata: { annotations: { [CONDITIONS_ANNOTATION]: `["${TYPE}"]` } } },
        },
      },
      {
        kind: 'Write',
        patch: {
          uid: 'uid-1',
          resourceVersion: '2',
          set: [
            {
              type: TYPE,
              status: 'True',
              reason: 'CheckHealthy',
              message: 'Policy a: check is healthy, last: exit code 0',
              now: SAMPLE_NOW,
              isTransition: true,
            },
          ],
          remove: [],
        },
      },
    ]);
  });

  test('moves its transition time with the status and not with the reason alone', () => {
    const { steps } = settleConditions(
      nodeWith([condition('Unknown', 'CheckNotYetRun')]),
      rosterWith(asking(), BELOW, EXIT_1),
    );
    assert.deepEqual(
      steps.map((step) => step.kind === 'Write' && step.patch.set[0]?.isTransition),
      [false],
    );
  });

  test('comes back when somebody removed it', () => {
    const { node, steps } = settleConditions(nodeWith([], [TYPE]), rosterWith(asking(), FAILING, EXIT_1));
    assert.deepEqual([toldBy(node), steps.length], [[`${TYPE}=False CheckFailing`], 1]);
  });

  test('makes way for another one in one write, between the claim and the end of it', () => {
    const { node, steps } = settleConditions(
      nodeWith([condition('True', 'CheckHealthy', 'Old')]),
      rosterWith(asking(), HEALTHY),
    );
    assert.deepEqual([toldBy(node), listOf(node)], [[`${TYPE}=True CheckHealthy`], [TYPE]]);
    assert.deepEqual(
      steps.map(({ kind }) => kind),
      ['Own', 'Write', 'Own'],
    );
  });

  test('says the same whatever Node it is compared with again', () => {
    const { node } = settleConditions(nodeWith([]), rosterWith(asking(), FAILING, EXIT_1));
    const later = rosterWith(asking(), { ...FAILING, failures: 9 }, { ...EXIT_1, reason: 'exit code 2' });
    assert.equal(compareReadable(node, later).step, null);
  });
});

suite('what the check said', () => {
  const DISK: Verdict = {
    status: 'Failed',
    reason: 'exit code 2 (DiskFull)',
    mapped: 'DiskFull',
    words: 'sda is full',
  };
  const written = (health: Health, verdict: Verdict) => {
    const { node } = settleConditions(nodeWith([]), rosterWith(asking(), health, verdict));
    const found = node.conditions.find(({ type }) => type === TYPE);
    return `${found?.status} ${found?.reason} ${found?.message}`;
  };
  const rows: [rule: string, health: Health, verdict: Verdict, found: string][] = [
    [
      'is in the message',
      FAILING,
      { ...EXIT_1, words: 'no' },
      'CheckFailing Policy a: check is failing, last: exit code 1: no',
    ],
    ['is not missed', FAILING, EXIT_1, 'CheckFailing Policy a: check is failing, last: exit code 1'],
    [
      'comes with the reason of the policy',
      FAILING,
      DISK,
      'DiskFull Policy a: check is failing (DiskFull): sda is full',
    ],
    ['is not missed there', FAILING, { ...DISK, words: '' }, 'DiskFull Policy a: check is failing (DiskFull)'],
  ];
  for (const [rule, health, verdict, found] of rows) {
    test(`${rule}: ${found}`, () => assert.equal(written(health, verdict), `False ${found}`));
  }

  test('is there when it is healthy, too', () => {
    const verdict = { ...EXIT_0, words: 'DISK OK' };
    assert.equal(written(HEALTHY, verdict), 'True CheckHealthy Policy a: check is healthy, last: exit code 0: DISK OK');
  });

  const failing = (reason: string, message: string, status = 'False') => condition(status, reason, TYPE, message);
  const ours = failing('DiskFull', 'Policy old-name: check is failing (DiskFull): sda is full');
  const others: [is: string, roster: Roster][] = [
    ['the same', rosterWith(asking(), FAILING, DISK)],
    ['another exit code', rosterWith(asking(), FAILING, { ...DISK, mapped: 'ClockSkew' })],
    ['an exit code without a reason', rosterWith(asking(), FAILING, EXIT_1)],
    ['not known, after a restart', rosterWith(asking(), { ...NEW_HEALTH, failing: true, remembered: true })],
  ];
  for (const [is, roster] of others) {
    test(`stays as it was written while the check fails, where by now it is ${is}`, () => {
      for (const before of [ours, failing('CheckFailing', 'Policy a: check is failing, last: exit code 1')]) {
        const { step, foreign } = compareReadable(nodeWith([before]), roster);
        assert.deepEqual([step, foreign], [null, []]);
      }
    });
  }

  test('is known as ours on recovery and when it is asked for no more, whichever policy and version gave the reason', () => {
    const recovered = settleConditions(nodeWith([ours]), rosterWith(asking(), HEALTHY, EXIT_0));
    assert.deepEqual(toldBy(recovered.node), [`${TYPE}=True CheckHealthy`]);
    assert.deepEqual(toldBy(settleConditions(nodeWith([ours]), new Map()).node), []);
    assert.deepEqual(toldBy(forgottenConditions(nodeWith([ours]))), []);
  });

  const theirs: [what: string, written: NodeCondition][] = [
    ['another reason over our message', { ...ours, reason: 'TheirReason' }],
    ['another message under our reason', { ...ours, message: 'the disk is full' }],
    ['a message that only has ours in it', { ...ours, message: `it was: ${ours.message}` }],
    ['a message with another end of ours', { ...ours, message: 'Policy a: check is failing (DiskFull) by hand' }],
    ['another status', { ...ours, status: 'True' }],
    [
      'a word of the script as the reason',
      failing('Policy', 'Policy a: check is failing, last: exit code 1: (Policy)'),
    ],
  ];
  for (const [what, written] of theirs) {
    test(`is left alone where somebody wrote ${what}`, () => {
      const { node } = settleConditions(nodeWith([written]), rosterWith(asking(), HEALTHY, EXIT_0));
      assert.deepEqual(node.conditions, [READY, written]);
      assert.deepEqual(forgottenConditions(nodeWith([written])).conditions, [READY, written]);
    });
  }

  test('is no claim: where the list of ours does not name it, it is left alone', () => {
    const comparison = compareReadable(nodeWith([ours], []), rosterWith(asking(), HEALTHY, EXIT_0));
    assert.deepEqual([comparison.step, comparison.foreign], [null, [ours]]);
  });
});

suite("what is somebody else's", () => {
  const theirs = condition('False', 'TheirReason');

  test('is left alone and told, where the list does not name it', () => {
    const comparison = compareReadable(nodeWith([theirs], []), rosterWith(asking(), HEALTHY));
    assert.deepEqual([comparison.step, comparison.foreign], [null, [theirs]]);
  });

  test('is left alone with a reason of ours, too, where the list does not name it', () => {
    const alike = condition('False', 'CheckFailing');
    const comparison = compareReadable(nodeWith([alike], []), rosterWith(asking(), HEALTHY));
    assert.deepEqual([comparison.step, comparison.foreign], [null, [alike]]);
  });

  test('is what somebody wrote over ours: it leaves the list and stays', () => {
    const { node } = settleConditions(nodeWith([theirs]), rosterWith(asking(), HEALTHY));
    assert.deepEqual([toldBy(node), node.annotations], [[`${TYPE}=False TheirReason`], {}]);
  });

  test("is the kubelet's, whatever the list says", () => {
    const { node } = settleConditions(nodeWith([], ['Ready']), new Map());
    assert.deepEqual([node.conditions, node.annotations], [[READY], {}]);
  });

  test('gives way once it is gone', () => {
    const { node } = settleConditions(nodeWith([]), rosterWith(asking(), HEALTHY));
    assert.deepEqual(toldBy(node), [`${TYPE}=True CheckHealthy`]);
  });

  for (const text of ['', 'null', '{}', '[1]', '"Ready"', '[']) {
    test(`cannot be known from the list ${JSON.stringify(text)}, so nothing is touched`, () => {
      const node = sampleNode({ annotations: { [CONDITIONS_ANNOTATION]: text } });
      const comparison = compareConditions(node, rosterWith(asking(), HEALTHY), SAMPLE_NOW);
      assert.equal(comparison.kind, 'Unreadable');
      const forgotten = forgetConditions(node);
      assert.ok(!forgotten.readable);
      assert.match(forgotten.problem, /must be a JSON list of condition types/);
    });
  }

  test('is as little known without a ledger that can be read', () => {
    const node = sampleNode({ annotations: { [LEDGER_ANNOTATION]: '?' } });
    assert.equal(compareReadable(node, rosterWith(asking(), HEALTHY)).step, null);
  });
});

test('forgetting removes what is ours and nothing else, and keeps the list until it is done', () => {
  const theirs = condition('True', 'TheirReason', 'Theirs');
  const node = sampleNode({
    conditions: [READY, condition('False', 'CheckFailing'), theirs],
    annotations: { [CONDITIONS_ANNOTATION]: JSON.stringify([TYPE, 'Theirs', 'Ready']) },
  });
  const after = forgottenConditions(node);
  assert.deepEqual([after.conditions, after.annotations], [[READY, theirs], node.annotations]);
  assert.deepEqual(forgetConditions(after), { readable: true, patch: null });
});

test('a verdict that was counted is the one the condition tells of', () => {
  const { check } = asking().spec;
  const health = countVerdict(NEW_HEALTH, EXIT_0, check);
  const { step } = compareReadable(
    nodeWith([condition('Unknown', 'CheckNotYetRun')]),
    rosterWith(asking(), health, EXIT_0),
  );
  assert.match(step?.kind === 'Write' ? (step.patch.set[0]?.message ?? '') : '', /last: exit code 0$/);
});
