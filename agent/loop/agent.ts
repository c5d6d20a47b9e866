import { type Change, type Comparison, compareNode, type DrainEnd } from '../core/compare.ts';
import type { NodeEvent } from '../core/event.ts';
import { isDisrupting, type Ledger, readLedger } from '../core/ledger.ts';
import type { NodePatch, NodeView } from '../core/node.ts';
import type { PodName } from '../core/pod.ts';
import type { NodeCheckPolicy, PolicyLoad, PolicySet } from '../core/policy.ts';
import { formatPolicyReport } from '../core/policy-report.ts';
import type { Toleration } from '../core/taint.ts';
import { type BugReporter, createBugReporter } from '../telemetry/bug-reporter.ts';
import type { Log } from '../telemetry/log.ts';
import type { Metrics } from '../telemetry/metrics.ts';
import type { Run } from './check-timer.ts';
import { Checks } from './checks.ts';
import { createConditions } from './conditions.ts';
import { createDrainNarrator } from './drain-narrator.ts';
import type { DrainApi } from './drain-ports.ts';
import { createDrainer, type Drainer } from './drainer.ts';
import { createNarrator, type Narrator } from './narrator.ts';
import { createReconciler, type Reconciler, type ReconcilerApi } from './reconciler.ts';
import { createSlots, type Slots, type SlotsOptions } from './slots.ts';

export type AgentOptions = {
  readonly nodeName: string;
  readonly api: ReconcilerApi;
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
  /** How long a request without an answer may still land, in milliseconds; default: the API server's limit. */
  readonly mayLandMs?: number;
};

/**
 * One node's agent: it keeps what is known (the policies in force, each check's health, the Node as last seen), and
 * has the same comparison made whenever any of it changes.
 */
export class Agent {
  readonly #options: AgentOptions;
  readonly #narrator: Narrator;
  readonly #bugs: BugReporter;
  readonly #checks: Checks;
  readonly #reconciler: Reconciler;
  readonly #drainer: Drainer;
  readonly #slots: Slots;
  #newest: PolicyLoad | null = null;
  #inForce: PolicySet | null = null;
  /** undefined until the API server has said whether there is one. */
  #node: NodeView | null | undefined = undefined;
  /** null until the Node was first read. */
  #labels: NodeView['labels'] | null = null;
  /** Empty until they are known; null when the agent runs in no pod. */
  #ownTolerations: readonly Toleration[] | null;
  #drainEnd: DrainEnd | null = null;

