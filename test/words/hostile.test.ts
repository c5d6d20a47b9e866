import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import fc from 'fast-check';
import { bytesOf } from '../../agent/core/short-text.ts';
import { wordsOf } from '../../agent/core/words.ts';
import { skipWithout } from '../harness/binaries.ts';
import { lintMetrics } from '../harness/promtool.ts';
import { HOSTILE_OUTPUTS, HOSTILE_PARTS } from './hostile-outputs.ts';
import { type Shown, shownOf } from './shown.ts';

/** Whatever a script writes, it is shown as what it wrote, and as nothing else. */

const NOTHING = Buffer.alloc(0);
/** Of a message of an Event, and of a condition, as the API server takes them. */
const MAX_EVENT_BYTES = 1_024;
const MAX_CONDITION_BYTES = 32_768;
const REASON = /^[A-Za-z]([A-Za-z0-9_,:]*[A-Za-z0-9_])?$/;
const HIDDEN = /[\p{Cc}\p{Cf}\p{Cs}\u2028\u2029]/u;
const QUOTED = /"(?:[^"\\]|\\.)*"/g;
const FIELDS = new Set(
  'time level msg policy reason words mapped failures successes failureThreshold stream bytes output because'
    .split(' ')
    .concat('command node mark type status'.split(' ')),
);
const SAMPLE = /^[a-z_]+(?:\{(?:[a-z_]+="(?:[^"\\\n]|\\[\\"n])*"(?:,(?=[a-z])|(?=\})))*\})? [-+.0-9eInfNa]+$/;

suite('of every hostile output', () => {
  for (const [what, bytes] of HOSTILE_OUTPUTS) {
    test(what, async () => {
      await judge(bytes, NOTHING);
      await judge(bytes, bytes, 'LastLine');
    });
  }
});

test('the table is as long as it was promised to be', () => assert.ok(HOSTILE_OUTPUTS.length >= 200));

