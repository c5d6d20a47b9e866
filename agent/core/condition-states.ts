import { cordonOwner, drainsOf, type Ledger } from './ledger.ts';
import type { ConditionChange, NodeCondition } from './node.ts';
import type { NodeCheckPolicy } from './policy.ts';
import type { Roster, WatchedPolicy } from './roster.ts';
import { describeSaid } from './said.ts';

/** What a condition should say; Kept: what it says already, and nothing where it is not there. */
export type ConditionState = Pick<ConditionChange, 'status' | 'reason' | 'message'> | 'Kept';

/** The well-known lifecycle conditions of Kubernetes (KEP-5683) that are about a drain. */
export const LIFECYCLE_TYPES: readonly string[] = ['DrainInProgress', 'Drained'];

/** All reasons that were ever written, by which a condition of ours is told from one that somebody else wrote over it. */
const CHECK_REASONS: readonly string[] = ['CheckHealthy', 'CheckFailing', 'CheckNotYetRun', 'CheckUnknown'];
const DRAIN_REASONS: readonly string[] = ['DrainStarted', 'DrainCompleted', 'DrainGaveUp'];

/** How a message begins that gives the reason of a policy for the exit code; no version may write it in another way. */
const MAPPED = /^Policy [a-z0-9-]+: check is failing \(([A-Za-z0-9]+)\)(?::|$)/;

/** The message of the condition of a check that has ended the agent. No version may write it in another way: nothing else tells it. */
const FATAL = /^Policy [a-z0-9-]+: the check wrote to stderr(?: \(.*\))?, and onStderr is Fatal, so the agent ended$/s;

/**
 * Whether a condition is as this program writes it.
 *
 * Reasons of our own say so themselves. One that a policy gives for an exit code does not: the policy may be another by now, or
 * gone, and anybody may use such a word. But our message begins by giving the same reason, and the status is False. Whoever
 * writes over a condition writes another status, reason or message, and then they do not agree any more, so what was written
 * over is left alone. That alone makes none ours: whoever asks knows from the Node's list of ours that we wrote one of the type.
 */
export function isOurWriting(condition: NodeCondition): boolean {
  const { type, reason } = condition;
  if (LIFECYCLE_TYPES.includes(type)) return DRAIN_REASONS.includes(reason);
  return CHECK_REASONS.includes(reason) || isMapped(condition);
}

function isMapped({ status, reason, message }: NodeCondition): boolean {
  return status === 'False' && MAPPED.exec(message)?.[1] === reason;
}

/**
 * What the condition of each policy should say, by type, with what it says now, where that is ours.
 *
 * A verdict of Unknown changes nothing, and nor does a restart: without news the last known health stays, and so does that the
 * check has ended the agent. While a check goes on failing, what was written as it began stays, whatever its exit codes and its
 * words are by now.
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

function checkState(watched: WatchedPolicy, before: NodeCondition | undefined): ConditionState {
  const { policy, health, verdict, counted, said, complaint } = watched;
  const last = said ? describeSaid(said) : '';
  const about = (text: string) => `Policy ${policy.metadata.name}: ${text}${last === '' ? '' : `, last: ${last}`}`;
  if (complaint !== undefined) return fatalState(policy, complaint);
  if (counted === undefined && before && saysFatal(before)) return 'Kept';
  if (health.failing) {
    if (before?.status === 'False' && (before.reason === 'CheckFailing' || isMapped(before))) return 'Kept';
    if (said === undefined || said.mapped === null) {
      return { status: 'False', reason: 'CheckFailing', message: about('check is failing') };
    }
    const { mapped: reason, words } = said;
    const what = `Policy ${policy.metadata.name}: check is failing (${reason})`;
    return { status: 'False', reason, message: words === '' ? what : `${what}: ${words}` };
  }
  if (health.successes >= policy.spec.check.successThreshold) {
    return { status: 'True', reason: 'CheckHealthy', message: about('check is healthy') };
  }
  const isKnown = before !== undefined && before.status !== 'Unknown';
  if (isKnown || (before !== undefined && verdict === undefined)) return 'Kept';
  return verdict === undefined
    ? { status: 'Unknown', reason: 'CheckNotYetRun', message: about('check has not run yet') }
    : { status: 'Unknown', reason: 'CheckUnknown', message: about('check has not said yet how it is') };
}

/** Its reason is one that every version knows: an agent of one that does not know a reason leaves the condition to others for ever. */
function fatalState({ metadata }: NodeCheckPolicy, complaint: string): ConditionState {
  const said = complaint === '' ? '' : ` (${complaint})`;
  const message = `Policy ${metadata.name}: the check wrote to stderr${said}, and onStderr is Fatal, so the agent ended`;
  return { status: 'Unknown', reason: 'CheckUnknown', message };
}

/** Whether a condition of ours says that its check has ended the agent. */
export function saysFatal({ status, reason, message }: Pick<NodeCondition, 'status' | 'reason' | 'message'>): boolean {
  return status === 'Unknown' && reason === 'CheckUnknown' && FATAL.test(message);
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
