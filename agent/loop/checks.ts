import { countVerdict } from '../core/health.ts';
import type { Ledger } from '../core/ledger.ts';
import type { NodeView } from '../core/node.ts';
import type { NodeCheckPolicy } from '../core/policy.ts';
import { adoptLedger, forgetCounts, type Roster, rosterOf, withHealth } from '../core/roster.ts';
import { judge, type RunOutcome } from '../core/verdict.ts';
import type { CheckMetrics } from '../telemetry/check-metrics.ts';
import { type CheckTimer, type Run, startCheckTimer } from './check-timer.ts';
import type { Narrator } from './narrator.ts';

export type ChecksOptions = {
  readonly startCheck: (policy: NodeCheckPolicy) => Run;
  readonly narrator: Narrator;
  readonly metrics: CheckMetrics;
  /** A verdict was counted. */
  onCounted(): void;
  /** A check wrote to stderr under `onStderr: Fatal`. */
  onFatal(): void;
};

/** The checks of the policies that apply to this node: when they run, and what their verdicts add up to. */
export class Checks {
  readonly #options: ChecksOptions;
  readonly #timers = new Map<string, CheckTimer>();
  #roster: Roster = new Map();

  constructor(options: ChecksOptions) {
    this.#options = options;
  }

  get roster(): Roster {
    return this.#roster;
  }

  /** After a reload or a change of the node's labels: starts, re-arms and stops checks. */
  refresh(policies: readonly NodeCheckPolicy[], labels: NodeView['labels'] | null, ledger: Ledger | null): void {
    this.#roster = rosterOf(policies, labels, this.#roster, ledger);
    for (const [name, timer] of this.#timers) {
      if (this.#roster.has(name)) continue;
      timer.stop('letFinish');
      this.#timers.delete(name);
    }
    for (const [name, { policy }] of this.#roster) {
      const timer = this.#timers.get(name);
      if (timer) timer.update(policy);
      else this.#timers.set(name, this.#startTimer(policy));
    }
    this.#options.metrics.show(this.#roster, ledger);
  }

  /** The Node was read for the first time: what its ledger says goes on failing. */
  adopt(ledger: Ledger | null): void {
    this.#roster = adoptLedger(this.#roster, ledger);
    this.#options.metrics.show(this.#roster, ledger);
  }

  /** There is another Node, or none: nothing is known of it. */
  forgetCounts(): void {
    this.#roster = forgetCounts(this.#roster);
    this.#options.metrics.show(this.#roster, null);
  }

  stop(): void {
    for (const timer of this.#timers.values()) timer.stop('kill');
  }

  #startTimer(first: NodeCheckPolicy): CheckTimer {
    const { narrator, metrics, startCheck } = this.#options;
    return startCheckTimer(first, {
      start(policy) {
        narrator.checkStarted(policy);
        return startCheck(policy);
      },
      onOutcome: (policy, outcome) => this.#onOutcome(policy, outcome),
      onSkip(policy) {
        metrics.skipped(policy.metadata.name);
        narrator.checkSkipped(policy);
      },
    });
  }

  #onOutcome(policy: NodeCheckPolicy, outcome: RunOutcome): void {
    const { metrics, narrator } = this.#options;
    const { name } = policy.metadata;
    const judgement = judge(outcome, policy.spec.check);
    if (judgement.status === 'Fatal') {
      narrator.checkFatal(policy, outcome);
      this.#options.onFatal();
      return;
    }
    const verdict = { status: judgement.status, reason: judgement.reason };
    const before = this.#roster.get(name)?.health;
    if (before === undefined) return;
    metrics.ended(name, verdict.status, outcome.durationMs / 1000);
    const health = countVerdict(before, verdict, policy.spec.check);
    this.#roster = withHealth(this.#roster, name, health, verdict);
    narrator.checkEnded(policy, outcome, verdict, health);
    if (health.failing && !before.failing) narrator.failing(policy, verdict.reason);
    if (!health.failing && before.failing) narrator.recovered(policy);
    metrics.show(this.#roster, null);
    this.#options.onCounted();
  }
}
