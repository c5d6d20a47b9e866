import type { NodeEvent } from '../core/node-event.ts';
import type { AgentState } from '../core/state.ts';
import type { Step } from '../core/step.ts';
import type { NodeTransition, Transition } from '../core/transition.ts';
import type { EventRecorder } from './event-recorder.ts';
import type { Log } from './log.ts';
import { type Place, tellingOf } from './transition-table.ts';

/** Topics whose latest word waits: there are some of the node, and three of each policy. */
const MAX_WAITING = 100;

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
  readonly recorder: Pick<EventRecorder, 'record' | 'wake'>;
  readonly counted: Counted;
};

/**
 * Tells every transition of every step: the log for whoever reads along, Events for whoever describes the node, metrics.
 *
 * While another agent acts, Events are that one's to write, but for the one that says so. The latest word on each topic waits,
 * and is said on taking over, as far as it is still so.
 */
export function createTelling({ nodeName, log, recorder, counted }: TellingOptions): (step: Step) => void {
  const waiting = new Map<string, Transition>();
  let hadNode = false;
  return ({ state, told }) => {
    const place: Place = {
      node: nodeName,
      about: (text, policy) => (state.roster.size > 1 ? `${text} policy=${policy}` : text),
    };
    // Without a Node no Event could be about it.
    const hasNode = state.node.kind === 'There';
    if (hasNode && !hadNode) recorder.wake();
    hadNode = hasNode;

    const standsBy = state.told.rival !== null;
    if (!standsBy) {
      for (const transition of waiting.values()) {
        const { event } = tellingOf(transition, place);
        if (event !== undefined && isStillSo(transition, state)) recorder.record(event);
      }
      waiting.clear();
    }
    for (const transition of told) {
      const { lines, event } = tellingOf(transition, place);
      for (const line of lines) log(line);
      count(transition, counted);
      if (event === undefined) continue;
      if (standsBy && transition.kind !== 'StandingBy') wait(waiting, event, transition);
      else recorder.record(event);
    }
  };
}

function wait(waiting: Map<string, Transition>, { topic, policy }: NodeEvent, transition: Transition): void {
  waiting.set(JSON.stringify([topic, policy]), transition);
  if (waiting.size > MAX_WAITING) waiting.delete(waiting.keys().next().value ?? '');
}

function isStillSo(transition: Transition, { roster, bugs }: AgentState): boolean {
  switch (transition.kind) {
    case 'CheckFailing':
      return roster.get(transition.policy.metadata.name)?.health.failing === true;
    case 'CheckRecovered':
      return roster.get(transition.policy)?.health.failing !== true;
    case 'CheckUnknown':
      return !!roster.get(transition.policy)?.silence?.lasting;
    case 'CheckKnown':
      return !roster.get(transition.policy)?.silence?.lasting;
    case 'InternalError':
      return bugs.some(({ text }) => text === transition.text);
    default:
      return true;
  }
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
