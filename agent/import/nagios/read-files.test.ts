import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { readCfgFiles } from './read-files.ts';

test('what is hidden below a directory that is included is not read', async (t) => {
  const dir = mkdtempSync(join(tmpdir(), 'nsc-cfg-'));
  t.after(() => rmSync(dir, { recursive: true }));
  for (const path of ['nrpe.d/.git', 'nrpe.d/below']) mkdirSync(join(dir, path), { recursive: true });
  for (const path of ['nrpe.d/.git/a.cfg', 'nrpe.d/.b.cfg', 'nrpe.d/below/c.cfg', 'nrpe.d/d.cfg']) {
    writeFileSync(join(dir, path), 'command[x]=/opt/x\n');
  }
  writeFileSync(join(dir, 'nrpe.cfg'), 'include_dir=nrpe.d\n');
  const { files, notes, errors } = await readCfgFiles([join(dir, 'nrpe.cfg')], process.stdin);
  assert.deepEqual([notes, errors], [[], []]);
  assert.deepEqual(
    files.map(({ settings: [first] }) => first?.place.file.slice(dir.length + 1)),
    ['nrpe.cfg', 'nrpe.d/below/c.cfg', 'nrpe.d/d.cfg'],
  );
});
