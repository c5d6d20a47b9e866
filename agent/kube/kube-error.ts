/** Why a call to the API server did not succeed; the message is one line that says what to do. */
export class KubeError extends Error {
  override readonly name = 'KubeError';
  /** HTTP status; null when no whole answer arrived: then a write may or may not have happened. */
  readonly status: number | null;
  /** The Status object's reason, such as `Conflict`; empty when there is none. */
  readonly reason: string;
  /** The message without what was attempted, for who says that in words of their own. */
  readonly answer: string;
  /** Of the Status's details.causes, the reasons: `DisruptionBudget`, `NamespaceTerminating`. */
  readonly causes: readonly string[];
  /** From the Retry-After header; null when it was not there. */
  readonly retryAfterMs: number | null;
  /** The object that the Status is about, as it names it; null when the answer was no Status, or names none. */
  readonly subject: StatusSubject | null;

  constructor(
    message: string,
    details: {
      status: number | null;
      reason?: string;
      answer?: string;
      causes?: readonly string[];
      retryAfterMs?: number | null;
      subject?: StatusSubject | null;
      cause?: unknown;
    },
  ) {
    super(message, { cause: details.cause });
    this.status = details.status;
    this.reason = details.reason ?? '';
    this.answer = details.answer ?? message;
    this.causes = details.causes ?? [];
    this.retryAfterMs = details.retryAfterMs ?? null;
    this.subject = details.subject ?? null;
  }
}

/** Of a Status's details: the resource in the plural, such as `nodes`, and the object's name. */
export type StatusSubject = { readonly kind: string; readonly name: string };

/**
 * Whether an error says that this very object is not there: a Status with reason NotFound that names it. Any other 404,
 * such as a proxy's page or a missing API, says nothing about the object.
 *
 * @param kind the resource in the plural: `nodes`, `leases`, `pods`
 */
export function isNotFound(error: unknown, kind: string, name: string): boolean {
  if (!(error instanceof KubeError) || error.status !== 404 || error.reason !== 'NotFound') return false;
  return error.subject?.kind === kind && error.subject.name === name;
}

/** Whether an error says that there is an object of this name already. @param kind as in `isNotFound` */
export function isAlreadyExists(error: unknown, kind: string, name: string): boolean {
  if (!(error instanceof KubeError) || error.status !== 409 || error.reason !== 'AlreadyExists') return false;
  return error.subject?.kind === kind && error.subject.name === name;
}

/** Whether an error says that a deletion meant another object, which has the name of one that is gone. */
export function isPreconditionFailed(error: unknown, name: string): boolean {
  if (!(error instanceof KubeError) || error.status !== 409 || error.reason !== 'Conflict') return false;
  // Only its message tells it from a conflict of two writers.
  return error.subject?.name === name && /precondition/i.test(error.answer);
}

/** Whether an error is the API server's answer with this HTTP status. */
export function hasStatus(error: unknown, status: number): boolean {
  return error instanceof KubeError && error.status === status;
}

/** Whether the API server understood the request and will not have it: asked again, it would say the same. */
export function isRefusal(error: unknown): boolean {
  if (!(error instanceof KubeError)) return false;
  // A 404 that is no Status is of something on the way, such as a proxy.
  return error.status === 404 ? error.reason === 'NotFound' : [400, 401, 403].includes(error.status ?? 0);
}

/** Whether an answer was lost, or could not be given for now: what was asked for may be right, and asked for again. */
export function isInterruption(error: unknown): boolean {
  if (!(error instanceof KubeError)) return false;
  // An answer that is none, such as a proxy's page, was not lost.
  if (error.status === null) return error.cause !== undefined;
  return error.status === 429 || error.status >= 500;
}

/** What an operator can do about a refusal, as the end of a sentence; empty when the message says it all. */
export function adviceFor(status: number, source: string): string {
  switch (status) {
    case 401:
      return `; check that the credentials in ${source} are valid and not expired`;
    case 403:
      return '; check the ClusterRole of the service account that the agent runs as';
    default:
      return '';
  }
}

const NETWORK_PROBLEMS: Readonly<Record<string, string>> = {
  ECONNREFUSED: 'the connection was refused; check that it is running and the address is right',
  ECONNRESET: 'the connection was cut',
  EPIPE: 'the connection was cut',
  ENOTFOUND: 'its name cannot be resolved; check the server in the kubeconfig and DNS',
  EAI_AGAIN: 'its name cannot be resolved; check DNS',
  EHOSTUNREACH: 'there is no route to it',
  ENETUNREACH: 'there is no route to it',
  ETIMEDOUT: 'it does not answer',
  DEPTH_ZERO_SELF_SIGNED_CERT: 'its certificate is self-signed; check certificate-authority',
  SELF_SIGNED_CERT_IN_CHAIN: 'its certificate is not signed by our certificate-authority',
  UNABLE_TO_VERIFY_LEAF_SIGNATURE: 'its certificate is not signed by our certificate-authority',
  ERR_TLS_CERT_ALTNAME_INVALID: 'its certificate is for another name; check the server address or tls-server-name',
  CERT_HAS_EXPIRED: 'its certificate has expired',
};

/** A network error's code in words. */
export function networkProblem(error: Error & { code?: string }): string {
  return (error.code !== undefined && NETWORK_PROBLEMS[error.code]) || error.message || error.code || 'unknown error';
}
