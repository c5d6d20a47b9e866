import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { formatNarrowTable } from './table.ts';

suite('a narrow table', () => {
  test('shortens the last column to what 100 columns leave for it', () => {
    const [header, row] = formatNarrowTable([
      ['NODE', 'PROBLEM'],
      ['n'.repeat(40), 'x'.repeat(200)],
    ]);
    assert.equal(header, `NODE${' '.repeat(39)}PROBLEM`);
    assert.equal(row, `${'n'.repeat(40)}   ${'x'.repeat(56)}…`);
    assert.equal(row?.length, 100);
  });

  test('leaves alone what fits', () => {
    const rows = ['a   '.padEnd(104, 'x').slice(0, 100)];
    assert.deepEqual(formatNarrowTable([['a', 'x'.repeat(96)]]), rows);
  });

  test('counts what a terminal shows: two columns for an ideograph or an emoji, none for a mark', () => {
    assert.deepEqual(formatNarrowTable([['a', '日本🔥'.repeat(40)]]), [`a   ${'日本🔥'.repeat(15)}日本…`]);
    assert.deepEqual(formatNarrowTable([['a', 'é'.normalize('NFD').repeat(96)]]), [
      `a   ${'é'.normalize('NFD').repeat(96)}`,
    ]);
  });

  test('never shortens another column, and is wider rather', () => {
    const name = 'n'.repeat(120);
    assert.deepEqual(formatNarrowTable([[name, 'a problem of some length']]), [`${name}   a problem o…`]);
  });
});
