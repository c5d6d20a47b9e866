import { BUG_PREFIX } from './bug.ts';
import { POLICY_ANNOTATION } from './node.ts';
import { shorten } from './short-text.ts';
import { visibleLine } from './words.ts';

/** What an agent says of its policies in the annotation `node-svc-checker/policy`. */
export type PolicyReport = {
  /** In force; null while none is. */
  readonly revision: string | null;
  /** Why the newest policy directory is not in force; absent when it is. */
  readonly error?: string;
  /** A defect of the agent's program that it has met of late; absent: none. In the annotation it is part of `error`. */
  readonly internalError?: string;
  /** By policy, why its check has said nothing of late; absent: each says how it is. */
  readonly unknown?: Readonly<Record<string, string>>;
  /** How many more there are of these. */
  readonly unknownMore?: number;
};

/** The annotation is for a table cell and a glance; the log has all of it. */
const MAX_ERROR_BYTES = 500;
const MAX_UNKNOWN_BYTES = 200;
const MAX_UNKNOWN = 10;
/** What follows an error that is not alone. */
const MAX_MORE_BYTES = 32;
const MAX_REVISION_BYTES = 64;
/** A DNS-1123 label, as the schema has it for the name of a policy. */
const POLICY_NAME = /^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$/;

/** Between the two in one `error`; neither has one in it. */
const SEPARATOR = '\n';

/**
 * @param errors what is wrong with the newest policy directory, a line each; none when it is in force
 * @param bugs the agent's own defects, a line each
 * @param unknown policies whose check has said nothing of late, and why
 */
export function formatPolicyReport(
  revision: string | null,
  errors: readonly string[],
  bugs: readonly string[] = [],
  unknown: readonly (readonly [policy: string, why: string])[] = [],
): string {
  const parts = [firstOf(errors), firstOf(bugs.map((bug) => BUG_PREFIX + bug))].filter((part) => part !== null);
  const more = unknown.length - MAX_UNKNOWN;
  return JSON.stringify({
    revision,
    ...(parts.length > 0 && { error: parts.join(SEPARATOR) }),
    ...(unknown.length > 0 && { unknown: Object.fromEntries(unknown.slice(0, MAX_UNKNOWN).map(shortened)) }),
    ...(more > 0 && { unknownMore: more }),
  });
}

function shortened([policy, why]: readonly [string, string]): [string, string] {
  return [policy, shorten(why, MAX_UNKNOWN_BYTES)];
}

function firstOf([first, ...more]: readonly string[]): string | null {
  if (first === undefined) return null;
  return shorten(first, MAX_ERROR_BYTES) + (more.length > 0 ? ` (and ${more.length} more)` : '');
}

/**
 * What stands in a Node's annotations. Anybody can write there, so what is no report is Unreadable, and each text of one is a
 * single line of visible characters that is no longer than ours are.
 */
export function readPolicyReport(
  annotations: Readonly<Record<string, string>>,
): PolicyReport | 'Absent' | 'Unreadable' {
  const text = annotations[POLICY_ANNOTATION];
  if (text === undefined) return 'Absent';
  try {
    const value: unknown = JSON.parse(text);
    if (typeof value !== 'object' || value === null || !('revision' in value)) return 'Unreadable';
    const { revision, error, unknown, unknownMore } = value as { readonly [field in keyof PolicyReport]?: unknown };
    if (revision !== null && !isRevision(revision)) return 'Unreadable';
    return { revision, ...(typeof error === 'string' && readError(error)), ...readUnknown(unknown, unknownMore) };
  } catch {
    return 'Unreadable';
  }
}

function isRevision(value: unknown): value is string {
  return typeof value === 'string' && visibleLine(value, MAX_REVISION_BYTES) === value;
}

function readError(text: string): Pick<PolicyReport, 'error' | 'internalError'> {
  const parts = text.split(SEPARATOR);
  const isOurs = (part: string) => part.startsWith(BUG_PREFIX);
  const visible = (part: string) => visibleLine(part, MAX_ERROR_BYTES + MAX_MORE_BYTES);
  // We write one; whoever wrote more gets no more lines for it.
  const error = visible(parts.filter((part) => !isOurs(part)).join(SEPARATOR));
  const defect = parts.find(isOurs)?.slice(BUG_PREFIX.length);
  return { ...(error !== '' && { error }), ...(defect !== undefined && { internalError: visible(defect) }) };
}

/** What is no such list is none: whoever wrote it is no agent. */
function readUnknown(unknown: unknown, more: unknown): Pick<PolicyReport, 'unknown' | 'unknownMore'> {
  if (typeof unknown !== 'object' || unknown === null) return {};
  const entries = Object.entries(unknown).filter(
    (entry): entry is [string, string] => typeof entry[1] === 'string' && POLICY_NAME.test(entry[0]),
  );
  if (entries.length === 0) return {};
  const visible = ([policy, why]: [string, string]) => [policy, visibleLine(why, MAX_UNKNOWN_BYTES)];
  return {
    unknown: Object.fromEntries(entries.slice(0, MAX_UNKNOWN).map(visible)),
    ...(typeof more === 'number' && more > 0 && { unknownMore: more }),
  };
}
