import { markEffect } from '../core/effects/list.ts';
import type { ReleaseStep } from '../core/release.ts';
import { toPrintable } from '../policy/format-error.ts';

/** How the release of one node ended, or what it would do. */
export type NodeOutcome = {
  readonly node: string;
  readonly result: 'Released' | 'Planned' | 'NotHeld' | 'NothingOurs' | 'Failed';
  /** What was done to the Node, or would be. */
  readonly steps: readonly ReleaseStep[];
  /** Budgets whose slots were given back, or would be. */
  readonly slots: readonly string[];
  /** What failed, perhaps after something was done; null when nothing did. */
  readonly error: string | null;
};

const NODE_NAME = /^[a-z0-9][-.a-z0-9]*$/;

/** One line: `node-7: uncordoned, taint sick=true:NoSchedule removed`. */
export function describeOutcome(outcome: NodeOutcome): string {
  // The holder of a Lease may have any name.
  const name = NODE_NAME.test(outcome.node) ? outcome.node : JSON.stringify(outcome.node);
  return toPrintable(`${name}: ${describeResult(outcome)}`);
}

function describeResult({ result, steps, slots, error }: NodeOutcome): string {
  const tense = result === 'Planned' ? 'plan' : 'done';
  const deeds = [
    ...steps.map((step) => describeStep(step)[tense]),
    ...slots.map((budget) =>
      tense === 'plan' ? `give back the slot of budget ${budget}` : `slot of budget ${budget} given back`,
    ),
  ];
  const what = deeds.length > 0 ? deeds.join(', ') : tense === 'plan' ? 'note it in the ledger' : 'noted in the ledger';
  switch (result) {
    case 'Released':
      return what;
    case 'Planned':
      return `would ${what}`;
    case 'NotHeld':
      return 'nothing to do, no agent holds it';
    case 'NothingOurs':
      return 'nothing to do, nothing there is ours any more';
    case 'Failed':
      return `${deeds.length > 0 ? `${what}; but ` : ''}${error}`;
    default:
      return result satisfies never;
  }
}

function describeStep(step: ReleaseStep): { plan: string; done: string } {
  switch (step.kind) {
    case 'TakeBack':
      return markEffect(step.effect).undo(step.mark);
    case 'EndDrain':
      return { plan: 'end the drain', done: 'drain ended' };
    case 'RemoveConditions': {
      const conditions = `condition ${step.types.join(', condition ')}`;
      return { plan: `remove ${conditions}`, done: `${conditions} removed` };
    }
    case 'RemoveAnnotations': {
      const annotations = step.names.length === 1 ? '1 annotation' : `${step.names.length} annotations`;
      return { plan: `remove ${annotations}`, done: `${annotations} removed` };
    }
    default:
      return step satisfies never;
  }
}
