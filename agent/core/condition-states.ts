import { holdOf, type Ledger } from './ledger.ts';
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
 * What the lifecycle conditions should say, by type: those of the drain in the ledger, if a policy that holds it asks
 * for them. Both at once or none, because each says something about the other.
 */
export function drainStates(roster: Roster, ledger: Ledger | null): ReadonlyMap<string, ConditionState> {
  const asking = [...roster].filter(
    ([name, { policy }]) => policy.spec.lifecycleConditions && holdOf(ledger, name)?.drain,
  );
  if (asking.length === 0) return new Map();
  const isFrozen = asking.every(([, { policy }]) => policy.spec.paused);
  const states = isFrozen ? (['Kept', 'Kept'] as const) : drainPair(ledger, asking.map(([name]) => name).join(', '));
  return new Map(states?.map((state, index) => [LIFECYCLE_TYPES[index] ?? '', state]));
}

/** Of DrainInProgress and of Drained; null when the drain was taken back, by a person's uncordon or `nsc release`. */
function drainPair(ledger: Ledger | null, policies: string): readonly [ConditionState, ConditionState] | null {
  if (!ledger?.drain || ledger.cordon === 'Released') return null;
  const pair = (isUnderWay: boolean, isOver: boolean, reason: string, text: string) => {
    const message = `Drain for policy ${policies} ${text}`;
    const state = (holds: boolean) => ({ status: holds ? 'True' : 'False', reason, message }) as const;
    return [state(isUnderWay), state(isOver)] as const;
  };
  switch (ledger.drain.state) {
    case 'Draining':
      return pair(true, false, 'DrainStarted', 'is under way');
    case 'Drained':
      return pair(false, true, 'DrainCompleted', 'is done: nothing it has to evict is left');
    case 'GaveUp':
      return pair(false, false, 'DrainGaveUp', 'gave up; it is tried again while the policy fails');
    case 'Released':
      return null;
    default:
      return ledger.drain.state satisfies never;
  }
}
