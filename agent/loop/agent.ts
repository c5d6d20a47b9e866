import { type Change, type Comparison, compareNode, type DrainEnd } from '../core/compare.ts';
import type { NodeEvent } from '../core/event.ts';
import { countVerdict } from '../core/health.ts';
import { isDisrupting, type Ledger, readLedger } from '../core/ledger.ts';
import type { NodeView } from '../core/node.ts';
import type { PodName } from '../core/pod.ts';
import type { NodeCheckPolicy, PolicyLoad, PolicySet } from '../core/policy.ts';
import { formatPolicyReport } from '../core/policy-report.ts';
import { adoptLedger, forgetCounts, type Roster, rosterOf, withHealth } from '../core/roster.ts';
import type { Toleration } from '../core/taint.ts';
import { judge, type RunOutcome } from '../core/verdict.ts';
import type { Log } from '../telemetry/log.ts';
import type { Metrics } from '../telemetry/metrics.ts';
import { type CheckTimer, type Run, startCheckTimer } from './check-timer.ts';
import { createDrainNarrator } from './drain-narrator.ts';
import type { DrainApi } from './drain-ports.ts';
import { createDrainer, type Drainer } from './drainer.ts';
import { createNarrator, type Narrator } from './narrator.ts';
import { createReconciler, type Reconciler, type ReconcilerOptions } from './reconciler.ts';
import { createSlots, type Slots, type SlotsOptions } from './slots.ts';

/** How long a write whose answer was lost may still land: the API server's own limit (--request-timeout). */
const MAY_LAND_MS = 60_000;

export type AgentOptions = {
  readonly nodeName: string;
  readonly api: ReconcilerOptions['api'] &
    Pick<ReconcilerOptions, 'isConflict' | 'isNotFound'> & {
      /** Whether a write that failed so may have happened all the same, or may yet. */
      isUnanswered(error: unknown): boolean;
    };
  readonly slotApi: SlotsOptions['api'];
  readonly drainApi: DrainApi;
  /** The pod the agent runs in; null when it runs in none. */
  readonly ownPod: PodName | null;
  readonly startCheck: (policy: NodeCheckPolicy) => Run;
  /** One line a problem of an invalid policy directory. */
  readonly describeErrors: (load: Extract<PolicyLoad, { valid: false }>) => readonly string[];
  readonly log: Log;
  readonly record: (event: NodeEvent) => void;
  readonly metrics: Metrics;
  /** A check wrote to stderr under `onStderr: Fatal`: the agent must end. */
  readonly onFatal: () => void;
};

/**
 * One node's agent: it keeps what is known (the policies in force, each check's health, the Node as last seen), and
 * has the same comparison made whenever any of it changes.
 */
export class Agent {
  readonly #options: AgentOptions;
  readonly #narrator: Narrator;
  readonly #reconciler: Reconciler;
  readonly #drainer: Drainer;
  readonly #slots: Slots;
  #newest: PolicyLoad | null = null;
  #inForce: PolicySet | null = null;
  /** undefined until the API server has said whether there is one. */
  #node: NodeView | null | undefined = undefined;
  /** null until the Node was first read. */
  #labels: NodeView['labels'] | null = null;
  #roster: Roster = new Map();
  #timers = new Map<string, CheckTimer>();
  /** Empty until they are known; null when the agent runs in no pod. */
  #ownTolerations: readonly Toleration[] | null;
  #drainEnd: DrainEnd | null = null;

