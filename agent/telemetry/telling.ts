import type { NodeEvent } from '../core/node-event.ts';
import type { Step } from '../core/step.ts';
import type { NodeTransition, Transition } from '../core/transition.ts';
import type { Log } from './log.ts';
import { type Place, tellingOf } from './transition-table.ts';

/** The metrics that count transitions. */
export type Counted = {
  checkEnded(told: Extract<Transition, { kind: 'CheckEnded' }>): void;
  checkSkipped(policy: string): void;
  nodeWritten(transitions: readonly NodeTransition[], result: 'Success' | 'Error'): void;
  slotDenied(budget: string): void;
  policiesLoaded(isValid: boolean): void;
  internalError(): void;
};

export type TellingOptions = {
  readonly nodeName: string;
  readonly log: Log;
  readonly record: (event: NodeEvent) => void;
  readonly counted: Counted;
};

/** Tells every transition of every step: the log for whoever reads along, Events for whoever describes the node, metrics. */
export function createTelling({ nodeName, log, record, counted }: TellingOptions): (step: Step) => void {
  return ({ state, told }) => {
    const place: Place = {
      node: nodeName,
      about: (text, policy) => (state.roster.size > 1 ? `${text} policy=${policy}` : text),
    };
    for (const transition of told) {
      const { lines, event } = tellingOf(transition, place);
      for (const line of lines) log(line);
      if (event !== undefined) record(event);
      count(transition, counted);
    }
  };
}

function count(told: Transition, counted: Counted): void {
  switch (told.kind) {
    case 'CheckEnded':
      counted.checkEnded(told);
      break;
    case 'CheckSkipped':
      counted.checkSkipped(told.policy.metadata.name);
      break;
    case 'MarkTurned':
    case 'DrainStarted':
    case 'DrainSucceeded':
    case 'DrainFailed':
    case 'GivenBack':
      counted.nodeWritten([told], 'Success');
      break;
    case 'Trouble':
      counted.nodeWritten(told.attempted, 'Error');
      break;
    case 'SlotDenied':
      counted.slotDenied(told.denial.budget);
      break;
    case 'PolicyInForce':
      counted.policiesLoaded(true);
      break;
    case 'PolicyInvalid':
      counted.policiesLoaded(false);
      break;
    case 'InternalError':
      counted.internalError();
      break;
    default:
      break;
  }
}
