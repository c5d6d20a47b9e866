import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import type { Taint } from '../core/policy.ts';
import { SAMPLE_DRAIN, sampleBudget } from '../core/samples.ts';
import { columnsOf } from './table.ts';
import { formatTriedJson } from './try-json.ts';
import { type SampleTried, sampleTried } from './try-samples.ts';
import { formatSummary, formatTried } from './try-text.ts';

// biome-ignore lint/suspicious/noControlCharactersInRegex: they are what must not be there
const UNSEEN = /[\x00-\x1f\x7f-\x9f\p{Cf}\p{Cs}\p{Zl}\p{Zp}]/u;

const textOf = (sample: SampleTried) => formatTried(sampleTried(sample), { columns: 100 });
/** The lines of one label. */
const sectionOf = (label: string, sample: SampleTried) => {
  const lines = textOf(sample).slice(1);
  const from = lines.findIndex((line) => line.startsWith(`    ${label} `));
  const to = lines.findIndex((line, index) => index > from && /^ {4}\S/.test(line));
  return from < 0 ? [] : lines.slice(from, to < 0 ? undefined : to).map((line) => line.slice(14));
};

test('a check that failed is told in whole', () => {
  const lines = textOf({
    name: 'storage-daemon',
    check: {
      command: ['/opt/checks/storage.sh', '--deep', "a b's"],
      exitCodes: { unknown: [], reasons: { 2: 'DiskFull' } },
    },
    runs: [{ code: 2, stdout: 'DISK CRITICAL\nmore\n', stdoutBytes: 19 }],
  });
  assert.deepEqual(lines, [
    'storage-daemon: Failed, exit code 2 (DiskFull), after 0.2 s',
    "    command   /opt/checks/storage.sh --deep 'a b'\\''s'",
    '    words     DISK CRITICAL',
    '    stdout    DISK CRITICAL',
    '              more',
    '    agent     after 4 such runs in a row (15 s after the first; 15 s after the policy is in force)',
    '              it would cordon the node',
  ]);
});

describe('the first line says', () => {
  for (const [rest, sample] of [
    ['Healthy, exit code 0, after 12 ms', { runs: [{ code: 0, durationMs: 12 }] }],
    ['Unknown, exit code 127, after 0.2 s', { runs: [{ code: 127 }] }],
    ['Unknown, killed by SIGSEGV, after 0.2 s', { runs: [{ ended: { kind: 'Signaled', signal: 'SIGSEGV' } }] }],
    ['Unknown, timed out, after 5.0 s', { runs: [{ ended: { kind: 'TimedOut' }, durationMs: 5_003 }] }],
    [
      'Failed, wrote to stderr (exit code 2, DiskFull), after 0.2 s',
      { check: { exitCodes: { unknown: [], reasons: { 2: 'DiskFull' } } }, runs: [{ code: 2, stderr: 'x' }] },
    ],
    ['Failed, wrote to stderr (exit code 0), after 0.2 s', { runs: [{ code: 0, stderr: 'x' }] }],
    [
      'Fatal, wrote to stderr (timed out), after 0.2 s',
      { check: { onStderr: 'Fatal' }, runs: [{ ended: { kind: 'TimedOut' }, stderr: 'x' }] },
    ],
    [
      'Unknown, could not be started: /x: is a directory, after 0 ms',
      { runs: [{ ended: { kind: 'NotStarted', reason: '/x: is a directory' }, durationMs: 0 }] },
    ],
    ['3 runs, one right after the other: 1 Healthy, 2 Failed', { runs: [{}, { code: 0 }, {}] }],
  ] as [string, SampleTried][]) {
    test(rest, () => assert.equal(textOf(sample)[0], `storage: ${rest}`));
  }
});

