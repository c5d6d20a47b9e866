import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { drainGoesOn, isDisrupting, type Ledger, readLedger, writeLedger } from './ledger.ts';
import { LEDGER_ANNOTATION } from './node.ts';
import { SAMPLE_NOW, SAMPLE_TAINT, sampleNode } from './samples.ts';

/** What an agent of an older version wrote is read as what it meant then. */

const OWNERS = [
  ['Ours', 'Ours'],
  ['Theirs', 'Theirs'],
  ['Released', 'TakenAway'],
] as const;
const STATES = [
  ['Draining', 'Draining'],
  ['Drained', 'Drained'],
  ['GaveUp', 'GaveUp'],
  ['Released', 'Stopped'],
] as const;

/** As version 1 had it: one cordon, a list of taints, one drain for all policies. */
const VERSION_1 = {
  version: 1,
  nodeUid: 'uid-1',
  since: SAMPLE_NOW,
  policies: {
    all: { since: SAMPLE_NOW, cordon: true, taint: SAMPLE_TAINT, drain: true },
    cordons: { since: '2026-01-01T00:00:01Z', cordon: true, taint: null, drain: false },
    drains: { since: '2026-01-01T00:00:02Z', cordon: true, taint: null, drain: true },
    taints: { since: '2026-01-01T00:00:03Z', cordon: false, taint: SAMPLE_TAINT, drain: false },
  },
  cordon: 'Ours' as string | null,
  taints: [{ ...SAMPLE_TAINT, owner: 'Ours' as string }],
  drain: { state: 'Draining', since: '2026-01-01T00:00:05Z' } as { state: string; since: string } | null,
};

function read(ledger: object): Ledger {
  const reading = readLedger(sampleNode({ annotations: { [LEDGER_ANNOTATION]: JSON.stringify(ledger) } }));
  return (reading.readable ? reading.ledger : assert.fail(reading.problem)) ?? assert.fail('there must be one');
}

suite('a ledger of version 1', () => {
  test('is read whole: who holds what since when, and every policy that drained has that drain', () => {
    const drain = { state: 'Draining', since: '2026-01-01T00:00:05Z', rules: null } as const;
    assert.deepEqual(read(VERSION_1), {
      nodeUid: 'uid-1',
      since: SAMPLE_NOW,
      policies: {
        all: { since: SAMPLE_NOW, marks: { cordon: {}, taint: SAMPLE_TAINT }, drain },
        cordons: { since: '2026-01-01T00:00:01Z', marks: { cordon: {} }, drain: null },
        drains: { since: '2026-01-01T00:00:02Z', marks: { cordon: {} }, drain },
        taints: { since: '2026-01-01T00:00:03Z', marks: { taint: SAMPLE_TAINT }, drain: null },
      },
      marks: [
        { effect: 'cordon', mark: {}, owner: 'Ours' },
        { effect: 'taint', mark: SAMPLE_TAINT, owner: 'Ours' },
      ],
    } satisfies Ledger);
  });

  test('is the same once it is written as this version writes it', () => {
    const ledger = read(VERSION_1);
    assert.deepEqual(read(JSON.parse(writeLedger(ledger))), ledger);
    assert.match(writeLedger(ledger), /^\{"version":2,/);
  });

  for (const [old, owner] of OWNERS) {
    test(`whose cordon and taint were ${old} has them as ${owner}`, () => {
      const ledger = read({
        ...VERSION_1,
        cordon: old,
        taints: [{ ...SAMPLE_TAINT, owner: old }],
        drain: null,
        policies: {},
      });
      assert.deepEqual(
        ledger.marks.map((mark) => mark.owner),
        [owner, owner],
      );
      assert.equal(isDisrupting(ledger), old === 'Ours');
    });
  }

  for (const [old, state] of STATES) {
    for (const [oldOwner] of OWNERS) {
      test(`whose drain was ${old} and whose cordon ${oldOwner} has it as ${state}, and goes on just as it would have`, () => {
        const ledger = read({ ...VERSION_1, cordon: oldOwner, drain: { state: old, since: SAMPLE_NOW } });
        for (const name of ['all', 'drains']) {
          const drain = ledger.policies[name]?.drain ?? assert.fail(name);
          assert.deepEqual(drain, { state, since: SAMPLE_NOW, rules: null });
          assert.equal(drainGoesOn(ledger, drain), ['Draining', 'GaveUp'].includes(old) && oldOwner !== 'Released');
        }
      });
    }
  }

  test('without cordon, taints and drain has none', () => {
    assert.deepEqual(read({ ...VERSION_1, policies: {}, cordon: null, taints: [], drain: null }).marks, []);
  });

  test('of another Node of that name counts as none', () => {
    const annotations = { [LEDGER_ANNOTATION]: JSON.stringify({ ...VERSION_1, nodeUid: 'another' }) };
    assert.deepEqual(readLedger(sampleNode({ annotations })), { readable: true, ledger: null });
  });

  const broken: [what: string, more: object, problem: RegExp][] = [
    ['a cordon of nobody', { cordon: 'Mine' }, /owner must be Ours, Theirs or TakenAway, found "Mine"/],
    ['a taint of nobody', { taints: [{ ...SAMPLE_TAINT, owner: undefined }] }, /owner must be/],
    [
      'a taint whose effect is none',
      { taints: [{ ...SAMPLE_TAINT, effect: 'X', owner: 'Ours' }] },
      /effect must be one of/,
    ],
    ['a drain that is in no state', { drain: { state: 'Resting', since: SAMPLE_NOW } }, /drain.state must be/],
    ['no cordon that is said to be none', { cordon: undefined }, /owner must be/],
    ['policies that are a list', { policies: [] }, /policies must be an object/],
    ['no time', { since: undefined }, /since must be a string/],
  ];
  for (const [what, more, problem] of broken) {
    test(`with ${what} is unreadable, not empty`, () => {
      const annotations = { [LEDGER_ANNOTATION]: JSON.stringify({ ...VERSION_1, ...more }) };
      const reading = readLedger(sampleNode({ annotations }));
      assert.match(reading.readable ? '' : reading.problem, problem);
    });
  }
});
