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
/** What steers a terminal, ends a line for some readers, turns the direction of text, or is not seen. */
const HIDDEN = /[\p{Cc}\p{Cf}\p{Cs}\u2028\u2029]/gu;

function renderText({ level, message, fields = {}, text }: LogEntry): string {
  if (text !== undefined) return visible(text);
  const pairs = Object.entries(fields)
    .filter(([, value]) => value !== undefined)
    .map(
      ([key, value]) => ` ${key}=${typeof value === 'string' && !PLAIN.test(value) ? JSON.stringify(value) : value}`,
    );
  return visible(`${PREFIX[level]}: ${message}${pairs.join('')}`);
}

function renderJson({ level, message, fields }: LogEntry, now: Date): string {
  return visible(JSON.stringify({ time: now.toISOString(), level, msg: message, ...fields }));
}

/** What is hidden as escapes of JSON: what a script prints must neither forge a line nor steer a terminal. */
function visible(text: string): string {
  return text.replace(HIDDEN, (character) => {
    const escaped = JSON.stringify(character).slice(1, -1);
    // JSON itself leaves most of them as they are.
    if (escaped !== character) return escaped;
    return character.split('').map(escapeOf).join('');
  });
}

function escapeOf(unit: string): string {
  return `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`;
}
