import { shorten } from '../core/short-text.ts';
import { adviceFor, KubeError, type StatusSubject } from './kube-error.ts';

/** Of what a server says in a refusal; holds a PodDisruptionBudget's name of any legal length. */
const MAX_MESSAGE_BYTES = 600;

/** An answer that is no success, as it came. */
export type RefusingAnswer = {
  readonly status: number;
  readonly text: string;
  /** The header; undefined when it was not there. */
  readonly retryAfter: string | undefined;
};

/**
 * The error of an answer that is no success.
 *
 * @param attempt what was attempted: `read node node-1`
 * @param source of the credentials, for the advice
 */
export function refusal(attempt: string, { status, text, retryAfter }: RefusingAnswer, source: string): KubeError {
  const { message, reason, causes, subject } = readStatus(text);
  const answer = `${status} ${message}${adviceFor(status, source)}`;
  const retryAfterSeconds = Number(retryAfter);
  return new KubeError(`could not ${attempt}: ${answer}`, {
    status,
    answer,
    reason,
    causes,
    subject,
    retryAfterMs: retryAfter && Number.isFinite(retryAfterSeconds) ? retryAfterSeconds * 1000 : null,
  });
}

type StatusBody = {
  message?: unknown;
  reason?: unknown;
  details?: { kind?: unknown; name?: unknown; causes?: { reason?: unknown; message?: unknown }[] };
};

type StatusReading = { message: string; reason: string; causes: string[]; subject: StatusSubject | null };

/** What a metav1.Status says; of anything else (a proxy's page, priority-and-fairness' text) its first line. */
function readStatus(text: string): StatusReading {
  try {
    const { message, reason, details } = JSON.parse(text) as StatusBody;
    if (typeof message === 'string') {
      const causes = details?.causes ?? [];
      // Which PodDisruptionBudget it is stands in the cause alone.
      const budgets = causes.filter((cause) => cause.reason === 'DisruptionBudget');
      return {
        message: oneLine([message, ...budgets.map((cause) => cause.message ?? '')].join(' ')),
        reason: typeof reason === 'string' ? reason : '',
        causes: causes.map((cause) => String(cause.reason ?? '')),
        subject: details?.kind && details.name ? { kind: String(details.kind), name: String(details.name) } : null,
      };
    }
  } catch {
    // Not a Status: fall through to the text.
  }
  return { message: oneLine(text) || '(empty answer)', reason: '', causes: [], subject: null };
}

function oneLine(text: string): string {
  return shorten(text.trim().replace(/\s+/g, ' '), MAX_MESSAGE_BYTES);
}