describe('what the agent would do:', () => {
  const drain = SAMPLE_DRAIN;
  const taint: Taint = { key: 'sick', value: 'true', effect: 'NoSchedule' };
  const ONCE = 'after one such run (0.2 s after the policy is in force) it would ';
  const once = { failureThreshold: 1 };
  const nodeCondition = 'FooOk';
  const runsOf = (letters: string) => [...letters].map((letter) => ({ code: letter === 'F' ? 1 : 0 }));
  for (const [told, sample] of [
    ['nothing: a healthy check adds nothing to the node', { runs: [{ code: 0 }] }],
    ['nothing, however often: Unknown is never counted', { runs: [{ code: 126 }] }],
    [
      'it would end itself with exit code 1 and leave the node as it is (onStderr: Fatal)',
      { check: { onStderr: 'Fatal' }, runs: [{ stderr: 'x' }] },
    ],
    [`${ONCE}cordon the node`, { check: once }],
    [`${ONCE}taint the node sick=true:NoSchedule`, { check: once, actions: { cordon: false, taint } }],
    [`${ONCE}cordon the node, taint it sick=true:NoSchedule and drain it`, { check: once, actions: { taint, drain } }],
    [
      `${ONCE}cordon the node, drain it and taint it sick=true:NoExecute`,
      { check: once, actions: { taint: { ...taint, effect: 'NoExecute' }, drain } },
    ],
    [`${ONCE}only say so: the policy has no actions`, { check: once, actions: { cordon: false } }],
    [`${ONCE}only say that it would cordon the node (mode: Observe)`, { check: once, spec: { mode: 'Observe' } }],
    [
      `${ONCE}change nothing, since the policy is paused; else it would cordon the node`,
      { check: once, spec: { paused: true } },
    ],
    [
      `${ONCE}only say that it would cordon the node (mode: Observe, and it is paused)`,
      { check: once, spec: { mode: 'Observe', paused: true } },
    ],
    [
      `${ONCE}set the node's condition FooOk to False (CheckFailing)`,
      { check: once, actions: { cordon: false }, spec: { nodeCondition } },
    ],
    [
      `${ONCE}cordon the node, and set the node's condition FooOk to False (DiskFull)`,
      { check: { ...once, exitCodes: { unknown: [], reasons: { 1: 'DiskFull' } } }, spec: { nodeCondition } },
    ],
    [
      `${ONCE}only say that it would set the node's condition FooOk to False (CheckFailing) (mode: Observe)`,
      { check: once, actions: { cordon: false }, spec: { nodeCondition, mode: 'Observe' } },
    ],
    [
      `${ONCE}change nothing, since the policy is paused; else it would set the node's condition FooOk to False (CheckFailing)`,
      { check: once, actions: { cordon: false }, spec: { nodeCondition, paused: true } },
    ],
    [
      `${ONCE}cordon the node; budget a must grant that first; without asking a budget it would set the node's condition FooOk to False (CheckFailing)`,
      { check: once, spec: { nodeCondition }, budgets: [sampleBudget('a')] },
    ],
    [
      "nothing: a healthy check adds nothing to the node; the node's condition FooOk would be True (CheckHealthy)",
      { runs: [{ code: 0 }], spec: { nodeCondition } },
    ],
    [
      'nothing: a healthy check adds nothing to the node',
      { runs: [{ code: 0 }], spec: { nodeCondition, paused: true } },
    ],
    [
      "it would end itself with exit code 1 and leave the node as it is (onStderr: Fatal); the node's condition FooOk would be Unknown (CheckUnknown)",
      { check: { onStderr: 'Fatal' }, runs: [{ stderr: 'x' }], spec: { nodeCondition } },
    ],
    [
      'after run 4 (15 s after the first; 15 s after the policy is in force) it would cordon the node; at run 6 (25 s after the first) it would undo that; at run 11 (50 s after the first) it would do so again; at run 13 (60 s after the first) it would undo that; after these runs nothing of that stands',
      { check: { successThreshold: 2 }, runs: runsOf('FFFFHHHFFFFHHH') },
    ],
    [
      'after run 3 (10 s after the first; 10 s after the policy is in force) it would cordon the node; at run 4 (15 s after the first) it would undo that; after these runs nothing of that stands; after 3 such runs in a row (30 s after the first) it would do so again',
      { check: { failureThreshold: 3 }, runs: runsOf('FFFHF') },
    ],
    [
      "after the first run (0.2 s after the policy is in force) it would set the node's condition FooOk to False (CheckFailing); at run 2 (5.0 s after the first) it would undo that and set FooOk to True; at run 3 (10 s after the first) it would do so again; after these runs that stands",
      { check: once, actions: { cordon: false }, spec: { nodeCondition }, runs: runsOf('FHF') },
    ],
    [
      'after the first run (0.2 s after the policy is in force) it would only say that it would cordon the node (mode: Observe); at run 2 (5.0 s after the first) the policy would have recovered; after these runs the policy does not fail',
      { check: once, spec: { mode: 'Observe' }, runs: runsOf('FH') },
    ],
    [
      'after the first run (0.2 s after the policy is in force) it would cordon the node; at run 2 (5.0 s after the first) it would undo that; at run 3 (10 s after the first) it would do so again; at run 4 (15 s after the first) it would undo that; and so on, 996 more times; after these runs nothing of that stands',
      { check: once, runs: runsOf('FH'.repeat(500)) },
    ],
    [
      'after the first run (0.2 s after the policy is in force) it would cordon the node; it would end itself with exit code 1 and leave the node as it is (onStderr: Fatal)',
      { check: { ...once, onStderr: 'Fatal' }, runs: [{}, { stderr: 'x' }] },
    ],
    [
      `${ONCE}cordon the node; budget a must grant that first; budget b, if it selects this node, grants that to none (maxUnavailable: 0)`,
      {
        check: once,
        budgets: [
          sampleBudget('a'),
          sampleBudget('b', { nodeSelector: { matchLabels: { a: 'b' } }, maxUnavailable: 0 }),
        ],
      },
    ],
    [
      `${ONCE}cordon the node; budget a must grant that first; budget b must grant that first; budget c must grant that first; and so for 2 more budgets`,
      { check: once, budgets: ['a', 'b', 'c', 'd', 'e'].map((name) => sampleBudget(name)) },
    ],
    [
      'after 4 such runs in a row (3h after the first; 3h1m after the policy is in force) it would cordon the node',
      { check: { periodSeconds: 3600, initialDelaySeconds: 60 } },
    ],
    [
      'after 4 such runs in a row (30 s after the first; 36 s after the policy is in force) it would cordon the node; a run is not over when the next is due (periodSeconds: 5), so one starts every 10 s',
      { runs: [{ durationMs: 6_000 }] },
    ],
    [
      'after one such run (6.0 s after the policy is in force) it would cordon the node',
      { check: once, runs: [{ durationMs: 6_000 }] },
    ],
    [
      'after run 2 (5.0 s after the first; 5.2 s after the policy is in force) it would cordon the node, and take that back after 2 healthy runs in a row',
      { check: { failureThreshold: 2, successThreshold: 2 }, runs: [{}, {}, { code: 0 }] },
    ],
    [
      'after the first run (0.2 s after the policy is in force) it would cordon the node',
      { check: once, runs: [{}, {}] },
    ],
    [
      'after 4 such runs in a row (15 s after the first; 15 s after the policy is in force) it would cordon the node',
      { runs: [{}, {}] },
    ],
  ] as [string, SampleTried][]) {
    test(told, () => assert.equal(sectionOf('agent', sample).join(' '), told));
  }
});

