/** One line of an agent's JSON log: a constant `msg`, and what varies in fields. */
export interface LogEntry {
  readonly level: string;
  readonly msg: string;
  readonly [field: string]: unknown;
}

/** A line that is no entry, such as a stack trace, is an error whose text is the line. */
export function parseLogLine(line: string): LogEntry {
  try {
    const entry: unknown = JSON.parse(line);
    if (typeof entry === 'object' && entry !== null && 'msg' in entry && 'level' in entry) return entry as LogEntry;
  } catch {
    // Not JSON; below.
  }
  return { level: 'error', msg: line };
}

export type VerdictWord = 'OK' | 'FAIL' | 'UNKNOWN';

/** How a policy's check stands. */
export interface CheckState {
  readonly verdict: VerdictWord;
  /** In a row. */
  readonly failures: number;
  readonly threshold: number;
  /** Another revision is in force since, which may no longer have this policy. */
  readonly isStale: boolean;
}

/** What an agent has said so far. */
export interface Reading {
  /** By policy. */
  readonly checks: Readonly<Record<string, CheckState>>;
  readonly runs: number;
  readonly failedRuns: number;
  /** A cluster budget keeps the agent from acting. */
  readonly isDenied: boolean;
}

export const NOTHING_READ: Reading = { checks: {}, runs: 0, failedRuns: 0, isDenied: false };

/** How an entry ends that says why the agent does nothing. */
const WITHHELD = '; would otherwise act on the node';
const DENIED = `the cluster budget grants no slot${WITHHELD}`;

const VERDICTS: Readonly<Record<string, VerdictWord>> = {
  'check healthy': 'OK',
  'check failed': 'FAIL',
  'check says nothing': 'UNKNOWN',
};

/** The reading once this entry is read too. */
export function readEntry(before: Reading, entry: LogEntry): Reading {
  if (entry.msg === 'policy in force') return { ...before, checks: staleChecks(before) };
  if (entry.msg.endsWith(WITHHELD)) return { ...before, isDenied: entry.msg === DENIED };
  if (entry.msg === 'policy recovered' || entry.msg in CHANGES) return { ...before, isDenied: false };
  const verdict = VERDICTS[entry.msg];
  if (verdict === undefined) return before;
  const check = {
    verdict,
    failures: Number(entry.failures),
    threshold: Number(entry.failureThreshold),
    isStale: false,
  };
  return {
    ...before,
    checks: { ...before.checks, [String(entry.policy)]: check },
    runs: before.runs + 1,
    failedRuns: before.failedRuns + (verdict === 'FAIL' ? 1 : 0),
  };
}

function staleChecks({ checks }: Reading): Reading['checks'] {
  return Object.fromEntries(Object.entries(checks).map(([policy, check]) => [policy, { ...check, isStale: true }]));
}

/** Of several policies the one that matters most: whose check is nearest to its threshold, then one that is not OK. */
export function worstCheck(reading: Reading): CheckState | undefined {
  const checks = Object.values(reading.checks);
  const current = checks.filter(({ isStale }) => !isStale);
  const rank = ({ verdict, failures, threshold }: CheckState) => failures / threshold + (verdict === 'OK' ? 0 : 0.001);
  // Until the first run under a new revision, the old word is the best there is.
  return (current.length > 0 ? current : checks).sort((a, b) => rank(b) - rank(a))[0];
}

/** What an entry means to somebody who looks on, in one line; null when it is nothing new. */
export function tellEntry(before: Reading, entry: LogEntry): string | null {
  const known = before.checks[String(entry.policy)];
  switch (entry.msg) {
    case 'running check':
    case 'check output':
      return null;
    case 'agent started':
      return `agent ${entry.version} is up, metrics at http://${entry.http}/metrics`;
    case 'policy in force':
      return `policy revision ${entry.revision} is in force`;
    case 'check healthy':
      return known?.verdict === 'OK' ? null : 'check is healthy';
    case 'check failed': {
      const { failures, failureThreshold, reason } = entry;
      if (Number(failures) > Number(failureThreshold)) return null;
      return `check failed (${reason}), ${failures} of ${failureThreshold} in a row`;
    }
    case 'check says nothing':
      return known?.verdict === 'UNKNOWN' ? null : `check says nothing (${entry.reason}), so nothing is counted`;
    case 'policy failing':
      return `policy ${entry.policy} fails from now on`;
    case 'policy recovered':
      return `policy ${entry.policy} has recovered`;
    case 'slot denied':
      return `no slot: ${entry.reason}`;
    case DENIED:
      return `left as it is; wanted: ${entry.would}`;
    case 'stopping; the node stays as it is':
      return null;
    case 'evicting pod':
      return `pod ${entry.pod} is evicted`;
    case 'drain leaves pods on the node':
      return entry.DaemonSet === undefined ? null : `the drain leaves ${entry.DaemonSet} pod of a DaemonSet`;
    case 'drain ended well':
      return `drained: ${entry.evicted} pods evicted in ${entry.seconds} s`;
    default:
      return CHANGES[entry.msg] ?? tellAnything(entry);
  }
}

const CHANGES: Readonly<Record<string, string>> = {
  'node changed: Cordoned': 'the agent cordoned the node',
  'node changed: Tainted': 'the agent tainted the node',
  'node changed: Uncordoned': 'the agent uncordoned the node',
  'node changed: Untainted': 'the agent removed its taint',
  'node changed: CordonFound': 'somebody else had cordoned the node, so it stays cordoned on recovery',
  'node changed: CordonTakenAway': 'somebody uncordoned the node; the agent leaves it so while this lasts',
  'node changed: TaintFound': "the taint is somebody else's, so it stays on recovery",
  'node changed: TaintTakenAway': 'somebody removed the taint; the agent leaves it so while this lasts',
  'node changed: DrainStarted': 'the agent drains the node',
  'node changed: DrainSucceeded': 'the node is drained, and its ledger says so',
  'node changed: DrainFailed': 'the drain gave up; the node stays cordoned',
  'node changed: GivenBack': 'the node is given back',
};

function tellAnything({ level, msg, time, ...fields }: LogEntry): string {
  const pairs = Object.entries(fields).map(([name, value]) => ` ${name}=${value}`);
  return `${level === 'info' ? '' : `${level}: `}${msg}${pairs.join('')}`;
}
