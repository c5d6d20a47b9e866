import { afterMs } from './delay.ts';
import { findExecProblem, NotShown } from './executable.ts';

/** How many looks at files are under way at once: of the four threads that Node has for all files and names, half. */
export const MAX_LOOKS = 2;
/** From which age on a look is taken for one that hangs, and how long a turn is waited for, in milliseconds. */
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
  readonly #hangsAfterMs: number;
  readonly #underWay = new Set<UnderWay>();
  readonly #waiting = new Set<() => void>();

  /** @param hangsAfterMs from which age on a look is taken for one that hangs, and how long its turn is waited for */
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
      for (const takeTurn of this.#waiting) {
        takeTurn();
        break;
      }
    }
  }

  #turn(): Promise<UnderWay | undefined> | UnderWay | undefined {
    if (this.#underWay.size < MAX_LOOKS) return this.#begin();
    const oldMs = performance.now() - this.#hangsAfterMs;
    if ([...this.#underWay].every(({ sinceMs }) => sinceMs <= oldMs)) return undefined;
    return new Promise((resolve) => {
      const takeTurn = () => {
        this.#waiting.delete(takeTurn);
        disarm();
        resolve(this.#begin());
      };
      const disarm = afterMs(this.#hangsAfterMs, () => {
        this.#waiting.delete(takeTurn);
        resolve(undefined);
      });
      this.#waiting.add(takeTurn);
    });
  }

  #begin(): UnderWay {
    const begun = { sinceMs: performance.now() };
    this.#underWay.add(begun);
    return begun;
  }
}