describe('a series', () => {
  const lines = (sample: SampleTried) => textOf(sample).map((line) => line.trim());

  test('shows as well what the run wrote at which the policy begins to fail, and says whose output is shown', () => {
    const runs = ['one', 'two', 'three'].map((stdout) => ({ stdout }));
    assert.deepEqual(textOf({ runs, check: { failureThreshold: 2, words: 'None' } }).slice(2, 8), [
      '    run 1     Failed, exit code 1, after 0.2 s',
      '    run 2     Failed, exit code 1, after 0.2 s',
      '    stdout    two',
      '    run 3     Failed, exit code 1, after 0.2 s',
      '    stdout    three',
      '    shown     the output of the last run of each verdict, and of the run at which the policy begins',
    ]);
  });

  test('of which all is shown does not say so', () =>
    assert.deepEqual(sectionOf('shown', { runs: [{}, { code: 0 }] }), []));

  test('has a line for each run, and what the last of each verdict wrote', () => {
    const runs = ['one', 'two', 'three'].map((stdout, index) => ({ stdout, code: index % 2 }));
    assert.deepEqual(textOf({ runs, check: { failureThreshold: 2 } }).slice(2, 9), [
      '    run 1     Healthy, exit code 0, after 0.2 s',
      '    run 2     Failed, exit code 1, after 0.2 s',
      '    words     two',
      '    stdout    two',
      '    run 3     Healthy, exit code 0, after 0.2 s',
      '    words     three',
      '    stdout    three',
    ]);
  });

  for (const [told, sample] of [
    ['the policy does not fail (2 failures in a row, failureThreshold: 4)', { runs: [{}, {}] }],
    [
      'the policy fails from run 2 on (3 failures in a row, failureThreshold: 2)',
      { check: { failureThreshold: 2 }, runs: [{}, {}, {}] },
    ],
    [
      'the policy fails from run 1 on, has recovered at run 2 (0 failures in a row, failureThreshold: 1)',
      { check: { failureThreshold: 1 }, runs: [{}, { code: 0 }] },
    ],
    [
      'the policy fails from run 1 on, has recovered at run 2, fails from run 3 on, has recovered at run 4, and so on, 995 more times, and fails at the end (1 failure in a row, failureThreshold: 1)',
      { check: { failureThreshold: 1 }, runs: Array.from({ length: 999 }, (_, index) => ({ code: (index + 1) % 2 })) },
    ],
    [
      'the policy does not fail (0 failures in a row, failureThreshold: 4); 4 more runs left out, since the agent has ended',
      { check: { onStderr: 'Fatal' }, runs: [{ stderr: 'x' }], leftOut: 4 },
    ],
    [
      'the policy does not fail (1 failure in a row, failureThreshold: 4); 1 more run left out, since what is left of the last one does not end',
      { runs: [{ isGone: false }], leftOut: 1 },
    ],
  ] as [string, SampleTried][]) {
    test(`adds up to: ${told}`, () => assert.equal(sectionOf('adds up', sample).join(' '), told));
  }

  test('of one run has no sum', () => assert.ok(!lines({}).some((line) => line.startsWith('adds up'))));
});

