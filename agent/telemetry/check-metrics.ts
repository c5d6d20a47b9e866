import { Counter, Gauge, Histogram, type Registry } from 'prom-client';
import { holdOf, type Ledger } from '../core/ledger.ts';
import type { Roster } from '../core/roster.ts';
import type { AgentState } from '../core/state.ts';
import type { Verdict } from '../core/verdict.ts';

const VERDICTS = ['Healthy', 'Failed', 'Unknown'] as const satisfies readonly Verdict['status'][];
/** Few, since each is a series for every policy and verdict on every node. Most time-outs are seconds. */
const SECONDS = [0.01, 0.1, 0.5, 1, 5, 10, 30];

export type CheckMetrics = ReturnType<typeof createCheckMetrics>;

/** What the checks of the policies that apply to this node say. The series of a policy come and go with it. */
export function createCheckMetrics(registry: Registry, wallMs: () => number) {
  const registers = [registry];
  const results = new Counter({
    name: 'nsc_check_results_total',
    help: 'Runs of the check of a policy, by verdict.',
    labelNames: ['policy', 'verdict'],
    registers,
  });
  const seconds = new Histogram({
    name: 'nsc_check_duration_seconds',
    help: 'How long a run of the check of a policy took, by verdict.',
    labelNames: ['policy', 'verdict'],
    buckets: SECONDS,
    registers,
  });
  const skipped = new Counter({
    name: 'nsc_check_skipped_total',
    help: 'Runs of a check left out because the one before had not ended.',
    labelNames: ['policy'],
    registers,
  });
  const leftBehind = new Gauge({
    name: 'nsc_check_left_behind_processes',
    help: 'Processes that the check of a policy has left running outside of its process group, as of the last look, a minute apart.',
    labelNames: ['policy'],
    registers,
  });
  const lastResult = new Gauge({
    name: 'nsc_check_last_result',
    help: '1 for the verdict that the last run of the check gave, 0 for the others; absent before the first run.',
    labelNames: ['policy', 'verdict'],
    registers,
  });
  const unknown = new Gauge({
    name: 'nsc_policy_unknown',
    help: '1 from the third run of the check in a row that said nothing until it says something again.',
    labelNames: ['policy'],
    registers,
  });
  const turns = new Counter({
    name: 'nsc_check_turns_total',
    help: 'Times that the check of a policy failed after it had been healthy, whatever failureThreshold is.',
    labelNames: ['policy'],
    registers,
  });
  const failing = new Gauge({
    name: 'nsc_policy_failing',
    help: '1 while the check of a policy has reached failureThreshold and has not recovered.',
    labelNames: ['policy'],
    registers,
  });
  const failingSince = new Gauge({
    name: 'nsc_policy_failing_since_timestamp_seconds',
    help: 'Since when a policy fails, over a restart as far as the node is held for it; absent while it does not.',
    labelNames: ['policy'],
    registers,
  });
  const failingInfo = new Gauge({
    name: 'nsc_policy_failing_info',
    help: '1 while a policy fails: the reason that it gives for the exit code, if any, and what the check said when it began to fail.',
    labelNames: ['policy', 'reason', 'words'],
    registers,
  });
  const watched = new Set<string>();
  /** Of the series that is there, by policy. */
  const said = new Map<string, { readonly reason: string; readonly words: string }>();
  const sinceMs = new Map<string, number>();
  /** Policies whose last run that said anything was healthy. */
  const healthy = new Set<string>();

  function add(policy: string): void {
    watched.add(policy);
    for (const verdict of VERDICTS) results.inc({ policy, verdict }, 0);
    skipped.inc({ policy }, 0);
    turns.inc({ policy }, 0);
  }

  function remove(policy: string): void {
    watched.delete(policy);
    for (const verdict of VERDICTS) {
      results.remove({ policy, verdict });
      seconds.remove({ policy, verdict });
      lastResult.remove({ policy, verdict });
    }
    skipped.remove({ policy });
    turns.remove({ policy });
    unknown.remove({ policy });
    healthy.delete(policy);
    leftBehind.remove({ policy });
    failing.remove({ policy });
    recovered(policy);
  }

  function recovered(policy: string): void {
    sinceMs.delete(policy);
    failingSince.remove({ policy });
    unsay(policy);
  }

  function unsay(policy: string): void {
    const before = said.get(policy);
    if (before !== undefined) failingInfo.remove({ policy, ...before });
    said.delete(policy);
  }

  return {
    /** Takes which policies apply, and which of them fail or say nothing; with what the ledger remembers, where it has been read. */
    show(roster: Roster, ledger: Ledger | null): void {
      for (const policy of watched) if (!roster.has(policy)) remove(policy);
      for (const [policy, { health, silence, said: { mapped = null, words = '' } = {} }] of roster) {
        if (!watched.has(policy)) add(policy);
        unknown.set({ policy }, silence?.lasting ? 1 : 0);
        failing.set({ policy }, health.failing ? 1 : 0);
        if (!health.failing) {
          recovered(policy);
          continue;
        }
        const rememberedMs = Date.parse(holdOf(ledger, policy)?.since ?? '') || Number.POSITIVE_INFINITY;
        sinceMs.set(policy, Math.min(sinceMs.get(policy) ?? wallMs(), rememberedMs));
        failingSince.set({ policy }, (sinceMs.get(policy) ?? 0) / 1000);
        const now = { reason: mapped ?? '', words };
        if (JSON.stringify(said.get(policy)) === JSON.stringify(now)) continue;
        unsay(policy);
        said.set(policy, now);
        failingInfo.set({ policy, ...now }, 1);
      }
    },

    ended(policy: string, verdict: Verdict['status'], tookSeconds: number): void {
      results.inc({ policy, verdict });
      seconds.observe({ policy, verdict }, tookSeconds);
      if (verdict === 'Failed' && healthy.delete(policy)) turns.inc({ policy });
      if (verdict === 'Healthy') healthy.add(policy);
      for (const each of VERDICTS) lastResult.set({ policy, verdict: each }, each === verdict ? 1 : 0);
    },

    leftOutside(left: AgentState['leftOutside']): void {
      for (const policy of watched) leftBehind.set({ policy }, left.get(policy)?.processes ?? 0);
    },

    skipped(policy: string): void {
      skipped.inc({ policy });
    },
  };
}
