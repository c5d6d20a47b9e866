import { styleText } from 'node:util';
import type { CheckState } from './agent-log.ts';

/** One node of the board. */
export interface BoardRow {
  readonly node: string;
  /** Undefined until its check ran. */
  readonly check: CheckState | undefined;
  readonly cordoned: boolean;
  /** Keys. */
  readonly taints: readonly string[];
  readonly pods: number;
  /** Of a cluster budget; undefined while the node needs none. */
  readonly slot: 'Held' | 'Denied' | undefined;
  /** The latest Kubernetes Event on the Node. */
  readonly lastEvent: { readonly reason: string; readonly ageSeconds: number } | undefined;
}

/** Something worth a line: who it is about, and what happened. */
export interface Happening {
  readonly atMs: number;
  /** A node, or `story`. */
  readonly who: string;
  readonly text: string;
}

export interface BoardState {
  /** Since the start. */
  readonly elapsedMs: number;
  readonly chapter: string;
  readonly rows: readonly BoardRow[];
  /** Oldest first; as many lines of the latest are shown as there is room for. */
  readonly happenings: readonly Happening[];
}

export interface BoardOptions {
  /** Of the terminal. No line is longer than this, nor than 100. */
  readonly columns: number;
  /** Of the terminal. The board leaves the last row free. */
  readonly rows: number;
  readonly colors: boolean;
}

const MAX_COLUMNS = 100;
/** So that the board and what is said at the end fit a terminal of 24 rows together. */
const MAX_HAPPENINGS = 6;
/** On a terminal too narrow for that, text is cut. */
const MIN_TEXT_COLUMNS = 20;

/** The whole board as lines without line ends. */
export function renderBoard(state: BoardState, options: BoardOptions): string[] {
  const paint = painter(options.colors);
  const columns = Math.min(options.columns, MAX_COLUMNS);
  const fixed = [
    [plain(`${seconds(state.elapsedMs)}  ${state.chapter}`, paint.bold)],
    [],
    ...renderTable(state.rows, paint),
    [],
  ];
  const room = Math.max(0, Math.min(MAX_HAPPENINGS, options.rows - 1 - fixed.length));
  const lines = [...fixed, ...renderHappenings(state.happenings, room, columns, paint)];
  return lines.slice(0, Math.max(1, options.rows - 1)).map((cells) => joinCells(cells, columns));
}

/** `  9.9s  node-b  what happened`: a line of its own, on the board and in a CI log. */
export function formatHappening({ atMs, who, text }: Happening): string {
  return `${seconds(atMs)}  ${who.padEnd(6)}  ${text}`;
}

/** The latest that fit whole. */
function renderHappenings(happenings: readonly Happening[], room: number, columns: number, paint: Painter): Cell[][] {
  const lines: Cell[][] = [];
  for (const happening of happenings.toReversed()) {
    const more = renderHappening(happening, columns, paint);
    if (lines.length + more.length > room) break;
    lines.unshift(...more);
  }
  return lines;
}

/** In as many lines as it takes, broken between words if possible: the end of a path or of an error is what somebody looks for. */
function renderHappening(happening: Happening, columns: number, paint: Painter): Cell[][] {
  const style = happening.text.startsWith('ok: ') ? paint.green : undefined;
  const text = formatHappening(happening);
  const indent = text.length - happening.text.length;
  const width = Math.max(columns - indent, MIN_TEXT_COLUMNS);
  const chunks = happening.text.match(new RegExp(`.{1,${width}}(\\s|$)|.{1,${width}}`, 'gs')) ?? [''];
  return chunks.map((chunk, i) => [plain(`${i === 0 ? text.slice(0, indent) : ' '.repeat(indent)}${chunk}`, style)]);
}

type Style = (text: string) => string;
interface Cell {
  readonly text: string;
  readonly style: Style;
}

const HEADER = ['NODE', 'CHECK', 'SLOT', 'CORDON', 'TAINT', 'PODS', 'LAST EVENT'];
/** So that the columns stay where they are while the usual contents change. */
const MIN_WIDTHS = [6, 8, 4, 6, 22, 4, 0];
const GAP = '  ';

function renderTable(rows: readonly BoardRow[], paint: Painter): Cell[][] {
  const body = rows.map((row) => renderRow(row, paint));
  const table = [HEADER.map((text) => plain(text, paint.dim)), ...body];
  const widths = MIN_WIDTHS.map((width, i) => Math.max(width, ...table.map((cells) => cells[i]?.text.length ?? 0)));
  return table.map((cells) =>
    cells.map(({ text, style }, i) => ({ text: `${text.padEnd(widths[i] ?? 0)}${GAP}`, style })),
  );
}

function renderRow({ node, check, slot, cordoned, taints, pods, lastEvent }: BoardRow, paint: Painter): Cell[] {
  const verdictStyle = { OK: paint.green, FAIL: paint.red, UNKNOWN: paint.yellow };
  const slotCell = { Held: plain('yes', paint.yellow), Denied: plain('no', paint.red) };
  const none = plain('-', paint.dim);
  return [
    plain(node),
    check
      ? plain(`${check.verdict.padEnd(4)} ${check.failures}/${check.threshold}`, verdictStyle[check.verdict])
      : none,
    slot ? slotCell[slot] : none,
    cordoned ? plain('yes', paint.yellow) : none,
    taints.length > 0 ? plain(taints.join(','), paint.yellow) : none,
    plain(String(pods)),
    lastEvent ? plain(`${lastEvent.reason} ${age(lastEvent.ageSeconds)}`) : none,
  ];
}

function plain(text: string, style: Style = (unstyled) => unstyled): Cell {
  return { text: visibleAscii(text), style };
}

/** Cuts at the edge, and paints only then: escape sequences have no width, and half of one is none. */
function joinCells(cells: readonly Cell[], columns: number): string {
  let left = columns;
  let line = '';
  for (const { text, style } of cells) {
    const fits = text.trimEnd().length <= left;
    const shown = fits ? text.slice(0, left) : `${text.slice(0, Math.max(0, left - 1))}${left > 0 ? '>' : ''}`;
    line += shown === '' ? '' : style(shown);
    left -= shown.length;
  }
  return line.trimEnd();
}

/** What agents say may hold anything; here each character must be one column wide and none may steer the terminal. */
function visibleAscii(text: string): string {
  return text.replace(/[^\x20-\x7e]+/g, '?');
}

function seconds(ms: number): string {
  return `${(ms / 1000).toFixed(1).padStart(5)}s`;
}

/** As kubectl: 7s, 3m, 2h. */
function age(ageSeconds: number): string {
  if (ageSeconds < 120) return `${Math.max(0, Math.floor(ageSeconds))}s`;
  return ageSeconds < 7200 ? `${Math.floor(ageSeconds / 60)}m` : `${Math.floor(ageSeconds / 3600)}h`;
}

type Painter = Readonly<Record<'bold' | 'dim' | 'green' | 'red' | 'yellow', Style>>;

function painter(colors: boolean): Painter {
  const style = (format: keyof Painter) => (text: string) =>
    colors ? styleText(format, text, { validateStream: false }) : text;
  return {
    bold: style('bold'),
    dim: style('dim'),
    green: style('green'),
    red: style('red'),
    yellow: style('yellow'),
  };
}
