import { type Health, NEW_HEALTH, settleHealth } from './health.ts';
import { selectorMatches, selectsEverything } from './label-selector.ts';
import { type Hold, holdOf, type Ledger } from './ledger.ts';
import type { NodeCheckPolicy } from './policy.ts';
import type { Said } from './said.ts';
import type { Silence } from './silence.ts';
import type { Verdict } from './verdict.ts';

/** A policy that applies to this node, and what its check's runs add up to. */
export type WatchedPolicy = {
  readonly policy: NodeCheckPolicy;
  readonly health: Health;
  /** Of the last run of this very check; absent before the first one. */
  readonly verdict?: Verdict;
  /** Of the last one that said how the service is. */
  readonly counted?: Verdict;
  /** What it said when it began to be as it is; absent before the first run of this very check, unless the ledger knows. */
  readonly said?: Said;
  /** A run that may be under way began before this Node was seen, so it does not count; absent once another one began. */
  readonly awaitsRun?: true;
  /** Its runs say nothing of late; absent: the last one said something, or there was none. */
  readonly silence?: Silence;
  /** What it wrote to stderr under `onStderr: Fatal`, as one visible line, which ends the agent; absent: it did not. */
  readonly complaint?: string;
};

/** By policy name, in file order: every policy that applies to this node. */
export type Roster = ReadonlyMap<string, WatchedPolicy>;

/**
 * The roster after a reload or a change of the node's labels.
 *
 * A check with the same command, env and runIn keeps its counters, whatever its thresholds became; any other starts at
 * zero. Either keeps what the ledger says it holds, until it recovers. That its runs say nothing is over where they are judged
 * in another way now, which may be what mends it.
 *
 * @param labels the Node's; null while the Node was never read, when no policy with a nodeSelector can be known to apply.
 */
export function rosterOf(
  policies: readonly NodeCheckPolicy[],
  labels: Readonly<Record<string, string>> | null,
  previous: Roster,
  ledger: Ledger | null,
): Roster {
  const roster = new Map<string, WatchedPolicy>();
  for (const policy of policies) {
    const { name } = policy.metadata;
    const { check, nodeSelector } = policy.spec;
    const applies = labels === null ? selectsEverything(nodeSelector) : selectorMatches(nodeSelector, labels);
    if (!applies) continue;
    const before = sameCheck(previous.get(name), policy);
    const hold = holdOf(ledger, name);
    const health = settleHealth(healthAfterReload(before, policy, hold !== null), check);
    const said = before ? saidBy(before, { ...before, policy, health }) : hold ? saidIn(hold) : undefined;
    const { silence, ...known } = before ?? {};
    const isSilent = silence !== undefined && before !== undefined && judgedBy(before.policy) === judgedBy(policy);
    roster.set(name, { ...known, policy, health, ...(said && { said }), ...(isSilent && { silence }) });
  }
  return roster;
}

/** Whatever makes a run say something or nothing. */
function judgedBy({ spec: { check } }: NodeCheckPolicy): string {
  return JSON.stringify([check.exitCodes, check.timeoutSeconds, check.onTimeout, check.onStderr]);
}

/** What was known of this very check; undefined when it is another one now. */
export function sameCheck(before: WatchedPolicy | undefined, policy: NodeCheckPolicy): WatchedPolicy | undefined {
  return before && checkIdentity(before.policy) === checkIdentity(policy) ? before : undefined;
}

/** Only failures of this very check that reached the threshold in force may add anything to the node. */
function healthAfterReload(before: WatchedPolicy | undefined, policy: NodeCheckPolicy, holds: boolean): Health {
  const byLedger = { failing: holds, remembered: holds };
  if (before === undefined) return { ...NEW_HEALTH, ...byLedger };
  const { health } = before;
  const raised = policy.spec.check.failureThreshold > before.policy.spec.check.failureThreshold;
  return health.failing && (raised || health.remembered) ? { ...health, ...byLedger } : health;
}

/**
 * What an agent takes over of a ledger that it did not write: the policies in it were failing and still are, unless their checks
 * have been healthy for `successThreshold` runs since.
 *
 * @param known the ledger as it was seen before: a hold that stands there was taken over already
 * @param countsBefore whether what this agent saw before it saw the ledger was after the holds came, as at its first look after a
 *   restart; else each check has to recover anew
 */
