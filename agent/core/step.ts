import type { AgentEvent } from './agent-event.ts';
import { type Decision, decide } from './decide.ts';
import type { Orders } from './orders/orders.ts';
import type { AgentState, Now } from './state.ts';
import { take } from './take.ts';
import { tell } from './tell.ts';
import type { Transition } from './transition.ts';

export type Step = {
  readonly state: AgentState;
  /** Everything that should be under way now. */
  readonly orders: Orders;
  /** Everything that has to be told, in order. */
  readonly told: readonly Transition[];
  /** When a Tick is due, on `Now.ms`; Infinity: nothing waits for time alone. */
  readonly wakeAtMs: number;
  /** What the orders rest on, for whoever shows it. */
  readonly decision: Decision;
};

/**
 * The agent: what it knows after an event, and what it wants done.
 *
 * Pure and total: the same arguments give the same answer, and no event of any state throws. It is level-triggered: the
 * orders follow from what is known, never from the event alone, so a crash, a race or a lost answer needs no path of its own.
 *
 * @param before the step that led to the state: where the event adds nothing to what is known, and nothing became due since,
 *   what followed from it still does. Absent: it is decided anew.
 */
export function step(state: AgentState, event: AgentEvent, now: Now, before?: Step): Step {
  const taken = take(state, event, now);
  if (taken.state === before?.state && now.ms < before.wakeAtMs) return { ...before, told: taken.transitions };
  const decision = decide(taken.state, now);
  const { told, transitions } = tell(taken.state, decision);
  return {
    state: { ...taken.state, told },
    orders: decision.orders,
    told: [...taken.transitions, ...transitions],
    wakeAtMs: decision.wakeAtMs,
    decision,
  };
}
