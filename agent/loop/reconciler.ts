import { backoffMs } from '../core/backoff.ts';
import { isBug } from '../core/bug.ts';
import type { Change, Comparison } from '../core/compare.ts';
import { type NodePatch, type NodeView, POLICY_ANNOTATION } from '../core/node.ts';
import { type ConditionWriterOptions, createConditionWriter } from './condition-writer.ts';
import { createRetryLoop } from './retry-loop.ts';

const RETRY = { baseMs: 500, maxMs: 30_000 };
/** A 409 means that somebody else wrote first; so many in a row are no coincidence and wait like any other failure. */
const MAX_CONFLICTS = 5;
/** An unready kubelet is looked at again at least this often, should the watch have missed its change. */
const RELOOK = { baseMs: 30_000, maxMs: 30_000 };

export type ReconcilerOptions = {
  /** The Node as last seen; null while there is none or it was never read. */
  node(): NodeView | null;
  /** Takes every Node that was read here, so that everybody sees the newest; null when there is none any more. */
  onNode(node: NodeView | null): void;
  /** What should be done to this Node; null while nothing may be decided. */
  compare(node: NodeView): Comparison | null;
  /** What the policy annotation should say; null while there is nothing to report. */
  policyReport(): string | null;
  api: {
    read(): Promise<NodeView>;
    patch(patch: NodePatch): Promise<NodeView>;
    annotate(uid: string, name: string, value: string): Promise<NodeView>;
  };
  /** What is written to the Node's conditions, after what is written to the Node. */
  conditions: Pick<ConditionWriterOptions, 'api' | 'nextStep' | 'onProblem'>;
  onLanded(changes: readonly Change[]): void;
  /** Something did not succeed and will be tried again; with the changes it was about, none for a report. */
  onProblem(error: unknown, changes: readonly Change[]): void;
  isConflict(error: unknown): boolean;
  isNotFound(error: unknown): boolean;
};

/** All that it takes of the API server. */
export type ReconcilerApi = ReconcilerOptions['api'] &
  ConditionWriterOptions['api'] &
  Pick<ReconcilerOptions, 'isConflict' | 'isNotFound'>;

export type Reconciler = {
  /** Something may have changed: compare, and write if need be. Returns at once. */
  poke(): void;
  /** Nothing is begun after this call; settles when what was under way has ended. */
  stop(): Promise<void>;
};

/**
 * Brings the Node to what the policies want, one write at a time. It compares with the Node as last seen, which costs
 * no request, and only when that shows a difference reads the Node afresh, compares again and writes.
 */
export function createReconciler(options: ReconcilerOptions): Reconciler {
  const { api } = options;
  const conditions = createConditionWriter({ ...options, ...options.conditions });
  let conflicts = 0;
  let relook: NodeJS.Timeout | undefined;

  /** Whatever became of the Node, its conditions do not wait for it, nor it for them. */
  async function turnAll(stopping: AbortSignal): Promise<boolean> {
    const settled = await turn(stopping);
    // After a conflict the Node is written first: at once.
    if (conflicts === 0 && !stopping.aborted) conditions.poke();
    return settled;
  }

  /** @returns false when it must be tried again later */
  async function turn(stopping: AbortSignal): Promise<boolean> {
    let changes: readonly Change[] = [];
    try {
      const seen = options.node();
      if (seen !== null && compareAndRelook(seen)?.patch) {
        const fresh = await api.read();
        options.onNode(fresh);
        const comparison = compareAndRelook(fresh);
        if (comparison?.patch && !stopping.aborted) {
          changes = comparison.changes;
          options.onNode(await api.patch(comparison.patch));
          options.onLanded(changes);
        }
      }
      conflicts = 0;
      changes = [];
      await report(stopping);
      return true;
    } catch (error) {
      if (options.isNotFound(error)) {
        options.onNode(null);
        return true;
      }
      if (options.isConflict(error) && ++conflicts < MAX_CONFLICTS) {
        loop.poke();
        return true;
      }
      options.onProblem(error, changes);
      // A defect that no turn gets past must not keep itself out of the report.
      if (isBug(error)) await report(stopping).catch((refusal) => options.onProblem(refusal, []));
      return false;
    }
  }

  async function report(stopping: AbortSignal): Promise<void> {
    const node = options.node();
    const text = options.policyReport();
    if (node === null || text === null || stopping.aborted) return;
    if (node.annotations[POLICY_ANNOTATION] === text) return;
    options.onNode(await api.annotate(node.uid, POLICY_ANNOTATION, text));
  }

  function compareAndRelook(node: NodeView): Extract<Comparison, { kind: 'Compared' }> | null {
    const comparison = options.compare(node);
    if (comparison?.kind !== 'Compared') return null;
    if (comparison.withheld.some(({ why }) => why === 'KubeletNotReady')) {
      relook ??= setTimeout(lookAgain, backoffMs(0, RELOOK, Math.random()));
    }
    return comparison;
  }

  async function lookAgain(): Promise<void> {
    try {
      options.onNode(await api.read());
    } catch (error) {
      if (options.isNotFound(error)) options.onNode(null);
      else if (isBug(error)) options.onProblem(error, []);
    }
    relook = undefined;
    poke();
  }

  function poke(): void {
    if (loop.poke()) return;
    // A call or a back-off under way may last; what has to stop meanwhile, such as a drain, must not wait for it.
    const seen = options.node();
    try {
      if (seen !== null) compareAndRelook(seen);
    } catch (error) {
      options.onProblem(error, []);
    }
  }

  const loop = createRetryLoop(turnAll, RETRY);
  return {
    poke,
    async stop() {
      clearTimeout(relook);
      await Promise.all([loop.stop(), conditions.stop()]);
    },
  };
}
