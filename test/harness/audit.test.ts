import assert from 'node:assert/strict';
import { appendFileSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { openAuditLog } from './audit.ts';

const line = (auditID: string) =>
  `${JSON.stringify({ auditID, stage: 'RequestReceived', verb: 'get', requestURI: '/', user: { username: 'a' } })}\n`;

function setUp(t: TestContext) {
  const dir = mkdtempSync(join(tmpdir(), 'nsc-audit-'));
  t.after(() => rmSync(dir, { recursive: true }));
  const path = join(dir, 'audit.log');
  return { path, open: () => openAuditLog(path) };
}

test('a line that is being written counts for neither the mark in its middle nor the look before its end', (t) => {
  const { path, open } = setUp(t);
  const log = open();
  const seen = (mark: number) => log.since(mark).map(({ auditID }) => auditID);
  const begin = log.mark();

  writeFileSync(path, `${line('one')}${line('two').slice(0, 30)}`);
  const inside = log.mark();
  assert.deepEqual([seen(begin), seen(inside)], [['one'], []]);
  appendFileSync(path, line('two').slice(30));
  const between = log.mark();
  appendFileSync(path, line('three'));
  assert.deepEqual(seen(begin), ['one', 'two', 'three']);
  assert.deepEqual(seen(inside), ['three']);
  assert.deepEqual(seen(between), ['three']);
});

for (const [where, there] of [
  ['between two lines', line('before')],
  ['in the middle of one', `${line('before')}${line('two').slice(0, 30)}`],
] as const) {
  test(`a log that is opened ${where} tells what begins after that`, (t) => {
    const { path, open } = setUp(t);
    writeFileSync(path, there);
    const log = open();
    if (!there.endsWith('\n')) appendFileSync(path, line('two').slice(30));
    for (const id of ['three', 'four']) {
      appendFileSync(path, line(id));
      log.since(0);
    }
    assert.deepEqual(
      log.since(0).map(({ auditID }) => auditID),
      ['three', 'four'],
    );
  });
}