test('nothing is wrapped where the columns have no end', () => {
  const words = ['word', ...Array.from({ length: 60 }, () => 'word')] as const;
  const left = {
    inGroup: Array.from({ length: 5 }, (_, index) => ({ pid: index, name: 'a'.repeat(30) })),
    outside: [],
  };
  const tried = sampleTried({ check: { command: [...words] }, runs: [{ stdout: words.join(' '), left }] });
  const lines = formatTried(tried, { columns: Infinity });
  const labels = lines.slice(1).map((line) => line.slice(4, 14).trim());
  assert.deepEqual(labels, ['command', 'words', 'stdout', 'left', 'agent']);
});

describe('what a script wrote', () => {
  test('is shown by its first lines, and how much more there is', () => {
    const stdout = Array.from({ length: 50 }, (_, index) => `line ${index}\n`).join('');
    const shown = sectionOf('stdout', { runs: [{ stdout }] });
    assert.deepEqual(
      [shown.length, shown[19], shown[20]],
      [21, 'line 19', '… 30 more lines; --output json has what was kept'],
    );
  });

  test('is wrapped, and says what was not kept', () => {
    const shown = sectionOf('stdout', {
      runs: [{ stdout: 'x'.repeat(100), stdoutBytes: 100_000_000, stdoutEnd: 'a\nb\n' }],
    });
    assert.deepEqual(shown, [
      'x'.repeat(86),
      'x'.repeat(14),
      '… 100000000 bytes in all, of which the first 4096 are kept',
      '… and at its end:',
      'a',
      'b',
    ]);
  });

  test('is none where there is none', () => {
    assert.deepEqual(sectionOf('output', {}), ['none']);
    assert.deepEqual(sectionOf('output', { runs: [{ stderr: 'x' }] }), []);
  });
});

test('a command can be pasted into a shell, in one line', () => {
  const command: [string, ...string[]] = [
    'printf',
    '%s\\0',
    "a b's",
    "one\n\ttwo\\n'three'\n",
    '\x1b[31m7\u009b\u202e\u2028é',
    '',
    '$HOME `id` ~ "x"',
  ];
  const [line = '', ...more] = formatTried(sampleTried({ check: { command } }), { columns: Infinity }).slice(1);
  assert.match(more[0] ?? '', /^ {4}output /);
  assert.match(line, / \$'one\\n\\ttwo\\\\n\\'three\\'\\n' /);
  const { stdout } = spawnSync('bash', ['-c', line.slice(14)], { encoding: 'utf8' });
  assert.deepEqual(stdout.split('\0').slice(0, -1), command.slice(2));
});

