import { closeSync, existsSync, fstatSync, openSync, readSync, statSync } from 'node:fs';

/** One request as the API server's audit log tells it. */
export interface AuditEntry {
  readonly auditID: string;
  /** RequestReceived while unanswered; a watch is answered when it starts. */
  readonly stage: 'RequestReceived' | 'ResponseStarted' | 'ResponseComplete' | 'Panic';
  readonly verb: string;
  readonly requestURI: string;
  readonly userAgent?: string;
  readonly user: { readonly username: string; readonly extra?: Readonly<Record<string, readonly string[]>> };
  readonly objectRef?: {
    /** Absent for the core group. */
    readonly apiGroup?: string;
    readonly resource?: string;
    readonly subresource?: string;
    readonly namespace?: string;
    readonly name?: string;
  };
  readonly responseStatus?: { readonly code?: number; readonly reason?: string };
  /** With level RequestResponse only. */
  readonly requestObject?: unknown;
  readonly responseObject?: unknown;
  readonly requestReceivedTimestamp: string;
}

export interface AuditFilter {
  /** For example `system:serviceaccount:NAMESPACE:NAME`. */
  readonly user?: string;
  /** Of a token bound to a pod: the name of that pod's node. */
  readonly nodeName?: string;
  readonly verb?: string;
  /** `nodes`, or `pods/eviction` with a subresource. */
  readonly resource?: string;
}

/** The audit log of one API server. */
export interface AuditLog {
  /** Now, to be given to `since`. */
  mark(): number;
  /**
   * The requests received since the mark, oldest first, each once and as far as it got. A request is in the log before
   * it is handled, so what was answered is counted; its status may follow a moment after the answer.
   */
  since(mark: number, filter?: AuditFilter): AuditEntry[];
}

export type AuditLevel = 'Metadata' | 'RequestResponse';

/** An audit policy that logs every request of every user, at every stage. */
export function auditPolicy(level: AuditLevel): string {
  return JSON.stringify({ apiVersion: 'audit.k8s.io/v1', kind: 'Policy', rules: [{ level }] });
}

/** Reads the log file that kube-apiserver writes. */
export function openAuditLog(path: string): AuditLog {
  return {
    mark: () => (existsSync(path) ? statSync(path).size : 0),
    since(mark, filter = {}) {
      const byId = new Map<string, AuditEntry>();
      for (const line of readFrom(path, mark).split('\n')) {
        if (line === '') continue;
        const entry: AuditEntry = JSON.parse(line);
        // Received before the mark, answered after it: not one of ours.
        if (entry.stage === 'RequestReceived' || byId.has(entry.auditID)) byId.set(entry.auditID, entry);
      }
      return [...byId.values()].filter((entry) => matches(entry, filter));
    },
  };
}

/** How often each verb and resource was requested, for example `{'patch nodes': 2, 'create pods/eviction': 1}`. */
export function countRequests(entries: readonly AuditEntry[]): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const entry of entries) {
    const key = `${entry.verb} ${resourceOf(entry)}`;
    counts[key] = (counts[key] ?? 0) + 1;
  }
  return counts;
}

function matches(entry: AuditEntry, { user, nodeName, verb, resource }: AuditFilter): boolean {
  const nodes = entry.user.extra?.['authentication.kubernetes.io/node-name'] ?? [];
  return (
    (user === undefined || entry.user.username === user) &&
    (nodeName === undefined || nodes.includes(nodeName)) &&
    (verb === undefined || entry.verb === verb) &&
    (resource === undefined || resourceOf(entry) === resource)
  );
}

/** The rights that requests needed, sorted and each once, for example `create policy/pods/eviction`. */
export function rightsOf(entries: readonly AuditEntry[]): string[] {
  const rights = entries.map((entry) => `${entry.verb} ${entry.objectRef?.apiGroup ?? ''}/${resourceOf(entry)}`);
  return [...new Set(rights)].sort();
}

function resourceOf({ objectRef, requestURI }: AuditEntry): string {
  if (objectRef?.resource === undefined) return requestURI;
  return objectRef.subresource === undefined ? objectRef.resource : `${objectRef.resource}/${objectRef.subresource}`;
}

/** Whole lines that begin at the offset or later: the server may have been, and may be, in the middle of one. */
function readFrom(path: string, offset: number): string {
  if (!existsSync(path)) return '';
  const file = openSync(path, 'r');
  try {
    // The byte before tells whether a line begins at the offset.
    const from = Math.max(0, offset - 1);
    const buffer = Buffer.alloc(Math.max(0, fstatSync(file).size - from));
    const length = readSync(file, buffer, 0, buffer.length, from);
    const text = buffer.toString('utf8', 0, length);
    return text.slice(offset === 0 ? 0 : text.indexOf('\n') + 1, text.lastIndexOf('\n') + 1);
  } finally {
    closeSync(file);
  }
}
