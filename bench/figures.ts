import { readFileSync } from 'node:fs';

/** USER_HZ, which is 100 on every architecture Node.js has a build for (proc_pid_stat(5)). */
const TICKS_PER_SECOND = 100;

/** User and system time of a process and of the children it has waited for, in seconds, to 10 ms. */
export function cpuSeconds(pid: number): number {
  const fields = readFileSync(`/proc/${pid}/stat`, 'utf8')
    .replace(/^.*\) /, '')
    .split(' ');
  return [11, 12, 13, 14].reduce((sum, field) => sum + Number(fields[field]), 0) / TICKS_PER_SECOND;
}

/** What a process has for itself and cannot be dropped (RssAnon of proc_pid_status(5)), in MiB. */
export function anonymousMiB(pid: number): number {
  return kiB(`/proc/${pid}/status`, 'RssAnon') / 1024;
}

/** Its share of all memory it has mapped (Pss of proc_pid_smaps(5)), in MiB. */
export function proportionalMiB(pid: number): number {
  return kiB(`/proc/${pid}/smaps_rollup`, 'Pss') / 1024;
}

/** The upper one of the two in the middle; NaN of none. */
export function median(values: readonly number[]): number {
  return [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)] ?? Number.NaN;
}

/** A Markdown table, its first row the head. */
export function table([head = [], ...body]: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]) => `| ${cells.join(' | ')} |\n`;
  return [line(head), line(head.map(() => '---')), ...body.map(line)].join('');
}

function kiB(file: string, field: string): number {
  const [, value] = new RegExp(`^${field}:\\s+(\\d+) kB`, 'm').exec(readFileSync(file, 'utf8')) ?? [];
  return Number(value);
}
