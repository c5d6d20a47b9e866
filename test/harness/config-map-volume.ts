import { randomBytes } from 'node:crypto';
import {
  chmodSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  renameSync,
  rmSync,
  symlinkSync,
  unlinkSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';

/** A directory that is written as the kubelet writes a ConfigMap volume. */
export interface ConfigMapVolume {
  readonly dir: string;
  /**
   * Makes these the files of the volume, contents by name, in one step for whoever reads through `..data`. Returns when
   * that step was, on performance.now(); null if nothing was written, since all of it was there already.
   */
  project(files: Readonly<Record<string, string>>): number | null;
}

/**
 * Writes into `dir`, which it makes if need be, in the order of the kubelet's AtomicWriter
 * (pkg/volume/util/atomic_writer.go in Kubernetes): the new version into a directory named for the time, a link
 * `..data_tmp` to it renamed over `..data`, links `NAME -> ..data/NAME` made and removed, the old version removed.
 */
export function createConfigMapVolume(dir: string): ConfigMapVolume {
  mkdirSync(dir, { recursive: true });
  return { dir, project: (files) => project(dir, files) };
}

function project(dir: string, files: Readonly<Record<string, string>>): number | null {
  for (const name of Object.keys(files)) {
    if (!/^[-._a-zA-Z0-9]{1,253}$/.test(name) || name === '.' || name.startsWith('..')) {
      throw new Error(`the name of a file must be one a ConfigMap key may have, found ${JSON.stringify(name)}`);
    }
  }
  const data = join(dir, '..data');
  const old = linkTarget(data);
  const oldNames = old === null ? [] : readdirSync(join(dir, old));
  const obsolete = oldNames.filter((name) => !Object.hasOwn(files, name));
  const isUpToDate = old !== null && obsolete.length === 0 && holds(join(dir, old), oldNames, files);
  let swappedAt: number | null = null;
  if (!isUpToDate) {
    symlinkSync(writeVersion(dir, files), join(dir, '..data_tmp'));
    renameSync(join(dir, '..data_tmp'), data);
    swappedAt = performance.now();
  }
  for (const name of Object.keys(files)) {
    if (linkTarget(join(dir, name)) === null) symlinkSync(join('..data', name), join(dir, name));
  }
  for (const name of obsolete) unlinkSync(join(dir, name));
  if (!isUpToDate && old !== null) rmSync(join(dir, old), { recursive: true });
  return swappedAt;
}

function holds(version: string, names: readonly string[], files: Readonly<Record<string, string>>): boolean {
  const isSame = ([name, text]: [string, string]) =>
    names.includes(name) && readFileSync(join(version, name), 'utf8') === text;
  return Object.entries(files).every(isSame);
}

/** Returns its name, which was never used before. */
function writeVersion(dir: string, files: Readonly<Record<string, string>>): string {
  const time = new Date().toISOString().slice(0, 19).replace(/[-T:]/g, '_');
  const name = `..${time}.${randomBytes(5).readUIntBE(0, 5)}`;
  mkdirSync(join(dir, name), { mode: 0o700 });
  chmodSync(join(dir, name), 0o755);
  for (const [file, text] of Object.entries(files)) {
    writeFileSync(join(dir, name, file), text);
    chmodSync(join(dir, name, file), 0o644);
  }
  return name;
}

function linkTarget(path: string): string | null {
  return lstatSync(path, { throwIfNoEntry: false })?.isSymbolicLink() ? readlinkSync(path) : null;
}