test('Prometheus reads every page of metrics as it is', { skip: skipWithout('promtool') }, async () => {
  const pages = await Promise.all(HOSTILE_OUTPUTS.map(async ([, bytes]) => (await shownOf(bytes, NOTHING)).metrics));
  const series = pages.flatMap((page) => /^nsc_policy_failing_info\{.*$/m.exec(page) ?? []);
  assert.equal(series.length, pages.length);
  // One page with all of them: the same text twice would be a series that is there twice.
  const all = [...new Set(series)].join('\n');
  assert.deepEqual(await lintMetrics((pages[0] ?? '').replace(/^nsc_policy_failing_info\{.*$/m, () => all)), []);
});

test('whatever is put together of them', async () => {
  const anyText = fc
    .array(fc.oneof(fc.constantFrom(...HOSTILE_PARTS), fc.string({ unit: 'binary', maxLength: 8 })), { maxLength: 30 })
    .map((parts) => Buffer.from(parts.join('')));
  const anyBytes = fc.oneof(
    { weight: 3, arbitrary: anyText },
    { weight: 1, arbitrary: fc.uint8Array({ maxLength: 400 }).map((bytes) => Buffer.from(bytes)) },
  );
  await fc.assert(fc.asyncProperty(anyBytes, anyBytes, fc.constantFrom('FirstLine', 'LastLine'), judge), {
    numRuns: 300,
  });
});

async function judge(stdout: Buffer, stderr: Buffer, which: 'FirstLine' | 'LastLine' = 'FirstLine'): Promise<void> {
  const shown = await shownOf(stdout, stderr, which);
  const kept = (bytes: Buffer) => new TextDecoder().decode(bytes.subarray(0, 4096), { stream: bytes.length > 4096 });
  const words = wordsOf({ stdout: kept(stdout), stderr: kept(stderr) }, which);
  assert.doesNotMatch(words, HIDDEN);
  assert.ok(bytesOf(words) <= 256 && words.isWellFormed());
  const after = words === '' ? '' : `: ${words}`;
  judgeEvents(shown, after);
  judgeConditions(shown, after);
  const streams = [stdout, stderr].filter((bytes) => kept(bytes).trimEnd() !== '').length;
  judgeText(shown, words, streams);
  judgeJson(shown, words, streams);
  judgeMetrics(shown, words);
  judgeStatus(shown, words);
}

function judgeEvents({ events }: Shown, after: string): void {
  const ofCheck = events.filter(({ topic }) => topic === 'check');
  assert.deepEqual(
    ofCheck.map(({ reason, policy, message }) => [reason, policy, message]),
    [
      ['CheckFailing', 'a', `Policy a: check failed 1 times in a row, last: exit code 2 (DiskFull)${after}`],
      ['CheckRecovered', 'a', `Policy a: check is healthy again${after}`],
    ],
  );
  for (const { message } of events) assert.ok(bytesOf(message) <= MAX_EVENT_BYTES);
  const others = events.filter(({ topic }) => topic !== 'check').map(({ reason }) => reason);
  assert.deepEqual(others, ['NodeCordoned', 'NodeReleased']);
}

function judgeConditions({ conditions }: Shown, after: string): void {
  assert.deepEqual(
    conditions.map(({ type, status, reason, message }) => [type, status, reason, message]),
    [
      ['AHealthy', 'False', 'DiskFull', `Policy a: check is failing (DiskFull)${after}`],
      ['AHealthy', 'True', 'CheckHealthy', `Policy a: check is healthy, last: exit code 0${after}`],
    ],
  );
  for (const { reason, message } of conditions) {
    assert.match(reason, REASON);
    assert.ok(bytesOf(message) <= MAX_CONDITION_BYTES);
  }
}

/** Every line without what stands in quotes is one of those that there are, in their order. */
function judgeText({ text }: Shown, words: string, streams: number): void {
  for (const line of text) {
    assert.match(line, /^[^\n]+\n$/);
    assert.doesNotMatch(line.slice(0, -1), HIDDEN);
  }
  const said = words === '' ? '' : ' words=';
  const bare = text.map((line) => line.slice(0, -1).replace(QUOTED, ''));
  const output = (level: string) => Array<string>(streams).fill(`${level}: check output policy=a`);
  const begins = bare.map((line) => /^(INFO|DEBUG): check output policy=a/.exec(line)?.[0] ?? line);
  assert.deepEqual(begins, [
    'INFO: Running /opt/checks/a.sh policy=a',
    `[💥FAIL] non-zero return code. Noticed 1 times. (threshold is 1) policy=a${said}`,
    ...output('INFO'),
    `⚠ WARN: Detected the monitored service is down! policy=a${said}`,
    '⚠ WARN: Cordoning node node-1',
    'INFO: Running /opt/checks/a.sh policy=a',
    `[✅OK] return code was zero. policy=a${said}`,
    ...output('DEBUG'),
    `INFO: The monitored service is up again policy=a${said}`,
    'INFO: Uncordoning node node-1',
    'INFO: Node node-1 is given back',
  ]);
  const unquoted = /^\w+: check output policy=a stream=std(out|err) bytes=\d+ output=[^\s"=\\]*$/u;
  for (const line of bare) if (line.includes(': check output')) assert.match(line, unquoted);
  const quotes = text.flatMap((line) => [...(/ words=("(?:[^"\\]|\\.)*")\n$/.exec(line)?.slice(1) ?? [])]);
  assert.deepEqual(
    quotes.map((quoted) => JSON.parse(quoted)),
    words === '' ? [] : Array(4).fill(words),
  );
}

function judgeJson({ json }: Shown, words: string, streams: number): void {
  const entries = json.map((line) => {
    assert.match(line, /^[^\n]+\n$/);
    assert.doesNotMatch(line.slice(0, -1), HIDDEN);
    return JSON.parse(line) as Record<string, unknown>;
  });
  const outputs = Array<string>(streams).fill('check output');
  assert.deepEqual(
    entries.map(({ msg }) => msg),
    [
      'running check',
      'check failed',
      ...outputs,
      'policy failing',
      'node changed: Cordoned',
      'running check',
      'check healthy',
      ...outputs,
      'policy recovered',
      'node changed: Uncordoned',
      'node changed: GivenBack',
    ],
  );
  for (const entry of entries) {
    for (const field of Object.keys(entry)) assert.ok(FIELDS.has(field), field);
    assert.ok(entry.policy === 'a' || entry.node === 'node-1');
    assert.ok(entry.words === undefined || entry.words === words);
  }
  assert.equal(entries.filter((entry) => entry.words !== undefined).length, words === '' ? 0 : 4);
  assert.deepEqual(
    entries.flatMap(({ mapped }) => mapped ?? []),
    ['DiskFull', 'DiskFull'],
  );
}

function judgeMetrics({ metrics }: Shown, words: string): void {
  const lines = metrics.split('\n').filter((line) => line !== '');
  for (const line of lines) if (!line.startsWith('# ')) assert.match(line, SAMPLE);
  const escaped = words.replaceAll('\\', '\\\\').replaceAll('"', '\\"');
  const wanted = `nsc_policy_failing_info{policy="a",reason="DiskFull",words="${escaped}"} 1`;
  assert.deepEqual(
    lines.filter((line) => line.startsWith('nsc_policy_failing_info{')),
    [wanted],
  );
  const failing = lines.filter((line) => line.startsWith('nsc_policy_failing{'));
  assert.deepEqual(failing, ['nsc_policy_failing{policy="a"} 1', 'nsc_policy_failing{policy="b"} 0']);
}

function judgeStatus({ ledger, status, narrow, wide }: Shown, words: string): void {
  assert.equal(ledger?.policies.a?.words, words === '' ? undefined : words);
  assert.equal(ledger?.policies.a?.mapped, 'DiskFull');
  const [node] = status.nodes;
  assert.deepEqual(
    node?.said.map(({ policy, reason, words }) => [policy, reason, words]),
    [['a', 'DiskFull', words || null]],
  );
  for (const lines of [narrow, wide]) {
    assert.equal(lines.length, narrow.length);
    for (const line of lines) assert.doesNotMatch(line, HIDDEN);
    assert.equal(lines.filter((line) => /^node-1 {3,}a {3,}/.test(line)).length, 1);
  }
  for (const line of narrow.slice(1)) assert.ok([...line.replace(/\p{M}/gu, '')].length <= 100, line);
  const said = `DiskFull${words === '' ? '' : `: ${words}`}`;
  assert.ok(
    wide.some((line) => line.startsWith('node-1   a') && line.endsWith(said.trimEnd())),
    said,
  );
}
