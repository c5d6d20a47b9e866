import { readdir } from 'node:fs/promises';
import { dirname, isAbsolute, join, resolve, sep } from 'node:path';
import type { PolicyError } from '../../core/policy.ts';
import { MAX_FILES } from '../limits.ts';
import type { Note } from '../notes.ts';
import { readInput } from '../read-input.ts';
import { Refusal } from '../source.ts';
import { type CfgFile, readCfg, type Setting } from './read-cfg.ts';
import { DIRECTORY_REFERENCES, FILE_REFERENCES } from './settings.ts';

/** All files, and what kept some from being read. */
export type FilesRead = {
  readonly files: readonly CfgFile[];
  readonly notes: readonly Note[];
  readonly errors: readonly PolicyError[];
};

/** A file to read, and the line that names it; null for one that a person named. */
type Wanted = { readonly path: string; readonly by: Setting | null };

/**
 * Reads these files and, as Nagios and NRPE do, those that they name. One of the latter that is not there is noted: on
 * another machine than the one that it is for, most are not.
 */
export async function readCfgFiles(paths: readonly string[], stdin: AsyncIterable<Uint8Array>): Promise<FilesRead> {
  const files: CfgFile[] = [];
  const notes: Note[] = [];
  const errors: PolicyError[] = [];
  const seen = new Set<string>();
  const wanted: Wanted[] = paths.map((path) => ({ path, by: null }));
  for (let next = wanted.shift(); next !== undefined; next = wanted.shift()) {
    const { path, by } = next;
    if (seen.has(resolve(path))) continue;
    seen.add(resolve(path));
    try {
      if (seen.size > MAX_FILES)
        throw new Refusal({ file: path, line: 0, column: 0 }, '$', `must be one of at most ${MAX_FILES} files`);
      const file = readCfg(await readInput(path, stdin));
      files.push(file);
      wanted.push(...(await referencesOf(file, path, notes)));
    } catch (error) {
      if (!(error instanceof Refusal)) throw error;
      // Line 0: it is the file that is missing, not something in it.
      if (by !== null && error.error.line === 0) notes.push(noteOf(by, error.message));
      else errors.push(error.error);
    }
  }
  return { files, notes, errors };
}

async function referencesOf({ settings }: CfgFile, path: string, notes: Note[]): Promise<Wanted[]> {
  const wanted: Wanted[] = [];
  for (const by of settings) {
    const target = isAbsolute(by.value) ? by.value : join(dirname(path), by.value);
    if (FILE_REFERENCES.includes(by.name)) wanted.push({ path: target, by });
    if (!DIRECTORY_REFERENCES.includes(by.name)) continue;
    try {
      const entries = await readdir(target, { recursive: true });
      wanted.push(
        ...entries
          .filter((name) => name.endsWith('.cfg') && !isHidden(name))
          .sort()
          .map((name) => ({ path: join(target, name), by })),
      );
    } catch (error) {
      notes.push(noteOf(by, error instanceof Error ? error.message : String(error)));
    }
  }
  return wanted;
}

/** Nagios and NRPE skip what is hidden, such as copies that a version control system keeps. */
function isHidden(path: string): boolean {
  return path.split(sep).some((part) => part.startsWith('.'));
}

function noteOf({ name, value, place }: Setting, reason: string): Note {
  return { what: `${name}=${value}`, place, why: `not read, give it as well (${reason})` };
}