export function adoptLedger(
  roster: Roster,
  ledger: Ledger | null,
  known: Ledger | null,
  countsBefore: boolean,
): Roster {
  return mapRoster(roster, (watched) => {
    const { policy, health } = watched;
    const { name } = policy.metadata;
    const hold = holdOf(ledger, name);
    if (hold === null || hold.since === holdOf(known, name)?.since) return watched;
    if (countsBefore && health.failing) return watched;
    const counted = countsBefore ? health : { ...health, successes: 0 };
    const after = settleHealth({ ...counted, failing: true, remembered: true }, policy.spec.check);
    return { ...watched, health: after, ...(after.failing && { said: saidIn(hold) }) };
  });
}

/** What is known of a Node that replaced ours: nothing. Only failures of runs that begin from now on may touch it. */
export function forgetCounts(roster: Roster): Roster {
  return new Map([...roster].map(([name, { policy }]) => [name, { policy, health: NEW_HEALTH, awaitsRun: true }]));
}

/** A run of the policy of that name begins. */
export function withRun(roster: Roster, name: string): Roster {
  const watched = roster.get(name);
  if (watched?.awaitsRun === undefined) return roster;
  const { awaitsRun: _, ...rest } = watched;
  return new Map([...roster].map(([each, as]) => [each, each === name ? rest : as]));
}

/** The roster after a verdict on the policy of that name, and what its verdicts add up to then. */
export function withHealth(roster: Roster, name: string, health: Health, verdict?: Verdict): Roster {
  return mapRoster(roster, (watched) => {
    if (watched.policy.metadata.name !== name) return watched;
    const saysHow = verdict !== undefined && verdict.status !== 'Unknown';
    const after = { ...watched, health, ...(verdict && { verdict }), ...(saysHow && { counted: verdict }) };
    const said = saidBy(watched, after);
    return { ...after, ...(said && { said }) };
  });
}

/** What was said last, where the check is another than it was by then; else what it said when it began to be so. */
function saidBy(before: WatchedPolicy, { policy, health, counted, verdict }: WatchedPolicy): Said | undefined {
  const isHealthy = health.successes >= policy.spec.check.successThreshold;
  const begins = health.failing !== before.health.failing || (isHealthy && before.said?.status !== 'Healthy');
  return begins ? counted : (before.said ?? (verdict && { ...verdict, status: 'Unknown' }));
}

/** As the ledger remembers it. */
function saidIn({ mapped, words }: Hold): Said {
  return { status: 'Failed', reason: null, mapped: mapped ?? null, words: words ?? '' };
}

function mapRoster(roster: Roster, next: (watched: WatchedPolicy) => WatchedPolicy): Roster {
  return new Map([...roster].map(([name, watched]) => [name, next(watched)]));
}

/** Two policies with the same identity run the same check, so its counters go on. */
export function checkIdentity({ spec: { check } }: NodeCheckPolicy): string {
  return JSON.stringify([check.command, check.env, check.runIn]);
}

/** The roster where the runs of the policy of that name are silent so; undefined: the last one said something. */
export function withSilence(roster: Roster, name: string, silence: Silence | undefined): Roster {
  if (roster.get(name)?.silence === silence) return roster;
  return withWatched(roster, name, ({ silence: _, ...rest }) => ({ ...rest, ...(silence && { silence }) }));
}

/** The roster after the check of the policy of that name has ended the agent. @param complaint what it wrote to stderr */
export function withComplaint(roster: Roster, name: string, complaint: string): Roster {
  return withWatched(roster, name, (watched) => ({ ...watched, complaint }));
}

function withWatched(roster: Roster, name: string, next: (watched: WatchedPolicy) => WatchedPolicy): Roster {
  return new Map([...roster].map(([each, watched]) => [each, each === name ? next(watched) : watched]));
}

/** Policies whose runs have said nothing for long enough to be told, and why. */
export function silentPolicies(roster: Roster): readonly (readonly [policy: string, why: string])[] {
  return [...roster].flatMap(([name, { silence }]) => (silence?.lasting ? [[name, silence.lasting.why] as const] : []));
}
