import { afterMs } from './delay.ts';
import { findExecProblem, NotShown } from './executable.ts';

/** How many looks at files are under way at once: of the four threads that Node has for all files and names, half. */
export const MAX_LOOKS = 2;
/** From which age on a look is taken for one that hangs, in milliseconds. */
const HANGS_AFTER_MS = 250;
/** How many times that a turn is waited for at most: many files of a slow file system must not add up. */
const LONGEST_WAIT = 8;

/** What came of a look: what was found wrong, if anything; or that no look was taken. */
export type Look = { readonly problem: string | undefined } | 'NotTaken';

type UnderWay = { readonly sinceMs: number };

/**
 * The looks at what checks are about to execute. A look at a dead file system keeps a thread of the runtime until that
 * answers, so there are at most {@link MAX_LOOKS}, and other checks do not wait for those that hang.
 */
export class Looks {
  readonly #find: typeof findExecProblem;
  readonly #hangsAfterMs: number;
  readonly #underWay = new Set<UnderWay>();
  readonly #waiting = new Set<(mine: UnderWay | undefined) => void>();
  #disarm = () => {};

  /** @param hangsAfterMs from which age on a look is taken for one that hangs */
  constructor(find = findExecProblem, hangsAfterMs = HANGS_AFTER_MS) {
    this.#find = find;
    this.#hangsAfterMs = hangsAfterMs;
  }

  /**
   * Says what {@link findExecProblem} says, in its turn; `NotTaken` when no turn came soon enough, or Deno was not granted
   * this one. Resolves when the file system has answered, which may be never.
   */
  async look(...program: Parameters<typeof findExecProblem>): Promise<Look> {
    const mine = await this.#turn();
    if (mine === undefined) return 'NotTaken';
    try {
      return { problem: await this.#find(...program) };
    } catch (error) {
      if (error instanceof NotShown) return 'NotTaken';
      throw error;
    } finally {
      this.#underWay.delete(mine);
      const [next] = this.#waiting;
      if (next) {
        this.#waiting.delete(next);
        next(this.#begin());
      }
    }
  }

  #turn(): Promise<UnderWay | undefined> | UnderWay {
    if (this.#underWay.size < MAX_LOOKS) return this.#begin();
    return new Promise((resolve) => {
      const end = (mine: UnderWay | undefined) => {
        this.#waiting.delete(end);
        disarm();
        resolve(mine);
      };
      const disarm = afterMs(this.#hangsAfterMs * LONGEST_WAIT, () => end(undefined));
      this.#waiting.add(end);
      this.#watch();
    });
  }

  #begin(): UnderWay {
    const begun = { sinceMs: performance.now() };
    this.#underWay.add(begun);
    this.#watch();
    return begun;
  }

  /** As long as looks end, each waits for its turn; when all of those under way hang, nobody is kept waiting. */
  #watch(): void {
    this.#disarm();
    if (this.#waiting.size === 0) return;
    const youngestMs = Math.max(...[...this.#underWay].map(({ sinceMs }) => sinceMs));
    this.#disarm = afterMs(youngestMs + this.#hangsAfterMs - performance.now(), () => {
      for (const turnAway of [...this.#waiting]) turnAway(undefined);
    });
  }
}
