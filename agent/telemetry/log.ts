import { escapeHidden } from '../core/escape-hidden.ts';

/** What stands beside a message: data for machines. */
export type LogFields = Readonly<Record<string, string | number | boolean | undefined>>;

export type LogEntry = {
  readonly level: 'debug' | 'info' | 'warn' | 'error';
  /** A constant; what varies stands in the fields. */
  readonly message: string;
  readonly fields?: LogFields;
  /** The whole line in text format, where people know it by heart; default: level, message and fields. */
  readonly text?: string;
};

export type Log = (entry: LogEntry) => void;

export type LogOptions = {
  readonly format: 'text' | 'json';
  /** Whether entries of level debug are written. */
  readonly debug: boolean;
  /** Takes one line with its newline. */
  readonly write: (line: string) => void;
  /** For the `time` of JSON lines; text lines carry none, since container runtimes add their own. */
  readonly now: () => Date;
};

export function createLog({ format, debug, write, now }: LogOptions): Log {
  const render = format === 'json' ? (entry: LogEntry) => renderJson(entry, now()) : renderText;
  return (entry) => {
    if (entry.level !== 'debug' || debug) write(`${render(entry)}\n`);
  };
}

const PREFIX = { debug: 'DEBUG', info: 'INFO', warn: '⚠ WARN', error: '⛔ ERROR' } as const;

/** Text that nobody can take for anything but one value. */
const PLAIN = /^[^\s"=\\\p{C}]*$/u;

function renderText({ level, message, fields = {}, text }: LogEntry): string {
  if (text !== undefined) return escapeHidden(text);
  const pairs = Object.entries(fields)
    .filter(([, value]) => value !== undefined)
    .map(
      ([key, value]) => ` ${key}=${typeof value === 'string' && !PLAIN.test(value) ? JSON.stringify(value) : value}`,
    );
  return escapeHidden(`${PREFIX[level]}: ${message}${pairs.join('')}`);
}

function renderJson({ level, message, fields }: LogEntry, now: Date): string {
  return escapeHidden(JSON.stringify({ time: now.toISOString(), level, msg: message, ...fields }));
}
