import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { type Health, NEW_HEALTH } from './health.ts';
import { holdOf, ledgerOf, writeLedger } from './ledger.ts';
import { LEDGER_ANNOTATION, type NodeView } from './node.ts';
import type { NodeCheckPolicy } from './policy.ts';
import type { Roster } from './roster.ts';
import type { Said } from './said.ts';
import { compareSample, SAMPLE_SLOTS, SAMPLE_TAINT, sampleNode, samplePolicy, settleSample } from './samples.ts';

/** What a check said goes into the ledger as its policy takes hold, and stays; it is never the reason for a write. */

const SAID: Said = { status: 'Failed', reason: 'exit code 2 (DiskFull)', mapped: 'DiskFull', words: 'sda is full' };
const OTHER: Said = { status: 'Failed', reason: 'exit code 3 (Slow)', mapped: 'Slow', words: 'sda is slow' };
const NONE: Said = { status: 'Failed', reason: 'exit code 1', mapped: null, words: '' };
const FAILING: Health = { ...NEW_HEALTH, failures: 4, failing: true };
const CORDONS = samplePolicy('a');
const TAINTS = samplePolicy('a', { actions: { cordon: true, taint: SAMPLE_TAINT } });

const rosterOf = (said: Said | undefined, policy: NodeCheckPolicy = CORDONS, health = FAILING): Roster =>
  new Map([['a', { policy, health, ...(said && { said }) }]]);
const saidOn = (node: NodeView) => {
  const { mapped, words } = holdOf(ledgerOf(node), 'a') ?? assert.fail('it must be held');
  return [mapped, words];
};
const held = settleSample(sampleNode(), rosterOf(SAID));
/** As if an agent of an older version had written it. */
const heldInSilence = settleSample(sampleNode(), rosterOf(undefined));

suite('what the check said', () => {
  test('goes out with the first write', () => assert.deepEqual(saidOn(held), ['DiskFull', 'sda is full']));

  test('leaves no trace where there is nothing', () => {
    const node = settleSample(sampleNode(), rosterOf(NONE));
    assert.equal(node.annotations[LEDGER_ANNOTATION], heldInSilence.annotations[LEDGER_ANNOTATION]);
    assert.doesNotMatch(node.annotations[LEDGER_ANNOTATION] ?? '', /mapped|words/);
  });

  const others: [what: string, said: Said | undefined][] = [
    ['another thing', OTHER],
    ['nothing', NONE],
    ['what nobody knows', undefined],
  ];
  for (const [what, said] of others) {
    test(`is no reason for a write where the check says ${what} by now, and stays in one that has another reason`, () => {
      assert.equal(compareSample(held, rosterOf(said)).change, null);
      assert.equal(compareSample(heldInSilence, rosterOf(said)).change, null);
      assert.deepEqual(saidOn(settleSample(held, rosterOf(said, TAINTS))), ['DiskFull', 'sda is full']);
      assert.deepEqual(saidOn(settleSample(heldInSilence, rosterOf(said, TAINTS))), [undefined, undefined]);
    });
  }

  const closed: [gate: string, roster: Roster, overrides: object][] = [
    ['its kubelet is not ready', rosterOf(OTHER, TAINTS), { node: { ready: false } }],
    ['a budget denies more', rosterOf(OTHER, TAINTS), SAMPLE_SLOTS.Denied],
    ['its policy is paused', rosterOf(OTHER, samplePolicy('a', { spec: { paused: true } })), {}],
    ['a restart left it below the threshold', rosterOf(OTHER, TAINTS, { ...FAILING, remembered: true }), {}],
  ];
  for (const [gate, roster, { node = {}, ...overrides }] of closed as [string, Roster, { node?: object }][]) {
    test(`stays where nothing may be added, since ${gate}`, () => {
      assert.equal(compareSample({ ...held, ...node }, roster, overrides).change, null);
    });
  }

  for (const [what, written] of [
    ['is no text', { mapped: 7, words: ['x'] }],
    ['is longer than we write', { words: 'x'.repeat(9_999) }],
    ['has what we do not write', { mapped: 'not a reason', words: '\u001b[2Ja\nb' }],
  ] as const) {
    test(`is no reason for a write either where it ${what}`, () => {
      const ledger = JSON.parse(writeLedger(ledgerOf(held) ?? assert.fail()));
      Object.assign(ledger.policies.a, written);
      const node = { ...held, annotations: { [LEDGER_ANNOTATION]: JSON.stringify(ledger) } };
      assert.equal(compareSample(node, rosterOf(OTHER)).change, null);
    });
  }

  test('is that of the next time when its policy takes hold again', () => {
    const free = settleSample(held, rosterOf(undefined, CORDONS, { ...NEW_HEALTH, successes: 1 }));
    assert.deepEqual(saidOn(settleSample(free, rosterOf(OTHER))), ['Slow', 'sda is slow']);
  });
});
