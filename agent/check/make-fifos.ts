import { execFile } from 'node:child_process';
import { closeSync, mkdtempSync, openSync, rmdirSync, unlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { TOOLS_PATH } from './launcher.ts';

/** A descriptor of the file itself, which neither reads nor writes: Linux' O_PATH, for which Node has no name. */
const O_PATH = 0o10000000;
/** How long mkfifo may take, in milliseconds. */
const MKFIFO_TIMEOUT_MS = 5000;

/**
 * Makes two FIFOs in a private directory and removes them from it at once, so that nothing is left on a disk however
 * the agent ends. Only this user can open them, by the descriptors returned.
 *
 * Rejects with the error of the last directory tried, which has the `code` of the operating system if it named one.
 */
export async function makeFifos(): Promise<[number, number]> {
  let problem: unknown;
  // The first is in memory, where a disk that hangs holds up no output, and a container has it even if its root is read-only.
  for (const directory of ['/dev/shm', tmpdir()]) {
    try {
      return await makeIn(directory);
    } catch (error) {
      problem = error;
    }
  }
  throw problem;
}

async function makeIn(parent: string): Promise<[number, number]> {
  const directory = mkdtempSync(join(parent, 'nsc-pipes-'));
  const [first, second] = [join(directory, 'stdout'), join(directory, 'stderr')];
  try {
    const options = { env: { PATH: TOOLS_PATH }, timeout: MKFIFO_TIMEOUT_MS, killSignal: 'SIGKILL' } as const;
    await promisify(execFile)('mkfifo', ['-m', '600', first, second], options);
    const fd = openSync(first, O_PATH);
    try {
      return [fd, openSync(second, O_PATH)];
    } catch (error) {
      closeSync(fd);
      throw error;
    }
  } finally {
    for (const path of [first, second]) removeIfThere(() => unlinkSync(path));
    removeIfThere(() => rmdirSync(directory));
  }
}

function removeIfThere(remove: () => void): void {
  try {
    remove();
  } catch {
    // mkfifo did not get that far; the error that is told is its own.
  }
}
