import { setTimeout as sleep } from 'node:timers/promises';
import { backoffMs } from '../core/backoff.ts';
import type { Change, Comparison } from '../core/compare.ts';
import { type NodePatch, type NodeView, POLICY_ANNOTATION } from '../core/node.ts';

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
  onLanded(changes: readonly Change[]): void;
  /** Something did not succeed and will be tried again; with the changes it was about, none for a report. */
  onProblem(error: unknown, changes: readonly Change[]): void;
  isConflict(error: unknown): boolean;
  isNotFound(error: unknown): boolean;
};

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
  const stopping = new AbortController();
  let dirty = false;
  let working = false;
  let worked: Promise<void> = Promise.resolve();
  let failures = 0;
  let conflicts = 0;
  let relook: NodeJS.Timeout | undefined;

  async function work(): Promise<void> {
    while (dirty && !stopping.signal.aborted) {
      dirty = false;
      if (await turn()) {
        failures = 0;
        continue;
      }
      dirty = true;
      await sleep(backoffMs(failures++, RETRY, Math.random()), undefined, { signal: stopping.signal }).catch(() => {});
    }
  }

  /** @returns false when it must be tried again later */
  async function turn(): Promise<boolean> {
    let changes: readonly Change[] = [];
    try {
      const seen = options.node();
      if (seen !== null && compareAndRelook(seen)?.patch) {
        const fresh = await api.read();
        options.onNode(fresh);
        const comparison = compareAndRelook(fresh);
        if (comparison?.patch && !stopping.signal.aborted) {
          changes = comparison.changes;
          options.onNode(await api.patch(comparison.patch));
          options.onLanded(changes);
        }
      }
      conflicts = 0;
      changes = [];
      await report();
      return true;
    } catch (error) {
      if (options.isNotFound(error)) {
        options.onNode(null);
        return true;
      }
      if (options.isConflict(error) && ++conflicts < MAX_CONFLICTS) {
        dirty = true;
        return true;
      }
      options.onProblem(error, changes);
      return false;
    }
  }

  async function report(): Promise<void> {
    const node = options.node();
    const text = options.policyReport();
    if (node === null || text === null || stopping.signal.aborted) return;
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
    }
    relook = undefined;
    poke();
  }

  function poke(): void {
    dirty = true;
    if (stopping.signal.aborted) return;
    if (working) {
      // A call or a back-off under way may last; what has to stop meanwhile, such as a drain, must not wait for it.
      const seen = options.node();
      if (seen !== null) compareAndRelook(seen);
      return;
    }
    working = true;
    worked = work().finally(() => {
      working = false;
    });
  }

  return {
    poke,
    stop() {
      stopping.abort();
      clearTimeout(relook);
      return worked;
    },
  };
}
