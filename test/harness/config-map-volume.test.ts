import assert from 'node:assert/strict';
import { lstatSync, mkdtempSync, readdirSync, readFileSync, readlinkSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, it, type TestContext } from 'node:test';
import { createConfigMapVolume } from './config-map-volume.ts';

const VERSION = /^\.\.\d{4}_\d\d_\d\d_\d\d_\d\d_\d\d\.\d+$/;

describe('a ConfigMap volume', () => {
  it('is laid out as the kubelet does it', (t) => {
    const { dir, project } = volume(t);
    assert.notEqual(project({ 'a.yaml': 'A', 'b.yaml': 'B' }), null);
    const [version = '', ...others] = readdirSync(dir).sort();
    assert.match(version, VERSION);
    assert.deepEqual(others, ['..data', 'a.yaml', 'b.yaml']);
    assert.equal(readlinkSync(join(dir, '..data')), version);
    assert.equal(readlinkSync(join(dir, 'a.yaml')), '..data/a.yaml');
    assert.equal(readFileSync(join(dir, 'b.yaml'), 'utf8'), 'B');
    assert.equal(statSync(join(dir, version)).mode & 0o777, 0o755);
    assert.equal(statSync(join(dir, version, 'a.yaml')).mode & 0o777, 0o644);
  });

  it('has only the new version after a swap, with links for what it holds', (t) => {
    const { dir, project } = volume(t);
    project({ 'a.yaml': 'A', 'b.yaml': 'B' });
    const old = readlinkSync(join(dir, '..data'));
    const untouched = lstatSync(join(dir, 'b.yaml')).ino;
    assert.notEqual(project({ 'b.yaml': 'B2', 'c.yaml': 'C' }), null);
    const version = readlinkSync(join(dir, '..data'));
    assert.notEqual(version, old);
    assert.deepEqual(readdirSync(dir).sort(), [version, '..data', 'b.yaml', 'c.yaml']);
    assert.deepEqual(readdirSync(join(dir, version)), ['b.yaml', 'c.yaml']);
    assert.equal(readFileSync(join(dir, 'b.yaml'), 'utf8'), 'B2');
    assert.equal(lstatSync(join(dir, 'b.yaml')).ino, untouched);
  });

  it('is not written again by what is there already', (t) => {
    const { dir, project } = volume(t);
    project({ 'a.yaml': 'A' });
    const before = [readlinkSync(join(dir, '..data')), statSync(dir).mtimeMs];
    assert.equal(project({ 'a.yaml': 'A' }), null);
    assert.deepEqual([readlinkSync(join(dir, '..data')), statSync(dir).mtimeMs], before);
    assert.notEqual(project({}), null);
    assert.deepEqual(readdirSync(dir).length, 2);
  });

  it('refuses names that a ConfigMap cannot have', (t) => {
    for (const name of ['', '.', '..data', '../a', 'a/b']) {
      assert.throws(() => volume(t).project({ [name]: '' }), /must be one a ConfigMap key may have/);
    }
  });
});

function volume(t: TestContext) {
  const parent = mkdtempSync(join(tmpdir(), 'nsc-volume-'));
  t.after(() => rmSync(parent, { recursive: true }));
  return createConfigMapVolume(join(parent, 'volume'));
}
