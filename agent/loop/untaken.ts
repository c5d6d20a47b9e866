import type { AgentEvent } from '../core/agent-event.ts';
import type { Clock } from '../core/ports.ts';

/** What was the matter may have changed by then: another policy, another version of the Node. */
const RETRY_MS = 10_000;

/**
 * Events that a defect of this program kept from being taken. Of each thing that is said once, the latest word is sent again
 * until it is taken, or another one is.
 */
export function createUntaken(clock: Clock, send: (event: AgentEvent) => void) {
  const untaken = new Map<string, AgentEvent>();
  let disarm: (() => void) | null = null;

  function arm(): void {
    disarm ??= clock.after(RETRY_MS, () => {
      disarm = null;
      for (const event of [...untaken.values()]) send(event);
    });
  }

  return {
    keep(event: AgentEvent): void {
      const subject = subjectOf(event);
      if (subject === null) return;
      untaken.set(subject, event);
      arm();
    },
    /** This one was taken, so it is the latest word. */
    forget(event: AgentEvent): void {
      if (untaken.size > 0) untaken.delete(subjectOf(event) ?? '');
    },
    stop(): void {
      disarm?.();
    },
  };
}

/** null: it is said again by itself, or the next one says more. */
function subjectOf(event: AgentEvent): string | null {
  switch (event.kind) {
    case 'NodeSeen':
    case 'NodeGone':
      return 'Node';
    case 'DrainEnded':
      return `drain ${event.end.policy}`;
    case 'PoliciesRead':
    case 'SlotsAnswered':
    case 'TolerationsRead':
      return event.kind;
    default:
      return null;
  }
}
