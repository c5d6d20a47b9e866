import type { WriteStream } from 'node:tty';
import { type BoardState, formatHappening, type Happening, renderBoard } from './board.ts';

/** Where the story is seen. */
export interface Screen {
  chapter(atMs: number, text: string): void;
  happening(happening: Happening): void;
  /** Text that stays, above whatever is redrawn. */
  print(text: string): void;
  /** Draws for the last time and gives the terminal back; once more does no harm. */
  close(): void;
}

/** Ten times a second is smooth, and nothing to a terminal. */
const REDRAW_MS = 100;

const HIDE_CURSOR = '\x1b[?25l';
const SHOW_CURSOR = '\x1b[?25h';
const CLEAR_TO_LINE_END = '\x1b[K';
const CLEAR_BELOW = '\x1b[J';
const cursorUp = (lines: number) => (lines > 0 ? `\x1b[${lines}A\r` : '\r');

/**
 * A live board on a terminal that can redraw; otherwise, as in CI, a line for each happening.
 * @param state what the board shows, asked each time it is drawn.
 */
export function openScreen(output: WriteStream, env: NodeJS.ProcessEnv, state: () => BoardState): Screen {
  const isLive = output.isTTY && !env.CI && env.TERM !== 'dumb';
  return isLive ? openBoard(output, !env.NO_COLOR, state) : openPlain(output);
}

function openPlain(output: WriteStream): Screen {
  return {
    chapter: (atMs, text) => void output.write(`\n${formatHappening({ atMs, who: 'story', text })}\n`),
    happening: (happening) => void output.write(`${formatHappening(happening)}\n`),
    print: (text) => void output.write(`${text}\n`),
    close() {},
  };
}

function openBoard(output: WriteStream, colors: boolean, state: () => BoardState): Screen {
  let drawnLines = 0;
  let isOpen = true;

  const draw = (): void => {
    // Some pseudo-terminals say 0 until somebody sets their size.
    const size = { columns: output.columns || 80, rows: output.rows || 24 };
    const lines = renderBoard(state(), { ...size, colors });
    const text = lines.map((line) => `${line}${CLEAR_TO_LINE_END}\n`).join('');
    output.write(`${cursorUp(drawnLines)}${text}${CLEAR_BELOW}`);
    drawnLines = lines.length;
  };
  const close = (): void => {
    if (!isOpen) return;
    isOpen = false;
    clearInterval(timer);
    process.off('exit', close);
    draw();
    // What is printed from now on goes below.
    drawnLines = 0;
    output.write(SHOW_CURSOR);
  };
  const timer = setInterval(draw, REDRAW_MS);
  // However the story ends, nobody is left without a cursor.
  process.once('exit', close);
  output.write(HIDE_CURSOR);
  draw();

  return {
    chapter: draw,
    happening: draw,
    print(text) {
      output.write(`${cursorUp(drawnLines)}${CLEAR_BELOW}${text}\n`);
      drawnLines = 0;
      if (isOpen) draw();
    },
    close,
  };
}