  constructor(options: AgentOptions) {
    const { nodeName, log, record, api } = options;
    this.#options = options;
    this.#ownTolerations = options.ownPod === null ? null : [];
    this.#narrator = createNarrator({ nodeName, log, record, severalPolicies: () => this.#roster.size > 1 });
    this.#drainer = createDrainer({
      nodeName,
      ownPod: options.ownPod,
      api: options.drainApi,
      narrator: createDrainNarrator(nodeName, log),
      onEnd: (end) => {
        this.#drainEnd = end;
        this.#reconciler.poke();
      },
    });
    this.#slots = createSlots({
      api: options.slotApi,
      stillDisrupted: () => this.#stillDisrupted(),
      onChange: () => this.#reconciler.poke(),
      onDenied: (budget, answer) => this.#narrator.slotDenied(budget, answer),
      onHeld: (held, denying) => this.#showSlots(held, denying),
      onProblem: (error) => this.onProblem(error),
    });
    this.#reconciler = createReconciler({
      api,
      isConflict: api.isConflict,
      isNotFound: api.isNotFound,
      node: () => this.node,
      onNode: (node) => this.onNode(node),
      compare: (node) => this.#compare(node),
      policyReport: () => this.#policyReport(),
      onLanded: (changes) => this.#onLanded(changes),
      onProblem: (error, changes) => this.onProblem(error, changes),
    });
  }

  /** The Node as last seen; null while there is none or it was never read. */
  get node(): NodeView | null {
    return this.#node ?? null;
  }

  /** null when ready: a valid policy is in force and the Node was read. */
  notReadyBecause(): string | null {
    if (this.#inForce === null) return 'no valid policy was loaded yet';
    if (this.#node === undefined) return `node ${this.#options.nodeName} was not read yet`;
    if (this.#node === null) return `there is no node ${this.#options.nodeName}`;
    return null;
  }

  /** Takes what the policy directory says now, after each change. What is invalid changes nothing but the report. */
  onPolicies(load: PolicyLoad): void {
    const { metrics, describeErrors } = this.#options;
    this.#newest = load;
    metrics.reloadSuccessful.set(load.valid ? 1 : 0);
    if (load.valid) {
      this.#bringIntoForce(load.set);
    } else {
      this.#narrator.policyInvalid(describeErrors(load), this.#inForce);
    }
    this.#reconciler.poke();
  }

  /** Takes the Node as it is now; null when there is none of that name. */
  onNode(node: NodeView | null): void {
    const before = this.#node;
    this.#node = node;
    if (node === null) {
      if (before !== null) this.#onNodeGone();
    } else if (before === undefined) {
      this.#refreshRoster();
      this.#roster = adoptLedger(this.#roster, this.#ledger());
      this.#showFailing();
    } else if (before === null || before.uid !== node.uid) {
      this.#narrator.nodeReplaced(node);
      this.#roster = forgetCounts(this.#roster);
      this.#refreshRoster();
    } else if (JSON.stringify(before.labels) !== JSON.stringify(node.labels)) {
      this.#refreshRoster();
    }
    this.#reconciler.poke();
  }

  onOwnTolerations(tolerations: readonly Toleration[]): void {
    this.#ownTolerations = tolerations;
    this.#reconciler.poke();
  }

  /** Something with the API server did not succeed and will be tried again; with the changes it was about, if any. */
  onProblem(error: unknown, changes: readonly Change[] = []): void {
    for (const { kind } of changes) this.#options.metrics.actions.inc({ action: kind, result: 'Error' });
    if (changes.length > 0 && this.#options.api.isUnanswered(error)) this.#slots.keepFor(MAY_LAND_MS);
    this.#narrator.triesAgain(error);
  }

  /** Ends checks and waits for a write under way; the node stays as it is. */
  async stop(): Promise<void> {
    for (const timer of this.#timers.values()) timer.stop('kill');
    this.#drainer.obey(null);
    await Promise.all([this.#reconciler.stop(), this.#slots.stop()]);
  }

  #bringIntoForce(set: PolicySet): void {
    const { metrics } = this.#options;
    this.#inForce = set;
    this.#narrator.policyInForce(set);
    metrics.reloadTimestamp.set(Date.now() / 1000);
    metrics.policyInfo.reset();
    metrics.policyInfo.set({ revision: set.revision }, 1);
    this.#refreshRoster();
  }

  #onNodeGone(): void {
    this.#narrator.nodeGone();
    this.#drainer.obey(null);
    this.#slots.obey('None', null, []);
    this.#roster = forgetCounts(this.#roster);
    this.#showFailing();
  }

  /** Which policies apply, after a reload or a change of the node's labels; starts and stops their checks. */
  #refreshRoster(): void {
    if (this.#inForce === null) return;
    // While there is no Node, the last one's labels are the best guess which checks matter here.
    this.#labels = this.#node?.labels ?? this.#labels;
    this.#roster = rosterOf(this.#inForce.policies, this.#labels, this.#roster, this.#ledger());
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
    this.#showFailing();
  }

  #startTimer(first: NodeCheckPolicy): CheckTimer {
    return startCheckTimer(first, {
      start: (policy) => {
        this.#narrator.checkStarted(policy);
        return this.#options.startCheck(policy);
      },
      onOutcome: (policy, outcome) => this.#onOutcome(policy, outcome),
      onSkip: (policy) => {
        this.#options.metrics.checksSkipped.inc({ policy: policy.metadata.name });
        this.#narrator.checkSkipped(policy);
      },
    });
  }

  #onOutcome(policy: NodeCheckPolicy, outcome: RunOutcome): void {
    const { metrics } = this.#options;
    const { name } = policy.metadata;
    const judgement = judge(outcome, policy.spec.check);
    metrics.checkResults.inc({ policy: name, verdict: judgement.status });
    metrics.checkSeconds.observe({ policy: name }, outcome.durationMs / 1000);
    if (judgement.status === 'Fatal') {
      this.#narrator.checkFatal(policy, outcome);
      this.#options.onFatal();
      return;
    }
    const verdict = { status: judgement.status, reason: judgement.reason };
    const before = this.#roster.get(name)?.health;
    if (before === undefined) return;
    const health = countVerdict(before, verdict, policy.spec.check);
    this.#roster = withHealth(this.#roster, name, health);
    this.#narrator.checkEnded(policy, outcome, verdict, health);
    if (health.failing && !before.failing) this.#narrator.failing(policy, verdict.reason);
    if (!health.failing && before.failing) this.#narrator.recovered(policy);
    this.#showFailing();
    this.#reconciler.poke();
  }

  #compare(node: NodeView): Comparison | null {
    // Without a policy ever in force nobody can say what should hold here, so nothing is added and nothing removed.
    if (this.#inForce === null) return null;
    const comparison = compareNode({
      node,
      roster: this.#roster,
      slot: this.#slots.state(node, this.#inForce.budgets),
      ownTolerations: this.#ownTolerations,
      drainEnd: this.#drainEnd,
      now: `${new Date().toISOString().slice(0, 19)}Z`,
    });
    this.#narrator.compared(comparison);
    this.#orderSlots(node, comparison, this.#inForce.budgets);
    this.#orderDrain(comparison);
    return comparison;
  }

  /** A drain begins only after the cordon has landed, and ends at once when it is not wanted any more. */
  #orderDrain(comparison: Comparison): void {
    if (comparison.kind === 'Unreadable' || comparison.drain === null) this.#drainer.obey(null);
    else if (comparison.patch === null) this.#drainer.obey(comparison.drain);
    // An end belongs to its episode; the next one may begin within the same second.
    if (comparison.kind === 'Compared' && comparison.ledger?.drain == null) this.#drainEnd = null;
  }

  /** A slot is needed before anything is done to the node, and until all of it is undone. */
  #orderSlots(node: NodeView, comparison: Comparison, budgets: PolicySet['budgets']): void {
    // Nobody can say what is ours, so slots stay as they are, too.
    if (comparison.kind === 'Unreadable') return;
    const reading = readLedger(node);
    const isDisrupted = reading.readable && isDisrupting(reading.ledger);
    const waits = comparison.withheld.some(({ why }) => why === 'BudgetDenied' || why === 'SlotPending');
    const wants = waits || isDisrupting(comparison.ledger);
    this.#slots.obey(isDisrupted ? 'Keep' : wants ? 'Want' : 'None', node, budgets);
  }

  #onLanded(changes: readonly Change[]): void {
    for (const change of changes) {
      this.#options.metrics.actions.inc({ action: change.kind, result: 'Success' });
      this.#narrator.changed(change);
    }
  }

  /** null while the directory was not read yet. */
  #policyReport(): string | null {
    if (this.#newest === null) return null;
    const revision = this.#inForce?.revision ?? null;
    const errors = this.#newest.valid ? [] : this.#options.describeErrors(this.#newest);
    return formatPolicyReport(revision, errors);
  }

  #ledger(): Ledger | null {
    if (this.#node == null) return null;
    const reading = readLedger(this.#node);
    return reading.readable ? reading.ledger : null;
  }

  async #stillDisrupted(): Promise<boolean> {
    try {
      const node = await this.#options.api.read();
      this.onNode(node);
      const reading = readLedger(node);
      return !reading.readable || isDisrupting(reading.ledger);
    } catch (error) {
      if (this.#options.api.isNotFound(error)) return false;
      throw error;
    }
  }

  #showSlots(held: readonly string[], denying: string | null): void {
    const { slotsHeld, budgetDenied } = this.#options.metrics;
    slotsHeld.reset();
    for (const budget of held) slotsHeld.set({ budget }, 1);
    budgetDenied.reset();
    if (denying !== null) budgetDenied.set({ budget: denying }, 1);
  }

  #showFailing(): void {
    const { failing } = this.#options.metrics;
    failing.reset();
    for (const [policy, { health }] of this.#roster) failing.set({ policy }, health.failing ? 1 : 0);
  }
}
