import type { AgentEvent } from '../core/agent-event.ts';
import { isBug } from '../core/bug.ts';
import { type Claim, handOverChange } from '../core/claim.ts';
import { isEmptyChange, type NodeView } from '../core/node.ts';
import type { Orders } from '../core/orders/orders.ts';
import type { Clock, NodeApi } from '../core/ports.ts';
import { readNode } from './read-node.ts';
import { createWriteLoop, type WriteLoop } from './write-loop.ts';

const RETRY = { baseMs: 500, maxMs: 30_000 };
/** A right that is missing is asked for again for as long as it is, by every agent. */
const CONDITIONS_RETRY = { baseMs: 500, maxMs: 60_000 };

/** The process ends soon. */
const HAND_OVER_ATTEMPTS = 3;

export type NodeWriterOptions = {
  readonly api: NodeApi;
  readonly clock: Clock;
  orders(): Orders;
  /** The version of the Node that is known now; null: it was never read. */
  known(): string | null;
  send(event: AgentEvent): void;
  /** What was tried did not succeed, and will be tried again. */
  onProblem(error: unknown, loop?: 'effects'): void;
  /** A write to the Node begins, and has landed. */
  readonly slots: { writeBegins(): void; writeLanded(): void };
};

/**
 * Writes to our Node what is ordered, in three loops: the effects, the report, and the conditions. Each makes one write at a
 * time. One goes before the other, so that they do not refuse one another as conflicts, and what is done to the node and its
 * conditions come to one write each; but one that has to be tried again is not waited for.
 */
export function createNodeWriter({ api, clock, orders, known, send, onProblem, slots }: NodeWriterOptions) {
  const common = { clock, isConflict: api.isConflict };
  const problemOf = (loop?: 'effects') => (error: unknown) => {
    if (api.isGone(error)) send({ kind: 'NodeGone' });
    else onProblem(error, loop);
  };
  /** Costs a request, and shows what a watch that is late does not. */
  const readAfresh = async () => void (await readNode(api, known, send));

  const effects: WriteLoop = createWriteLoop({
    ...common,
    order: () => orders().effects,
    prepare: readAfresh,
    async write({ patch }) {
      // It may land before it is answered, and whatever the answer is: a server that timed out may have done it.
      slots.writeBegins();
      const node = await api.patch(patch);
      slots.writeLanded();
      send({ kind: 'NodeSeen', node });
    },
    onProblem: problemOf('effects'),
    onRest() {
      report.look();
      conditions.look();
    },
    retry: RETRY,
  });

  const report: WriteLoop = createWriteLoop({
    ...common,
    order: () => (effects.isAtWork() ? null : orders().report),
    prepare: async () => {
      if (orders().report?.resourceVersion != null) await readAfresh();
    },
    async write({ uid, resourceVersion, annotations }) {
      send({ kind: 'NodeSeen', node: await api.annotate(uid, resourceVersion, annotations) });
    },
    onProblem: problemOf(),
    onRest: () => conditions.look(),
    retry: RETRY,
  });

  let toldProblem = '';
  const conditions: WriteLoop = createWriteLoop({
    ...common,
    order: () => (effects.isAtWork() || report.isAtWork() ? null : orders().conditions),
    prepare: readAfresh,
    async write({ step }) {
      const isOwn = step.kind === 'Own';
      const node = isOwn ? await api.patch(step.patch) : await api.patchConditions(step.patch);
      if (!isOwn) send({ kind: 'ConditionsWritten', patch: step.patch });
      toldProblem = '';
      send({ kind: 'NodeSeen', node });
    },
    onProblem: (error) => {
      // A right that is missing stays so for long.
      const problem = error instanceof Error ? error.message : String(error);
      if (isBug(error) || problem !== toldProblem) problemOf()(error);
      toldProblem = problem;
    },
    retry: CONDITIONS_RETRY,
  });

  const loops = [effects, report, conditions];
  return {
    obey(): void {
      for (const loop of loops) loop.look();
    },
    /** Ends the loops, and gives the Node, as it was last seen, to an agent that stands by. */
    async stop(node: () => NodeView | null, own: Claim): Promise<void> {
      await Promise.all(loops.map((loop) => loop.stop()));
      for (let attempt = 1; attempt <= HAND_OVER_ATTEMPTS; attempt++) {
        const seen = node();
        const change = seen === null ? {} : handOverChange(seen, own);
        if (seen === null || isEmptyChange(change)) return;
        try {
          return void (await api.patch({ resourceVersion: seen.resourceVersion, change }));
        } catch (error) {
          // Else who stands by finds that our pod is gone.
          if (!api.isConflict(error)) return;
          await readAfresh().catch(() => {});
        }
      }
    },
  };
}
