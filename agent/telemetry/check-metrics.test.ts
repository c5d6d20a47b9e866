import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Registry } from 'prom-client';
import { readSamples, samplesOf } from '../../test/harness/metrics-text.ts';
import { NEW_HEALTH } from '../core/health.ts';
import type { Ledger } from '../core/ledger.ts';
import type { Roster } from '../core/roster.ts';
import { SAMPLE_NOW, samplePolicy } from '../core/samples.ts';
import { createCheckMetrics } from './check-metrics.ts';

const START = Date.parse(SAMPLE_NOW) / 1000;
const INFO = 'nsc_policy_failing_info';
const SINCE = 'nsc_policy_failing_since_timestamp_seconds';

function setUp() {
  const registry = new Registry();
  const clock = { nowMs: Date.parse('2026-01-01T00:10:00Z') };
  const read = async (name: string) => samplesOf(readSamples(await registry.metrics()), name);
  return { registry, clock, checks: createCheckMetrics(registry, () => clock.nowMs), read };
}

/** What of a policy matters here: its name, and whether it fails. */
function rosterWith(policies: Readonly<Record<string, boolean>>): Roster {
  const watch = ([name, failing]: [string, boolean]) =>
    [name, { policy: samplePolicy(name), health: { ...NEW_HEALTH, failing } }] as const;
  return new Map(Object.entries(policies).map(watch));
}

/** The policy a holds the node since then. */
function heldSince(since: string): Ledger {
  const policies = { a: { since, marks: { cordon: {} }, drain: null } };
  return { nodeUid: 'uid-1', since: SAMPLE_NOW, policies, marks: [] };
}

test('every verdict of a policy is there with 0 from when it applies, and its last result only after a run', async () => {
  const { checks, read } = setUp();
  checks.show(rosterWith({ a: false }), null);
  const none = {
    'policy="a",verdict="Healthy"': 0,
    'policy="a",verdict="Failed"': 0,
    'policy="a",verdict="Unknown"': 0,
  };
  assert.deepEqual(await read('nsc_check_results_total'), none);
  assert.deepEqual(await read('nsc_check_skipped_total'), { 'policy="a"': 0 });
  assert.deepEqual(await read('nsc_policy_failing'), { 'policy="a"': 0 });
  assert.deepEqual(await read('nsc_check_last_result'), {});

  checks.ended('a', 'Healthy', 0.2);
  checks.ended('a', 'Failed', 0.2);
  checks.show(rosterWith({ a: false }), null);
  const [healthy, failed] = ['policy="a",verdict="Healthy"', 'policy="a",verdict="Failed"'];
  assert.deepEqual(await read('nsc_check_results_total'), { ...none, [healthy]: 1, [failed]: 1 });
  assert.deepEqual(await read('nsc_check_last_result'), { ...none, [failed]: 1 });
  assert.deepEqual(await read('nsc_check_duration_seconds_sum'), { [healthy]: 0.2, [failed]: 0.2 });
});

test('no series of a policy outlives it', async () => {
  const { checks, registry } = setUp();
  checks.show(rosterWith({ a: true, 'gone-b': true }), heldSince(SAMPLE_NOW));
  for (const policy of ['a', 'gone-b']) {
    for (const verdict of ['Healthy', 'Failed', 'Unknown'] as const) checks.ended(policy, verdict, 1);
    checks.skipped(policy);
  }
  checks.show(rosterWith({ a: true }), null);
  const text = await registry.metrics();
  assert.doesNotMatch(text, /gone-b/);
  assert.match(text, /nsc_check_skipped_total\{policy="a"\} 1/);
});

