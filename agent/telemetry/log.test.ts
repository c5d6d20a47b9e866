import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { createLog, type LogEntry, type LogOptions } from './log.ts';

function lines(entry: LogEntry, options: Partial<LogOptions> = {}): string[] {
  const written: string[] = [];
  const now = () => new Date('2026-01-01T00:00:00Z');
  createLog({ format: 'text', debug: false, write: (line) => written.push(line), now, ...options })(entry);
  return written;
}

test('text is the level, the message and the fields', () => {
  const fields = { revision: 'abc', count: 2, absent: undefined, text: 'two words' };
  assert.deepEqual(lines({ level: 'info', message: 'policy in force', fields }), [
    'INFO: policy in force revision=abc count=2 text="two words"\n',
  ]);
});

test('a well-known line stands as it is', () => {
  assert.deepEqual(lines({ level: 'warn', message: 'm', text: '⚠ WARN: Cordoning node X', fields: { a: 1 } }), [
    '⚠ WARN: Cordoning node X\n',
  ]);
});

test('json has a constant message and the fields as data', () => {
  const entry = { level: 'warn', message: 'node changed', text: 'free', fields: { node: 'X' } } as const;
  const [line = ''] = lines(entry, { format: 'json' });
  const time = '2026-01-01T00:00:00.000Z';
  assert.deepEqual(JSON.parse(line), { time, level: 'warn', msg: 'node changed', node: 'X' });
});

test('debug entries are written on demand only', () => {
  assert.deepEqual(lines({ level: 'debug', message: 'm' }), []);
  assert.deepEqual(lines({ level: 'debug', message: 'm' }, { debug: true }), ['DEBUG: m\n']);
});

test('what a script prints can neither forge a line nor steer a terminal', () => {
  const output = 'a\nINFO: Uncordoning node X\u001b[2J';
  const [text = ''] = lines({ level: 'info', message: 'check output', fields: { output } });
  assert.equal(text.split('\n').length, 2);
  assert.ok(!text.includes('\u001b'));
  assert.deepEqual(lines({ level: 'info', message: 'm', text: output }), ['a\\nINFO: Uncordoning node X\\u001b[2J\n']);
});

suite('what is not seen is written as an escape, in both formats', () => {
  const hidden: [what: string, character: string, escaped: string][] = [
    ['a control sequence of the 8-bit form', '\u009b', '\\u009b'],
    ['DEL', '\u007f', '\\u007f'],
    ['the end of a line of Unicode', '\u2028', '\\u2028'],
    ['the end of a paragraph', '\u2029', '\\u2029'],
    ['the end of a line of EBCDIC', '\u0085', '\\u0085'],
    ['a mark that turns the direction', '\u202e', '\\u202e'],
    ['a tag of two units', '\u{e0041}', '\\udb40\\udc41'],
    ['half of a pair', '\ud800', '\\ud800'],
    ['NUL', '\0', '\\u0000'],
  ];
  for (const [what, character, escaped] of hidden) {
    test(what, () => {
      const output = `a${character}b`;
      const entry = { level: 'info', message: 'm', fields: { output } } as const;
      assert.deepEqual(lines(entry), [`INFO: m output="a${escaped}b"\n`]);
      assert.deepEqual(lines({ ...entry, text: output }), [`a${escaped}b\n`]);
      const [json = ''] = lines(entry, { format: 'json' });
      assert.ok(json.includes(`"a${escaped}b"`), json);
      assert.equal(JSON.parse(json).output, output);
    });
  }
});

test('a backslash is quoted as well, so that no text can be taken for an escape', () => {
  assert.deepEqual(lines({ level: 'info', message: 'm', fields: { output: 'a\\nb' } }), ['INFO: m output="a\\\\nb"\n']);
});
