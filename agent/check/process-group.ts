import process from 'node:process';
import { setTimeout } from 'node:timers/promises';
import { hasEnded, readProcessStats } from './process-stats.ts';

/** How long to wait before a group is asked again whether it exists: from the first, doubled up to the last; ms. */
const FIRST_LOOK_MS = 10;
const LAST_LOOK_MS = 1000;
/**
 * After how long the members of a group are looked up, in milliseconds: killed processes are gone long before. And how long
 * after that again, at most, since each time all processes of the machine are looked at.
 */
const LOOK_CLOSER_MS = 80;
const LAST_LOOK_CLOSER_MS = 60_000;

/**
 * The process group of a child, by the child's pid.
 *
 * Its number is safe to use until the group was once found empty, or to hold only zombies; from then on nothing is sent
 * to it any more, because it may be another's.
 */
export class ProcessGroup {
  #id: number | undefined;

  /** Without a pid, because nothing was started, it is empty. */
  constructor(leaderPid: number | undefined) {
    this.#id = leaderPid;
  }

  /** Undefined as soon as it is known to be empty. */
  get id(): number | undefined {
    return this.#id;
  }

  /** Whether any process is in it, zombies included. */
  exists(): boolean {
    return this.#signal(0);
  }

  /** Sends SIGKILL to every process in it, if there are any. */
  kill(): void {
    this.#signal('SIGKILL');
  }

  /**
   * Resolves when no process that still runs is in it; one that cannot be looked at counts as running. Does not keep the
   * agent's process from ending.
   */
  async gone(): Promise<void> {
    let waitedMs = 0;
    let lookCloserAtMs = LOOK_CLOSER_MS;
    for (let waitMs = FIRST_LOOK_MS; this.exists(); waitMs = Math.min(waitMs * 2, LAST_LOOK_MS)) {
      if (waitedMs >= lookCloserAtMs) {
        lookCloserAtMs += Math.min(lookCloserAtMs, LAST_LOOK_CLOSER_MS);
        // Whether a zombie is ever reaped is up to the machine's init, and it harms no further run.
        if (await hasOnlyZombies(this.#id)) this.#id = undefined;
      }
      await setTimeout(waitMs, undefined, { ref: false });
      waitedMs += waitMs;
    }
  }

  #signal(signal: NodeJS.Signals | 0): boolean {
    if (this.#id === undefined) return false;
    try {
      process.kill(-this.#id, signal);
    } catch (error) {
      // Anything else, EPERM that is, means that there is somebody.
      if ((error as NodeJS.ErrnoException).code === 'ESRCH') this.#id = undefined;
    }
    return this.#id !== undefined;
  }
}

/** False also when none of its members can be seen: what is unknown may run. */
async function hasOnlyZombies(groupId: number | undefined): Promise<boolean> {
  let zombies = 0;
  for (const each of await readProcessStats()) {
    if (each.group !== groupId) continue;
    if (!hasEnded(each)) return false;
    zombies += 1;
  }
  return zombies > 0;
}
