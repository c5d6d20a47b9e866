import { COME_BACK } from './come-back.ts';
import type { DrainOrder } from './drain-order.ts';
import type { DrainState } from './drain-state.ts';

/** Of so many drains that are ordered no more it is remembered how far they were. */
const MAX_DROPPED = 100;

/** An interruption gives no owner's pods a new start: only another drain does, or a long time without any. */
export function withPaces(state: DrainState, orders: readonly DrainOrder[], nowMs: number): DrainState {
  if (state.idleSinceMs === null || orders.length === 0) return state;
  const isResumed = orders.some(({ policy, since }) => state.dropped.get(policy)?.order.since === since);
  return isResumed && nowMs - state.idleSinceMs < COME_BACK.maxMs ? state : { ...state, owners: new Map() };
}

/** What is remembered once these attempts take the place of those before. */
export function dropped(
  { attempts: before, dropped, idleSinceMs }: DrainState,
  attempts: DrainState['attempts'],
  nowMs: number,
): Pick<DrainState, 'dropped' | 'idleSinceMs'> {
  const entries = [...dropped, ...before].filter(([policy]) => !attempts.has(policy));
  const idle = attempts.size === 0 ? (idleSinceMs ?? nowMs) : null;
  return { dropped: new Map(entries.slice(-MAX_DROPPED)), idleSinceMs: idle };
}
