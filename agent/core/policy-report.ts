import { BUG_PREFIX } from './bug.ts';
import { POLICY_ANNOTATION } from './node.ts';
import { shorten } from './short-text.ts';

/** What an agent says of its policies in the annotation `node-svc-checker/policy`. */
export type PolicyReport = {
  /** In force; null while none is. */
  readonly revision: string | null;
  /** Why the newest policy directory is not in force; absent when it is. */
  readonly error?: string;
  /** A defect of the agent's program that it has met of late; absent: none. In the annotation it is part of `error`. */
  readonly internalError?: string;
};

/** The annotation is for a table cell and a glance; the log has all of it. */
const MAX_ERROR_BYTES = 500;

/** Between the two in one `error`; neither has one in it. */
const SEPARATOR = '\n';

/**
 * @param errors what is wrong with the newest policy directory, a line each; none when it is in force
 * @param bugs the agent's own defects, a line each
 */
export function formatPolicyReport(
  revision: string | null,
  errors: readonly string[],
  bugs: readonly string[] = [],
): string {
  const parts = [firstOf(errors), firstOf(bugs.map((bug) => BUG_PREFIX + bug))].filter((part) => part !== null);
  if (parts.length === 0) return JSON.stringify({ revision });
  return JSON.stringify({ revision, error: parts.join(SEPARATOR) });
}

function firstOf([first, ...more]: readonly string[]): string | null {
  if (first === undefined) return null;
  return shorten(first, MAX_ERROR_BYTES) + (more.length > 0 ? ` (and ${more.length} more)` : '');
}

/** What stands in a Node's annotations; anybody can write there, so what is no report is Unreadable. */
export function readPolicyReport(
  annotations: Readonly<Record<string, string>>,
): PolicyReport | 'Absent' | 'Unreadable' {
  const text = annotations[POLICY_ANNOTATION];
  if (text === undefined) return 'Absent';
  try {
    const value: unknown = JSON.parse(text);
    if (typeof value !== 'object' || value === null || !('revision' in value)) return 'Unreadable';
    const { revision, error } = value as { revision: unknown; error?: unknown };
    if (revision !== null && typeof revision !== 'string') return 'Unreadable';
    return { revision, ...(typeof error === 'string' && readError(error)) };
  } catch {
    return 'Unreadable';
  }
}

function readError(text: string): Pick<PolicyReport, 'error' | 'internalError'> {
  const parts = text.split(SEPARATOR);
  const isOurs = (part: string) => part.startsWith(BUG_PREFIX);
  const error = parts.filter((part) => !isOurs(part)).join(SEPARATOR);
  const internalError = parts.find(isOurs)?.slice(BUG_PREFIX.length);
  return { ...(error !== '' && { error }), ...(internalError !== undefined && { internalError }) };
}
