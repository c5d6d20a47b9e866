import type { ConditionComparison } from './node-conditions.ts';
import type { NodeCheckPolicy } from './policy.ts';
import type { KnownNode, Now } from './state.ts';
import type { RunOutcome } from './verdict.ts';

/** Before it ends, an agent says why where people look: so long at most, in milliseconds, whatever the API server does. */
export const FATAL_ENDS_WITHIN_MS = 2_000;
/** Of these, how long the Node and the write of its condition are waited for; the rest is for what is under way then. */
const FATAL_WAITS_MS = 1_500;

/** A script wrote to stderr under `onStderr: Fatal`, which ends the agent. */
export type Fatal = {
  readonly policy: NodeCheckPolicy;
  readonly outcome: RunOutcome;
  /** What it wrote, as one visible line; empty when nothing of it is visible. */
  readonly complaint: string;
  /** On `Now.ms`. */
  readonly atMs: number;
};

/** The order to end the process, and why. */
export type EndOrder = Pick<Fatal, 'policy' | 'complaint'> & {
  /** By when it has to be over, on `Now.ms`. */
  readonly byMs: number;
};

/**
 * null while there is something to say first that may still be said: the condition of a Node that this agent acts on.
 *
 * @param isActing null: it is not known yet whether an agent that started earlier is there still
 */
export function endOrder(
  { policy, complaint, atMs }: Fatal,
  node: KnownNode,
  isActing: boolean | null,
  conditions: ConditionComparison | null,
  now: Now,
): EndOrder | null {
  const isOver = now.ms >= fatalWaitsUntilMs({ atMs });
  const isSaid = conditions?.kind !== 'Compared' || conditions.step === null;
  const hasSaidAll = node.kind === 'There' ? isActing === false || (isActing && isSaid) : node.kind === 'Gone';
  return isOver || hasSaidAll ? { policy, complaint, byMs: atMs + FATAL_ENDS_WITHIN_MS } : null;
}

export function fatalWaitsUntilMs({ atMs }: Pick<Fatal, 'atMs'>): number {
  return atMs + FATAL_WAITS_MS;
}
