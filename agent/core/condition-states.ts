import { cordonOwner, drainsOf, type Ledger } from './ledger.ts';
import type { ConditionChange, NodeCondition } from './node.ts';
import type { Roster, WatchedPolicy } from './roster.ts';

/** What a condition should say; Kept: what it says already, and nothing where it is not there. */
export type ConditionState = Pick<ConditionChange, 'status' | 'reason' | 'message'> | 'Kept';

/** The well-known lifecycle conditions of Kubernetes (KEP-5683) that are about a drain. */
export const LIFECYCLE_TYPES: readonly string[] = ['DrainInProgress', 'Drained'];

/** All reasons that were ever written, by which a condition of ours is told from one that somebody else wrote over it. */
const CHECK_REASONS: readonly string[] = ['CheckHealthy', 'CheckFailing', 'CheckNotYetRun', 'CheckUnknown'];
const DRAIN_REASONS: readonly string[] = ['DrainStarted', 'DrainCompleted', 'DrainGaveUp'];

/** Whether a condition is as this program writes it. */
export function isOurWriting({ type, reason }: NodeCondition): boolean {
  return (LIFECYCLE_TYPES.includes(type) ? DRAIN_REASONS : CHECK_REASONS).includes(reason);
}

/**
 * What the condition of each policy should say, by type, with what it says now, where that is ours.
 *
 * A verdict of Unknown changes nothing, and nor does a restart: without news the last known health stays.
 */
export function checkStates(
  roster: Roster,
  ours: ReadonlyMap<string, NodeCondition>,
): ReadonlyMap<string, ConditionState> {
  const states = new Map<string, ConditionState>();
  for (const watched of roster.values()) {
    const { nodeCondition: type, paused, mode } = watched.policy.spec;
    if (type === undefined) continue;
    if (paused) states.set(type, 'Kept');
    else if (mode === 'Enforce') states.set(type, checkState(watched, ours.get(type)));
  }
  return states;
}

function checkState({ policy, health, verdict }: WatchedPolicy, before: NodeCondition | undefined): ConditionState {
  const about = (text: string) =>
    `Policy ${policy.metadata.name}: ${text}${verdict ? `, last: ${verdict.reason}` : ''}`;
  if (health.failing) return { status: 'False', reason: 'CheckFailing', message: about('check is failing') };
  if (health.successes >= policy.spec.check.successThreshold) {
    return { status: 'True', reason: 'CheckHealthy', message: about('check is healthy') };
  }
  const isKnown = before !== undefined && before.status !== 'Unknown';
  if (isKnown || (before !== undefined && verdict === undefined)) return 'Kept';
  return verdict === undefined
    ? { status: 'Unknown', reason: 'CheckNotYetRun', message: about('check has not run yet') }
    : { status: 'Unknown', reason: 'CheckUnknown', message: about('check has not said yet how it is') };
}

/**
 * What the lifecycle conditions should say, by type: those of the drains of the policies that ask for them. Both at once
 * or none, because each says something about the other.
 */
export function drainStates(roster: Roster, ledger: Ledger | null): ReadonlyMap<string, ConditionState> {
  const asking = drainsOf(ledger).filter(({ policy }) => roster.get(policy)?.policy.spec.lifecycleConditions);
  if (asking.length === 0) return new Map();
  const isFrozen = asking.every(({ policy }) => roster.get(policy)?.policy.spec.paused);
  const states = isFrozen ? (['Kept', 'Kept'] as const) : drainPair(ledger, asking);
  return new Map(states?.map((state, index) => [LIFECYCLE_TYPES[index] ?? '', state]));
}

/**
 * Of DrainInProgress and of Drained, where Drained takes the drain of every policy that asks; null when they were taken
 * back, by a person's uncordon or `nsc release`.
 */
function drainPair(
  ledger: Ledger | null,
  asking: ReturnType<typeof drainsOf>,
): readonly [ConditionState, ConditionState] | null {
  const drains = cordonOwner(ledger) === 'TakenAway' ? [] : asking.filter(({ state }) => state !== 'Stopped');
  if (drains.length === 0) return null;
  const pair = (isUnderWay: boolean, isOver: boolean, reason: string, text: string) => {
    const policies = drains.map(({ policy }) => policy).join(', ');
    const message = `Drain for policy ${policies} ${text}`;
    const state = (holds: boolean) => ({ status: holds ? 'True' : 'False', reason, message }) as const;
    return [state(isUnderWay), state(isOver)] as const;
  };
  if (drains.some(({ state }) => state === 'Draining')) return pair(true, false, 'DrainStarted', 'is under way');
  if (drains.some(({ state }) => state === 'GaveUp')) {
    return pair(false, false, 'DrainGaveUp', 'gave up; it is tried again while the policy fails');
  }
  return pair(false, true, 'DrainCompleted', 'is done: nothing it has to evict is left');
}
