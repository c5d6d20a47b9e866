export type LatestText = {
  /** Something changed; `look` is called when its turn has come, for what there is to say then. */
  show(look: () => Shown): void;
  stop(): void;
};

/** @property state what the text is about: while it stays the same, nothing is written */
type Shown = { readonly state: string; readonly text: string };

/** Looks at what changes all the time, at once and then at most every `everyMs`, and writes what is new. */
export function createLatestText(everyMs: number, write: (text: string) => void): LatestText {
  let written: string | null = null;
  let next: (() => Shown) | null = null;
  let timer: NodeJS.Timeout | undefined;
  const flush = () => {
    timer = undefined;
    if (next === null) return;
    const { state, text } = next();
    next = null;
    timer = setTimeout(flush, everyMs);
    if (state === written) return;
    written = state;
    write(text);
  };
  return {
    show(look) {
      next = look;
      if (timer === undefined) flush();
    },
    stop: () => clearTimeout(timer),
  };
}
