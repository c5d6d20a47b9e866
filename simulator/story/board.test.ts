import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { stripVTControlCharacters } from 'node:util';
import { type BoardOptions, type BoardRow, type BoardState, renderBoard } from './board.ts';

const HEALTHY: BoardRow = {
  node: 'node-a',
  check: { verdict: 'OK', failures: 0, threshold: 4, isStale: false },
  slot: undefined,
  cordoned: false,
  taints: [],
  pods: 3,
  lastEvent: { reason: 'PolicyReloaded', ageSeconds: 9.7 },
};
const SICK: BoardRow = {
  node: 'node-b',
  check: { verdict: 'FAIL', failures: 4, threshold: 4, isStale: false },
  slot: 'Held',
  cordoned: true,
  taints: ['nodeServiceCheckFailed'],
  pods: 3,
  lastEvent: { reason: 'NodeTainted', ageSeconds: 0.2 },
};
const DENIED: BoardRow = { ...HEALTHY, node: 'node-c', check: SICK.check, slot: 'Denied' };
const NEW: BoardRow = { ...HEALTHY, node: 'node-d', check: undefined, lastEvent: undefined };
const STATE: BoardState = {
  elapsedMs: 9_876,
  chapter: 'node-b fails on.',
  rows: [HEALTHY, SICK, DENIED, NEW],
  happenings: [{ atMs: 9_800, who: 'node-b', text: 'the agent cordoned the node' }],
};
const PLAIN: BoardOptions = { columns: 100, rows: 24, colors: false };

describe('the board', () => {
  it('shows the chapter, a row for each node with its slot, and what happened', () => {
    assert.deepEqual(renderBoard(STATE, PLAIN), [
      '  9.9s  node-b fails on.',
      '',
      'NODE    CHECK     SLOT  CORDON  TAINT                   PODS  LAST EVENT',
      'node-a  OK   0/4  -     -       -                       3     PolicyReloaded 9s',
      'node-b  FAIL 4/4  yes   yes     nodeServiceCheckFailed  3     NodeTainted 0s',
      'node-c  FAIL 4/4  no    -       -                       3     PolicyReloaded 9s',
      'node-d  -         -     -       -                       3     -',
      '',
      '  9.8s  node-b  the agent cordoned the node',
    ]);
  });

  it('colours the same text', () => {
    const colored = renderBoard(STATE, { ...PLAIN, colors: true });
    assert.ok(colored.join('\n').includes('\x1b[31mFAIL'));
    // Spaces at the end may be inside of a colour, where nobody sees them.
    const text = colored.map((line) => stripVTControlCharacters(line).trimEnd());
    assert.deepEqual(text, renderBoard(STATE, PLAIN));
  });

  for (const columns of [200, 100, 80, 40, 1]) {
    for (const colors of [true, false]) {
      it(`fits ${columns} columns ${colors ? 'with' : 'without'} colours, and never takes more than 100`, () => {
        const long = 'x'.repeat(300);
        const wide: BoardState = {
          ...STATE,
          chapter: long,
          rows: [{ ...SICK, node: 'a-node-with-a-long-name', taints: ['one', long] }, HEALTHY],
          happenings: [{ atMs: 1, who: 'node-b', text: long }],
        };
        const widths = renderBoard(wide, { ...PLAIN, columns, colors }).map((l) => stripVTControlCharacters(l).length);
        assert.equal(Math.max(...widths), Math.min(columns, 100));
      });
    }
  }

  it('tells what happened whole, on several lines if need be', () => {
    const text = `${'a word '.repeat(12)}${'x'.repeat(100)} end`;
    const lines = renderBoard({ ...STATE, happenings: [{ atMs: 0, who: 'node-b', text }] }, PLAIN).slice(-3);
    const indent = ' '.repeat(16);
    assert.deepEqual(lines, [
      `  0.0s  node-b  ${'a word '.repeat(12).trimEnd()}`,
      `${indent}${'x'.repeat(84)}`,
      `${indent}${'x'.repeat(16)} end`,
    ]);
  });

  it('fits 80 columns whole, whatever state a node is in', () => {
    const longest: BoardRow = { ...SICK, lastEvent: { reason: 'CheckRecovered', ageSeconds: 99 } };
    const lines = renderBoard({ ...STATE, rows: [longest] }, { ...PLAIN, columns: 80 });
    assert.match(lines.join('\n'), /CheckRecovered 99s$/m);
  });

  for (const rows of [24, 12, 8, 3]) {
    it(`leaves the last of ${rows} rows free, and shows the latest happenings`, () => {
      const happenings = Array.from({ length: 50 }, (_, i) => ({ atMs: i * 1000, who: 'story', text: `event ${i}` }));
      const lines = renderBoard({ ...STATE, happenings }, { ...PLAIN, rows });
      assert.ok(lines.length < rows, `${lines.length} lines`);
      if (rows > 9) assert.match(lines.at(-1) ?? '', /event 49$/);
    });
  }

  it('lets no text steer the terminal or take two columns', () => {
    const text = 'a\nb\x1b[2Jc\u202ed 💥';
    const lines = renderBoard({ ...STATE, happenings: [{ atMs: 0, who: 'node-b', text }] }, PLAIN);
    assert.equal(lines.at(-1), '  0.0s  node-b  a?b?[2Jc?d ?');
  });
});
