import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { LEDGER_ANNOTATION, POLICY_ANNOTATION } from '../core/node.ts';
import { readPolicyReport } from '../core/policy-report.ts';
import { releaseNode } from '../core/release.ts';
import { rolloutOf } from '../core/rollout.ts';
import { SAMPLE_NOW, sampleNode } from '../core/samples.ts';
import { clusterStatus } from '../core/status.ts';
import { printableJson } from './printable-json.ts';
import { describeOutcome } from './release-text.ts';
import { describeResult, describeUnknown } from './rollout-text.ts';
import { formatStatus } from './status-text.ts';

/** Whoever may write Nodes, Leases or pods writes what they like; it is shown as text, and as nothing else. */

const HOSTILE = {
  'an escape sequence': '\u001b[2J\u001b]0;title\u0007',
  'a C1 control': '\u009b31m',
  'a bell': '\u0007',
  'a line': '\nnode-9   all is well',
  'a workflow command': '\r\n::error::forged',
  'a line separator': '\u2028::error::forged',
  'a turn of direction': '\u202egnihtyna\u2066',
  'no width': 'a\u200b\u200d\ufeffb',
};
const HIDDEN = /[\p{Cc}\p{Cf}\p{Cs}\u2028\u2029]/u;
const NOW_MS = Date.parse(SAMPLE_NOW);

for (const [what, hostile] of Object.entries(HOSTILE)) {
  const evil = `x${hostile}y`;

  suite(`${what} on a Node`, () => {
    for (const [where, report] of Object.entries({
      'why a check is silent': { revision: 'r', unknown: { disk: evil } },
      'the name of a policy': { revision: 'r', unknown: { [evil]: 'timed out' } },
      'an error': { revision: null, error: evil },
      'a defect': { revision: 'r', error: `a.yaml:1:1: no\ninternal error: ${evil}` },
      'a revision': { revision: evil, error: evil },
      'no report': evil,
    })) {
      test(`as ${where} of the report is a text in its place`, () => {
        const text = typeof report === 'string' ? report : JSON.stringify(report);
        const lines = [...statusOf({ [POLICY_ANNOTATION]: text }), ...rolloutTexts({ [POLICY_ANNOTATION]: text })];
        assert.deepEqual(lines.filter(isForged), []);
      });
    }

    for (const [where, ledger] of Object.entries({
      'a policy': { policies: { [evil]: { since: SAMPLE_NOW, marks: {}, drain: null } } },
      'a time': { since: evil },
      'a taint': {
        marks: [{ effect: 'taint', owner: 'Ours', mark: { key: evil, value: evil, effect: 'NoSchedule' } }],
      },
      'an effect': { marks: [{ effect: evil, owner: 'Ours', mark: {} }] },
    })) {
      test(`as ${where} of the ledger is a text in its place`, () => {
        const whole = { version: 2, nodeUid: 'uid-1', since: SAMPLE_NOW, policies: {}, marks: [], ...ledger };
        const annotations = { [LEDGER_ANNOTATION]: JSON.stringify(whole) };
        assert.deepEqual([...statusOf(annotations), ...releaseTexts(annotations)].filter(isForged), []);
      });
    }

    test('as what is no ledger is a text in its place', () => {
      const annotations = { [LEDGER_ANNOTATION]: evil };
      assert.deepEqual([...statusOf(annotations), ...releaseTexts(annotations)].filter(isForged), []);
    });
  });

  test(`${what} in the status of an agent's pod, or in a Lease, is a text in its place`, () => {
    const ended = { reason: evil, exitCode: 1, finishedAt: SAMPLE_NOW, message: evil };
    const agent = { nodeName: 'node-1', createdAt: evil, waiting: { reason: evil, message: evil }, ended };
    const lease = { ...LEASE, budget: evil, holder: 'node-1' };
    const failed = { node: evil, result: 'Failed' as const, steps: [], slots: [evil], error: evil };
    const status = clusterStatus([sampleNode()], [lease, { ...lease, holder: evil }], [agent], NOW_MS);
    const lines = [...textsOf(status), describeOutcome(failed), describeOutcome({ ...failed, result: 'Planned' })];
    assert.deepEqual(lines.filter(isForged), []);
    assert.ok(describeOutcome({ ...failed, node: '::error::forged' }).startsWith('"::error::forged": '));
  });
}

const LEASE = { name: 'l', uid: 'l', resourceVersion: '1', createdAt: SAMPLE_NOW, ownerUid: '', topology: null };

function statusOf(annotations: Readonly<Record<string, string>>): string[] {
  return textsOf(clusterStatus([{ ...sampleNode(), annotations }], []));
}

function textsOf(status: ReturnType<typeof clusterStatus>): string[] {
  const options = { all: true, namespace: 'agents', nowMs: NOW_MS };
  return [
    ...formatStatus(status, { ...options, wide: false }),
    ...formatStatus(status, { ...options, wide: true }),
    printableJson(status),
  ];
}

function rolloutTexts(annotations: Readonly<Record<string, string>>): string[] {
  const rollout = rolloutOf('wanted', [{ name: 'node-1', report: readPolicyReport(annotations) }]);
  const warnings = describeUnknown(rollout).map((line) => line.replace(/\n$/, ''));
  return [...warnings, ...describeResult(rollout, 'wanted', '5m'), printableJson(rollout)];
}

function releaseTexts(annotations: Readonly<Record<string, string>>): string[] {
  const release = releaseNode(sampleNode({ annotations }));
  const of = { node: 'node-1', slots: [], steps: [], error: null };
  if (release.kind === 'Unreadable') return [describeOutcome({ ...of, result: 'Failed', error: release.problem })];
  if (release.kind !== 'Release') return [];
  return (['Released', 'Planned'] as const).map((result) => describeOutcome({ ...of, result, steps: release.steps }));
}

function isForged(line: string): boolean {
  return HIDDEN.test(line) || line.startsWith('::');
}
