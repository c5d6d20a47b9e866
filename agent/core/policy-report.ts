import { POLICY_ANNOTATION } from './node.ts';

/** What an agent says of its policies in the annotation `node-svc-checker/policy`. */
export type PolicyReport = {
  /** In force; null while none is. */
  readonly revision: string | null;
  /** Why the newest policy directory is not in force; absent when it is. */
  readonly error?: string;
};

/** The annotation is for a table cell and a glance; the log has all of it. */
const MAX_ERROR_CHARACTERS = 500;

/** @param errors what is wrong with the newest policy directory, a line each; none when it is in force */
export function formatPolicyReport(revision: string | null, errors: readonly string[]): string {
  const [first, ...more] = errors;
  if (first === undefined) return JSON.stringify({ revision } satisfies PolicyReport);
  const error = first.slice(0, MAX_ERROR_CHARACTERS) + (more.length > 0 ? ` (and ${more.length} more)` : '');
  return JSON.stringify({ revision, error } satisfies PolicyReport);
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
    return { revision, ...(typeof error === 'string' && { error }) };
  } catch {
    return 'Unreadable';
  }
}
