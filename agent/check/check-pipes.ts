import { closeSync, constants, openSync, readSync } from 'node:fs';
import { Socket } from 'node:net';
import process from 'node:process';
import type { Readable } from 'node:stream';
import { makeFifos } from './make-fifos.ts';

/** How many pairs wait for a run, at most. One costs two descriptors and no memory to speak of. */
const MAX_IDLE_PAIRS = 32;
/** How long after a failure no pipes are made, in milliseconds, because each try starts a program. */
const RETRY_AFTER_MS = 60_000;
/** What is missing for a moment, or to everything else too, and which the run itself would meet next. */
const EXHAUSTED: readonly unknown[] = ['EMFILE', 'ENFILE', 'EAGAIN', 'ENOMEM'];

const WITHOUT_PIPES =
  'no pipes for checks: a script that opens /dev/stdout or /dev/stderr by name fails; give the agent mkfifo and a directory it can write to (/dev/shm, $TMPDIR or /tmp)';

/** One pipe: the end of the agent, and the descriptor that a child is started with. */
export type CheckPipe = { readonly reader: Readable; readonly childFd: number };

/** The pipes of one run. */
export type RunPipes = {
  readonly stdout: CheckPipe;
  readonly stderr: CheckPipe;
  /** The child has its own descriptors now, or never will have any. */
  childStarted(): void;
  /** Closes what is still open, and leaves the pipes to a later run. Nothing of this one may run any more. */
  giveBack(): void;
};

/** Two FIFOs without a name in any directory, by descriptors that neither read nor write (O_PATH). */
type Pair = readonly [stdout: number, stderr: number];

/**
 * The pipes that checks write to under Node, where a child would get sockets otherwise, which nobody can open by name:
 * with `echo x > /dev/stderr` a script of a node that is well would fail.
 *
 * They are FIFOs that are used again and again, because making some starts a program. A run gets one only if nobody
 * else has it open, so what an earlier run left behind cannot write into the output of a later one.
 */
export class CheckPipes {
  readonly #warn: (message: string, error: string) => void;
  readonly #idle: Pair[] = [];
  #hasMade = false;
  #noneBefore = 0;
  #isToldMissing = false;

  /** `warn` is called once, when no pipes can be made and checks get sockets: what that means, and what went wrong. */
  constructor(warn: (message: string, error: string) => void) {
    this.#warn = warn;
  }

  /**
   * Pipes for one run; undefined where the runtime's own have to do: they are pipes too on Deno, and sockets elsewhere.
   *
   * Rejects with the error of the operating system if descriptors, processes or memory have run out, and with a sentence if
   * pipes could be made before.
   */
  async take(): Promise<RunPipes | undefined> {
    for (let pair = this.#idle.pop(); pair !== undefined; pair = this.#idle.pop()) {
      const pipes = this.#open(pair);
      if (pipes !== undefined) return pipes;
      closeAll(pair);
    }
    const made = await this.#make();
    return made && this.#open(made);
  }

  /** Closes what waits for a run. */
  close(): void {
    for (const pair of this.#idle.splice(0)) closeAll(pair);
  }

  async #make(): Promise<Pair | undefined> {
    if (process.platform !== 'linux' || 'Deno' in globalThis || performance.now() < this.#noneBefore) return undefined;
    try {
      const made = await makeFifos();
      this.#hasMade = true;
      return made;
    } catch (error) {
      if (EXHAUSTED.includes((error as NodeJS.ErrnoException).code)) throw error;
      // With sockets a script that opens its output by name would fail, on a node that is well.
      if (this.#hasMade || (error as { signal?: unknown }).signal) {
        throw new Error(`no pipes could be made for its output: ${(error as Error).message}`, { cause: error });
      }
      this.#noneBefore = performance.now() + RETRY_AFTER_MS;
      if (!this.#isToldMissing) this.#warn(WITHOUT_PIPES, (error as Error).message);
      this.#isToldMissing = true;
      return undefined;
    }
  }

  /** Undefined if somebody else has one of the two open. */
  #open(pair: Pair): RunPipes | undefined {
    const opened: CheckPipe[] = [];
    try {
      for (const fd of pair) {
        const pipe = openAlone(fd);
        if (pipe !== undefined) opened.push(pipe);
      }
    } catch (error) {
      closeEnds(opened);
      closeAll(pair);
      throw error;
    }
    const [stdout, stderr] = opened;
    if (stdout === undefined || stderr === undefined) {
      closeEnds(opened);
      return undefined;
    }
    let isWithChild = false;
    const childStarted = () => {
      if (isWithChild) return;
      isWithChild = true;
      closeAll([stdout.childFd, stderr.childFd]);
    };
    let isBack = false;
    return {
      stdout,
      stderr,
      childStarted,
      giveBack: () => {
        if (isBack) return;
        isBack = true;
        childStarted();
        for (const { reader } of opened) reader.destroy();
        if (this.#idle.length < MAX_IDLE_PAIRS) this.#idle.push(pair);
        else closeAll(pair);
      },
    };
  }
}

/** Opens both ends of a FIFO that nobody else has open; undefined if somebody has. */
function openAlone(pathFd: number): CheckPipe | undefined {
  const path = `/proc/self/fd/${pathFd}`;
  if (hasReader(path)) return undefined;
  const readFd = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK);
  try {
    if (hasWriter(readFd)) {
      closeSync(readFd);
      return undefined;
    }
    // Blocking, as every program expects of its output; the reader is there, so opening it waits for nobody.
    const childFd = openSync(path, constants.O_WRONLY);
    try {
      return { reader: new Socket({ fd: readFd, readable: true, writable: false }), childFd };
    } catch (error) {
      closeSync(childFd);
      throw error;
    }
  } catch (error) {
    closeSync(readFd);
    throw error;
  }
}

function hasReader(path: string): boolean {
  try {
    closeSync(openSync(path, constants.O_WRONLY | constants.O_NONBLOCK));
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENXIO') return false;
    throw error;
  }
}

function hasWriter(readFd: number): boolean {
  try {
    // Without a writer a FIFO is at its end; with one, it has something to read or says EAGAIN.
    return readSync(readFd, Buffer.alloc(1)) > 0;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EAGAIN') return true;
    throw error;
  }
}

function closeEnds(pipes: readonly CheckPipe[]): void {
  for (const { reader, childFd } of pipes) {
    reader.destroy();
    closeSync(childFd);
  }
}

function closeAll(fds: readonly number[]): void {
  for (const fd of fds) closeSync(fd);
}
