import type { Drain } from '../policy.ts';
import { SAMPLE_DRAIN } from '../samples.ts';
import type { DrainCall } from './drain-calls.ts';
import type { DrainOrder } from './drain-order.ts';
import { type Ended, PLAY_BEGAN, type Reply, type Sent } from './play-drain.ts';
import type { PodView } from './pod.ts';

/** For tests: what is played, and what came of it, in few words. */

/** A budget that allows nothing. */
export const BUDGET: Reply = {
  answer: { status: 429, causes: ['DisruptionBudget'], message: '429 the disruption budget web needs 1 healthy pods' },
};

/** An order of policy `a`, whose cordon landed so many milliseconds after the play began; changed where a test says so. */
export function order(rules: Partial<Drain> = {}, more: Partial<DrainOrder> = {}, landedMs = 0): DrainOrder {
  const since = `${new Date(PLAY_BEGAN + landedMs).toISOString().slice(0, 19)}Z`;
  const landed = more.since === undefined ? { landedMs } : {};
  return { policy: 'a', since, ...landed, isRetry: false, rules: { ...SAMPLE_DRAIN, ...rules }, ...more };
}

export type CallTo = DrainCall & { readonly pod: PodView };

export function of(sent: readonly Sent[], kind: DrainCall['kind']): readonly Sent[] {
  return sent.filter(({ call }) => call.kind === kind);
}

/** Of the pods that calls of the kind were about, in order. */
export function names(sent: readonly Sent[], kind: DrainCall['kind'] = 'Evict'): readonly string[] {
  return of(sent, kind).map(({ call }) => (call as CallTo).pod.name);
}

/** When calls of the kind were sent, in milliseconds. */
export function times(sent: readonly Sent[], kind: DrainCall['kind'] = 'Evict'): readonly number[] {
  return of(sent, kind).map(({ atMs }) => atMs);
}

/** `a Drained`, in order. */
export function states(ends: readonly Ended[]): readonly string[] {
  return ends.map(({ end }) => `${end.attempt.order.policy} ${end.state}`);
}

/** Says this about pods of the name, and to all others yes. */
export function says(name: string, reply: Reply, kinds: readonly DrainCall['kind'][] = ['Evict']) {
  return (call: DrainCall): Reply =>
    kinds.includes(call.kind) && 'pod' in call && call.pod.name === name ? reply : {};
}
