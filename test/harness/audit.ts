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
  /** With level RequestResponse, and Agents of what patches a Node; once it is answered. */
  readonly requestObject?: unknown;
  /** With level RequestResponse only. */
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

/** Agents: nothing of what the control plane itself and its admin ask for, but the bodies of what patches a Node. */
export type AuditLevel = 'Metadata' | 'RequestResponse' | 'Agents';

/**
 * An audit policy that logs every request at every stage.
 * @param others whose requests the level Agents leaves out
 */
export function auditPolicy(level: AuditLevel, others: readonly string[]): string {
  const agents = [
    { level: 'None', users: others },
    { level: 'Request', verbs: ['patch'], resources: [{ group: '', resources: ['nodes'] }] },
    { level: 'Metadata' },
  ];
  const rules = level === 'Agents' ? agents : [{ level }];
  return JSON.stringify({ apiVersion: 'audit.k8s.io/v1', kind: 'Policy', rules });
}

/** Reads the log file that kube-apiserver writes, from now on, and each line of it once. */
export function openAuditLog(path: string): AuditLog {
  const begin = sizeOf(path);
  const all: Line[] = [];
  const byNode = new Map<string, Line[]>();
  // The byte before tells whether a line begins here.
  let read = Math.max(0, begin - 1);
  let isWhole = begin === 0;

  function take(line: Line): void {
    all.push(line);
    for (const node of nodesOf(line.entry)) {
      const known = byNode.get(node);
      if (known) known.push(line);
      else byNode.set(node, [line]);
    }
  }
  function readMore(): void {
    for (const text of readLines(path, read)) {
      if (isWhole) take({ offset: read, entry: JSON.parse(text) });
      isWhole = true;
      read += Buffer.byteLength(text) + 1;
    }
  }
  return {
    mark: () => sizeOf(path),
    since(mark, filter = {}) {
      readMore();
      const { nodeName } = filter;
      const lines = nodeName === undefined ? all : (byNode.get(nodeName) ?? []);
      const byId = new Map<string, AuditEntry>();
      for (const { offset, entry } of lines) {
        if (offset < mark || !matches(entry, filter)) continue;
        // Received before the mark, answered after it: not one of ours.
        if (entry.stage === 'RequestReceived' || byId.has(entry.auditID)) byId.set(entry.auditID, entry);
      }
      return [...byId.values()];
    },
  };
}

/** One line of the log, and where it begins. */
interface Line {
  readonly offset: number;
  readonly entry: AuditEntry;
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

function matches(entry: AuditEntry, { user, verb, resource }: AuditFilter): boolean {
  return (
    (user === undefined || entry.user.username === user) &&
    (verb === undefined || entry.verb === verb) &&
    (resource === undefined || resourceOf(entry) === resource)
  );
}

function nodesOf({ user }: AuditEntry): readonly string[] {
  return user.extra?.['authentication.kubernetes.io/node-name'] ?? [];
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

function sizeOf(path: string): number {
  return existsSync(path) ? statSync(path).size : 0;
}

/** The whole lines from the offset on: the server may be in the middle of one. */
function readLines(path: string, offset: number): string[] {
  if (sizeOf(path) <= offset) return [];
  const file = openSync(path, 'r');
  try {
    const buffer = Buffer.alloc(Math.max(0, fstatSync(file).size - offset));
    const length = readSync(file, buffer, 0, buffer.length, offset);
    return buffer
      .toString('utf8', 0, buffer.lastIndexOf('\n', length - 1) + 1)
      .split('\n')
      .slice(0, -1);
  } finally {
    closeSync(file);
  }
}
