import type { ConditionsPatch, NodePatch, NodeView } from '../core/node.ts';
import type { ConditionStep } from '../core/node-conditions.ts';
import { createRetryLoop, type RetryLoop } from './retry-loop.ts';

/** A right that is missing is asked for again for as long as it is, by every agent. */
const RETRY = { baseMs: 500, maxMs: 60_000 };
/** A 409 means that somebody else wrote first; so many in a row are no coincidence and wait like any other failure. */
const MAX_CONFLICTS = 5;
/** One write says what is ours, one writes it, one forgets what is gone; more were a quarrel, which can wait. */
const MAX_STEPS = 4;

export type ConditionWriterOptions = {
  /** The Node as last seen; null while there is none or it was never read. */
  node(): NodeView | null;
  /** Takes the Node as it is after each write. */
  onNode(node: NodeView): void;
  /** The next write to the Node's conditions; null when there is none, or nothing may be decided. */
  nextStep(node: NodeView): ConditionStep | null;
  api: {
    read(): Promise<NodeView>;
    patch(patch: NodePatch): Promise<NodeView>;
    patchConditions(patch: ConditionsPatch): Promise<NodeView>;
  };
  /** Something did not succeed and will be tried again; null: nothing is the matter any more. */
  onProblem(error: unknown): void;
  isConflict(error: unknown): boolean;
  isNotFound(error: unknown): boolean;
};

/**
 * Brings the Node's conditions to what the policies ask for. It works beside the writes to the Node itself, which must
 * never wait for it; comparing with the Node as last seen costs no request.
 */
export function createConditionWriter(options: ConditionWriterOptions): RetryLoop {
  const { api } = options;
  let conflicts = 0;

  async function turn(stopping: AbortSignal): Promise<boolean> {
    try {
      const seen = options.node();
      if (seen !== null && options.nextStep(seen) !== null) {
        let node = await api.read();
        for (let steps = 0; steps < MAX_STEPS && !stopping.aborted; steps++) {
          const step = options.nextStep(node);
          if (step === null) break;
          node = step.kind === 'Own' ? await api.patch(step.patch) : await api.patchConditions(step.patch);
          options.onNode(node);
        }
      }
      conflicts = 0;
      options.onProblem(null);
      return true;
    } catch (error) {
      // Whether there is a Node at all is for others to find out.
      if (options.isNotFound(error)) return true;
      if (options.isConflict(error) && ++conflicts < MAX_CONFLICTS) {
        loop.poke();
        return true;
      }
      options.onProblem(error);
      return false;
    }
  }

  const loop = createRetryLoop(turn, RETRY);
  return loop;
}
