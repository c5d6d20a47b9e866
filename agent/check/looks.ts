import { afterMs } from './delay.ts';
import { findExecProblem, NotShown } from './executable.ts';

/** How many looks at files are under way at once: of the four threads that Node has for all files and names, half. */
export const MAX_LOOKS = 2;
/** From which age on a look is taken for one that hangs, in milliseconds. */
const HANGS_AFTER_MS = 250;

/** What came of a look: what was found wrong, if anything; or that no look was taken. */
export type Look = { readonly problem: string | undefined } | 'NotTaken';

type UnderWay = { readonly sinceMs: number };

/**
 * The looks at what checks are about to execute. A look at a dead file system keeps a thread of the runtime until that
 * answers, so there are at most {@link MAX_LOOKS}, and other checks do not wait for those that hang.
 */
export class Looks {
  readonly #find: typeof findExecProblem;
  readonly #underWay = new Set<UnderWay>();
  readonly #waiting: ((mine: UnderWay | undefined) => void)[] = [];
  #disarm = () => {};

  constructor(find = findExecProblem) {
    this.#find = find;
  }

  /**
   * Says what {@link findExecProblem} says, in its turn; `NotTaken` when all looks under way hang, or Deno was not granted
   * this one. Resolves when the file
   * system has answered, which may be never.
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
      const next = this.#waiting.shift();
      if (next) next(this.#begin());
    }
  }

  #turn(): Promise<UnderWay | undefined> | UnderWay {
    if (this.#underWay.size < MAX_LOOKS) return this.#begin();
    return new Promise((resolve) => {
      this.#waiting.push(resolve);
      this.#watch();
    });
  }

  #begin(): UnderWay {
    const begun = { sinceMs: performance.now() };
    this.#underWay.add(begun);
    this.#watch();
    return begun;
  }

  /** As long as looks end, everybody gets a turn; when all of those under way hang, nobody is kept waiting. */
  #watch(): void {
    this.#disarm();
    if (this.#waiting.length === 0) return;
    const youngestMs = Math.max(...[...this.#underWay].map(({ sinceMs }) => sinceMs));
    this.#disarm = afterMs(youngestMs + HANGS_AFTER_MS - performance.now(), () => {
      for (const turnAway of this.#waiting.splice(0)) turnAway(undefined);
    });
  }
}