test('since when a policy fails is there while it fails, and over a restart as the ledger remembers it', async () => {
  const { checks, read, clock } = setUp();
  const before = clock.nowMs / 1000;
  checks.show(rosterWith({ a: true, b: true, c: false }), null);
  const first = { 'policy="a"': before, 'policy="b"': before };
  assert.deepEqual(await read(SINCE), first);
  checks.show(rosterWith({ a: true, b: true, c: false }), heldSince(SAMPLE_NOW));
  assert.deepEqual(await read(SINCE), { ...first, 'policy="a"': START });
  checks.show(rosterWith({ a: true, b: true, c: false }), null);
  assert.deepEqual(await read(SINCE), { ...first, 'policy="a"': START });
  checks.show(rosterWith({ a: false, b: true, c: false }), null);
  assert.deepEqual(await read(SINCE), { 'policy="b"': before });
  clock.nowMs += 60_000;
  checks.show(rosterWith({ a: true, b: true, c: false }), null);
  assert.deepEqual(await read(SINCE), { 'policy="b"': before, 'policy="a"': before + 60 }, 'it fails anew');
});

test('what a check said is there while it fails, once, and as it began to fail', async () => {
  const { checks, read } = setUp();
  const failing = (mapped: string | null, words: string): Roster => {
    const health = { ...NEW_HEALTH, failing: true };
    const said = { status: 'Failed', reason: 'exit code 2', mapped, words } as const;
    return new Map([['a', { policy: samplePolicy('a'), health, said }]]);
  };
  checks.show(rosterWith({ a: false }), null);
  assert.deepEqual(await read(INFO), {});
  checks.show(failing('DiskFull', 'sda is full'), null);
  const series = { 'policy="a",reason="DiskFull",words="sda is full"': 1 };
  assert.deepEqual(await read(INFO), series);
  checks.show(failing('DiskFull', 'sda is full'), heldSince(SAMPLE_NOW));
  assert.deepEqual(await read(INFO), series);
  checks.show(failing(null, ''), null);
  assert.deepEqual(await read(INFO), { 'policy="a",reason="",words=""': 1 }, 'one at a time');
  checks.show(rosterWith({ a: false }), null);
  assert.deepEqual(await read(INFO), {});
  checks.show(failing('DiskFull', 'sda is full'), null);
  checks.show(new Map(), null);
  assert.deepEqual(await read(INFO), {});
});

test('a ledger whose time cannot be read leaves what is known', async () => {
  const { checks, read, clock } = setUp();
  checks.show(rosterWith({ a: true }), heldSince('yesterday'));
  assert.deepEqual(await read(SINCE), { 'policy="a"': clock.nowMs / 1000 });
});

test('that a healthy check fails is counted, once however long it goes on, and whatever comes in between says nothing', async () => {
  const { checks, read } = setUp();
  checks.show(rosterWith({ a: false }), null);
  assert.deepEqual(await read('nsc_check_turns_total'), { 'policy="a"': 0 });
  for (const verdict of ['Failed', 'Healthy', 'Unknown', 'Failed', 'Failed', 'Unknown', 'Healthy', 'Failed'] as const) {
    checks.ended('a', verdict, 1);
  }
  assert.deepEqual(await read('nsc_check_turns_total'), { 'policy="a"': 2 });
});

test('a check that says nothing shows for as long as that lasts', async () => {
  const { checks, read } = setUp();
  const roster = rosterWith({ a: false });
  const silent = new Map(
    [...roster].map(([name, watched]) => [
      name,
      { ...watched, silence: { runs: 3, lasting: { sinceMs: 0, why: 'x' } } },
    ]),
  );
  const shown: unknown[] = [];
  for (const each of [roster, silent, roster]) {
    checks.show(each, null);
    shown.push((await read('nsc_policy_unknown'))['policy="a"']);
  }
  assert.deepEqual(shown, [0, 1, 0]);
});

test('what checks leave behind is shown of the policies that apply, 0 of those that leave nothing', async () => {
  const { checks, read } = setUp();
  checks.show(rosterWith({ a: false, b: false }), null);
  const left = { processes: 3, example: 'sleep 60' };
  checks.leftOutside(
    new Map([
      ['a', left],
      ['gone', left],
    ]),
  );
  assert.deepEqual(await read('nsc_check_left_behind_processes'), { 'policy="a"': 3, 'policy="b"': 0 });
  checks.show(rosterWith({ b: false }), null);
  assert.deepEqual(await read('nsc_check_left_behind_processes'), { 'policy="b"': 0 });
});
