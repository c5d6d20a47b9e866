import { existsSync } from 'node:fs';

const SHELL = '/bin/sh';

/**
 * What keeps a thread of Node.js until a file system or a name server answers. At its end it waits for those, and a
 * file system may never answer.
 */
const HELD_BY_A_THREAD = /^(?:FS|FileHandleClose|GetAddrInfo|GetNameInfo)Req/;

/** Ends this process with that exit code, whatever its threads wait for. */
export function endProcess(exitCode: number): never {
  const hasHeldThread = 'Deno' in globalThis ? false : process.getActiveResourcesInfo().some(isHeld);
  if (hasHeldThread && process.execve !== undefined && existsSync(SHELL)) {
    // Another program in its place waits for nobody.
    process.execve(SHELL, ['sh', '-c', `exit ${exitCode}`], {});
  }
  process.exit(exitCode);
}

const isHeld = (resource: string) => HELD_BY_A_THREAD.test(resource);
