/** The dark theme, and the names that the dashboard gives to colours. */
const COLORS: Readonly<Record<string, string>> = {
  green: '#73bf69',
  yellow: '#fade2a',
  orange: '#ff9830',
  red: '#f2495c',
  blue: '#5794f2',
  purple: '#b877d9',
  text: '#ccccdc',
};
/** For series without a colour of their own. */
export const PALETTE = [
  '#73bf69',
  '#f2cc0c',
  '#8ab8ff',
  '#ff780a',
  '#f2495c',
  '#5794f2',
  '#b877d9',
  '#37872d',
  '#fa6400',
];
export const INK = '#ccccdc';
export const FAINT = '#8e8e9c';
export const LINE = '#2c3235';
export const SHEET = '#111217';
export const PAPER = '#181b1f';
const FONT = 'Inter, Helvetica, Arial, sans-serif';
/** Pixels, of a character at a size of 1. */
const CHARACTER = 0.56;

export interface Box {
  readonly x: number;
  readonly y: number;
  readonly width: number;
  readonly height: number;
}

export function colorOf(name: string): string {
  return COLORS[name] ?? name;
}

export function rect({ x, y, width, height }: Box, attributes: string): string {
  return `<rect x="${x}" y="${y}" width="${width}" height="${height}" ${attributes}/>`;
}

export interface TextStyle {
  readonly size?: number;
  readonly fill?: string;
  readonly anchor?: 'start' | 'middle' | 'end';
  readonly weight?: number;
}

/** One line, its baseline at y. */
export function text(x: number, y: number, content: string, style: TextStyle = {}): string {
  const { size = 12, fill = INK, anchor = 'start', weight = 400 } = style;
  return `<text x="${x}" y="${y}" font-family="${FONT}" font-size="${size}" font-weight="${weight}" fill="${fill}" text-anchor="${anchor}">${escaped(content)}</text>`;
}

/** About how wide a line is, in pixels. */
export function widthOf(content: string, size: number): number {
  return content.length * size * CHARACTER;
}

/** A picture within the picture. */
export function inset({ x, y }: Pick<Box, 'x' | 'y'>, content: string): string {
  return `<g transform="translate(${x} ${y})">${content}</g>`;
}

function escaped(content: string): string {
  return content.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');
}
