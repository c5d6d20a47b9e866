import { type Health, NEW_HEALTH, settleHealth } from './health.ts';
import { selectorMatches, selectsEverything } from './label-selector.ts';
import { holdOf, type Ledger } from './ledger.ts';
import type { NodeCheckPolicy } from './policy.ts';
import type { Verdict } from './verdict.ts';

/** A policy that applies to this node, and what its check's runs add up to. */
export type WatchedPolicy = {
  readonly policy: NodeCheckPolicy;
  readonly health: Health;
  /** Of the last run of this very check; absent before the first one. */
  readonly verdict?: Verdict;
  /** A run that may be under way began before this Node was seen, so it does not count; absent once another one began. */
  readonly awaitsRun?: true;
};

/** By policy name, in file order: every policy that applies to this node. */
export type Roster = ReadonlyMap<string, WatchedPolicy>;

/**
 * The roster after a reload or a change of the node's labels.
 *
 * A check with the same command, env and runIn keeps its counters, whatever its thresholds became; any other starts at
 * zero. Either keeps what the ledger says it holds, until it recovers.
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
    const health = healthAfterReload(before, policy, holdOf(ledger, name) !== null);
    roster.set(name, { ...before, policy, health: settleHealth(health, check) });
  }
  return roster;
}

/** What was known of this very check; undefined when it is another one now. */
function sameCheck(before: WatchedPolicy | undefined, policy: NodeCheckPolicy): WatchedPolicy | undefined {
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
  return mapHealth(roster, ({ policy, health }) => {
    const { name } = policy.metadata;
    const hold = holdOf(ledger, name);
    if (hold === null || hold.since === holdOf(known, name)?.since) return health;
    if (countsBefore && health.failing) return health;
    const counted = countsBefore ? health : { ...health, successes: 0 };
    return settleHealth({ ...counted, failing: true, remembered: true }, policy.spec.check);
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
  const counted = (watched: WatchedPolicy) => ({ ...watched, health, ...(verdict && { verdict }) });
  return new Map([...roster].map(([each, watched]) => [each, each === name ? counted(watched) : watched]));
}

function mapHealth(roster: Roster, next: (watched: WatchedPolicy) => Health): Roster {
  return new Map([...roster].map(([name, watched]) => [name, { ...watched, health: next(watched) }]));
}

/** Two policies with the same identity run the same check, so its counters go on. */
export function checkIdentity({ spec: { check } }: NodeCheckPolicy): string {
  return JSON.stringify([check.command, check.env, check.runIn]);
}
