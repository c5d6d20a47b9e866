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

function renderText({ level, message, fields = {}, text }: LogEntry): string {
  if (text !== undefined) return visible(text);
  const pairs = Object.entries(fields)
    .filter(([, value]) => value !== undefined)
    .map(
      ([key, value]) => ` ${key}=${typeof value === 'string' && /[\s"=]/.test(value) ? JSON.stringify(value) : value}`,
    );
  return visible(`${PREFIX[level]}: ${message}${pairs.join('')}`);
}

function renderJson({ level, message, fields }: LogEntry, now: Date): string {
  return JSON.stringify({ time: now.toISOString(), level, msg: message, ...fields });
}

/** Control characters as escapes: what a script prints must neither forge a line nor steer a terminal. */
function visible(text: string): string {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for.
  return text.replace(/[\u0000-\u001f\u007f-\u009f]/g, (char) => JSON.stringify(char).slice(1, -1));
}
