import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';

const SERVER = fileURLToPath(new URL('./fixtures/dead-file-system.pl', import.meta.url));

/** A directory that is a file system whose server never answers, as that of an NFS server which is gone. */
export interface DeadMount {
  /** Whoever waits is answered, with an error, and what the directory was before is there again. */
  revive(): Promise<void>;
}

/**
 * Mounts a file system that never answers, for as long as this process lives at most.
 *
 * @throws Error with what the system said against it
 */
export async function mountDead(dir: string): Promise<DeadMount> {
  const server = spawn(SERVER, [dir], { stdio: ['pipe', 'pipe', 'pipe'] });
  const ended = new Promise<void>((resolve) => {
    server.once('close', () => resolve());
    server.once('error', () => resolve());
  });
  let said = '';
  server.stderr.on('data', (text) => {
    said += text;
  });
  const isMounted = await Promise.race([once(server.stdout, 'data').then(() => true), ended.then(() => false)]);
  if (!isMounted) throw new Error(`needs perl, and the right to mount a file system of its own: ${said.trim()}`);
  return {
    async revive() {
      server.stdin.end();
      await ended;
    },
  };
}

/** For a test's `skip`: why no file system can be mounted that never answers, or false. */
export async function skipWithoutDeadMounts(dir: string): Promise<string | false> {
  try {
    await (await mountDead(dir)).revive();
    return false;
  } catch (error) {
    return (error as Error).message;
  }
}