  constructor(options: AgentOptions) {
    const { nodeName, log, record, api, metrics } = options;
    this.#options = options;
    this.#ownTolerations = options.ownPod === null ? null : [];
    this.#narrator = createNarrator({ nodeName, log, record, severalPolicies: () => this.#checks.roster.size > 1 });
    this.#bugs = createBugReporter({
      log,
      record,
      count: metrics.internalErrors.met,
      onNews: () => this.#reconciler.poke(),
    });
    const { tell: tellBug } = this.#bugs;
    this.#checks = new Checks({
      startCheck: options.startCheck,
      narrator: this.#narrator,
      metrics: metrics.checks,
      onCounted: () => this.#reconciler.poke(),
      onFatal: options.onFatal,
    });
    this.#drainer = createDrainer({
      nodeName,
      ownPod: options.ownPod,
      api: options.drainApi,
      narrator: createDrainNarrator(nodeName, log, tellBug),
      meter: metrics.drain,
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
      onHeld: (held, denying) => metrics.budgets.show(held, denying),
      onProblem: (error) => this.onProblem(error),
      mayLandMs: options.mayLandMs,
    });
    this.#reconciler = createReconciler({
      api: { ...api, patch: (patch) => this.#write(patch) },
      isConflict: api.isConflict,
      isNotFound: api.isNotFound,
      node: () => this.node,
      onNode: (node) => this.onNode(node),
      compare: (node) => this.#compare(node),
      policyReport: () => this.#policyReport(),
      conditions: createConditions({
        nodeName,
        log,
        tellBug,
        api,
        roster: () => this.#inForce && this.#checks.roster,
      }),
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
    if (load.valid) this.#bringIntoForce(load.set);
    else this.#narrator.policyInvalid(describeErrors(load), this.#inForce);
    metrics.policies.loaded(load);
    this.#reconciler.poke();
  }

  /** Takes the Node as it is now; null when there is none of that name. */
  onNode(node: NodeView | null): void {
    const before = this.#node;
    this.#node = node;
    this.#options.metrics.node.seen(node);
    if (node === null) {
      if (before !== null) this.#onNodeGone();
    } else if (before === undefined) {
      this.#refreshChecks();
      this.#checks.adopt(this.#ledger());
    } else if (before === null || before.uid !== node.uid) {
      this.#narrator.nodeReplaced(node);
      this.#checks.forgetCounts();
      this.#refreshChecks();
    } else if (JSON.stringify(before.labels) !== JSON.stringify(node.labels)) {
      this.#refreshChecks();
    }
    this.#reconciler.poke();
  }

  onOwnTolerations(tolerations: readonly Toleration[]): void {
    this.#ownTolerations = tolerations;
    this.#reconciler.poke();
  }

  /** Something did not succeed and will be tried again; with the changes it was about, if any. */
  onProblem(error: unknown, changes: readonly Change[] = []): void {
    this.#options.metrics.node.wrote(changes, 'Error');
    if (!this.#bugs.tell(error)) this.#narrator.triesAgain(error);
  }

  /** Makes an error known if it is a defect of this program. @returns whether it is */
  tellBug(error: unknown): boolean {
    return this.#bugs.tell(error);
  }

  /** Ends checks and waits for a write under way; the node stays as it is. */
  async stop(): Promise<void> {
    this.#checks.stop();
    this.#drainer.obey(null);
    await Promise.all([this.#reconciler.stop(), this.#slots.stop()]);
  }

  #bringIntoForce(set: PolicySet): void {
    this.#inForce = set;
    this.#bugs.forget();
    this.#narrator.policyInForce(set);
    this.#options.metrics.budgets.inForce(set.budgets.map(({ metadata }) => metadata.name));
    this.#refreshChecks();
  }

  #onNodeGone(): void {
    this.#narrator.nodeGone();
    this.#options.metrics.policies.compared(null);
    this.#drainer.obey(null);
    this.#slots.obey('None', null, []);
    this.#checks.forgetCounts();
  }

  /** Which policies apply, after a reload or a change of the node's labels. */
  #refreshChecks(): void {
    if (this.#inForce === null) return;
    // While there is no Node, the last one's labels are the best guess which checks matter here.
    this.#labels = this.#node?.labels ?? this.#labels;
    this.#checks.refresh(this.#inForce.policies, this.#labels, this.#ledger());
  }

  #compare(node: NodeView): Comparison | null {
    // Without a policy ever in force nobody can say what should hold here, so nothing is added and nothing removed.
    if (this.#inForce === null) return null;
    const comparison = compareNode({
      node,
      roster: this.#checks.roster,
      slot: this.#slots.state(node, this.#inForce.budgets),
      ownTolerations: this.#ownTolerations,
      drainEnd: this.#drainEnd,
      now: `${new Date().toISOString().slice(0, 19)}Z`,
    });
    this.#narrator.compared(comparison);
    this.#options.metrics.policies.compared(comparison);
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

  /** It may land before it is answered, and whatever the answer is: a server that timed out may have done it. */
  async #write(patch: NodePatch): Promise<NodeView> {
    this.#slots.writeBegins();
    const node = await this.#options.api.patch(patch);
    this.#slots.writeLanded();
    return node;
  }

  #onLanded(changes: readonly Change[]): void {
    this.#options.metrics.node.wrote(changes, 'Success');
    for (const change of changes) this.#narrator.changed(change);
  }

  /** null while the directory was not read yet. */
  #policyReport(): string | null {
    if (this.#newest === null) return null;
    const revision = this.#inForce?.revision ?? null;
    const errors = this.#newest.valid ? [] : this.#options.describeErrors(this.#newest);
    return formatPolicyReport(revision, errors, this.#bugs.lasting());
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
}