test('what is left behind is named', () => {
  const processes = Array.from({ length: 7 }, (_, index) => ({ pid: index + 1, name: 'sleep' }));
  const left = { inGroup: processes, outside: [{ pid: 9, name: 'evil\x1b[2J' }] };
  assert.deepEqual(sectionOf('left', { runs: [{ left, isGone: false }] }), [
    'sleep (pid 1), sleep (pid 2), sleep (pid 3), sleep (pid 4), sleep (pid 5) and 2 more',
    'in its process group, killed',
    'evil\\u{1b}[2J (pid 9) outside of its process group, still running',
    'the run was given up and is not over; an agent starts no other one beside it',
  ]);
});

test('a selector is told as kubectl has it', () => {
  const nodeSelector = {
    matchLabels: { role: 'storage' },
    matchExpressions: [
      { key: 'zone', operator: 'In', values: ['a', 'b'] },
      { key: 'old', operator: 'NotIn', values: ['c'] },
      { key: 'ssd', operator: 'Exists' },
      { key: 'gpu', operator: 'DoesNotExist' },
    ],
  } as const;
  const shown = sectionOf('only on', { spec: { nodeSelector: structuredClone(nodeSelector) as never } });
  assert.match(shown.join(' '), /^nodes with role=storage,zone in \(a,b\),old notin \(c\),ssd,!gpu \(nodeSelector; /);
});

test('many checks have a table, with where they stand if there are several places', () => {
  const all = [
    sampleTried({ name: 'a', runs: [{ code: 0, stdout: 'fine' }] }),
    sampleTried({
      name: 'b',
      runs: [{}, { code: 127, stdout: `odd ${'x'.repeat(100)}` }, { code: 0 }],
      source: 'checks/one',
    }),
  ];
  assert.deepEqual(formatSummary(all, false), [
    '2 checks: 1 Healthy, 1 Unknown',
    '',
    'POLICY   VERDICT                          TIME    WHY',
    'a        Healthy                          0.2 s   exit code 0: fine',
    `b        1 Healthy, 1 Failed, 1 Unknown   0.2 s   exit code 127: odd ${'x'.repeat(30)}…`,
  ]);
  assert.match(formatSummary(all, true)[4] ?? '', /^b {8}checks\/one {3}1 Healthy/);
});

describe('whatever a script writes', () => {
  const text = fc.oneof(
    fc.string({ unit: 'binary', maxLength: 300 }),
    fc.string({
      unit: fc.constantFrom('\x00', '\x1b', '\n', '\r', '\t', 'A', ' ', '\u009b', '\u202e', '\u0301', '漢', '💥'),
    }),
  );
  const anything = fc.record({
    stdout: text,
    stderr: text,
    stdoutEnd: text,
    stderrEnd: text,
    reason: text,
    name: text,
  });
  const play = (check: (tried: ReturnType<typeof sampleTried>) => void) =>
    fc.assert(
      fc.property(anything, fc.nat(5_000), ({ stdout, stderr, stdoutEnd, stderrEnd, reason, name }, bytes) => {
        const left = { inGroup: [{ pid: 1, name }], outside: [] };
        const ended = { kind: 'NotStarted', reason } as const;
        const run = { stdout, stderr, stdoutEnd, stderrEnd, stdoutBytes: bytes, stderrBytes: bytes, left };
        check(sampleTried({ check: { command: [reason || 'x', stdout] }, runs: [run, { ...run, ended }] }));
      }),
    );

  test('every line is visible text of at most 100 columns', () => {
    play((tried) => {
      for (const line of [
        ...formatTried(tried, { columns: 100, isSourceTold: true }),
        ...formatSummary([tried, tried], false),
      ]) {
        assert.doesNotMatch(line, UNSEEN);
        assert.ok(columnsOf(line) <= 100, line);
      }
    });
  });

  test('JSON is one line of visible text, and says all of it', () => {
    play((tried) => {
      const json = formatTriedJson([tried], 'node-1');
      assert.doesNotMatch(json, UNSEEN);
      const { runs } = JSON.parse(json).checks[0];
      const told = ({ outcome }: (typeof tried.runs)[number]) => [outcome.stdout, outcome.stderr];
      assert.deepEqual(
        runs.map((run: { stdout: { text: string }; stderr: { text: string } }) => [run.stdout.text, run.stderr.text]),
        tried.runs.map(told),
      );
    });
  });
});
