import type { Change } from '../core/compare.ts';
import type { NodeEvent } from '../core/event.ts';
import type { Hold } from '../core/ledger.ts';
import type { Taint } from '../core/policy.ts';

/** How a change of the node is told. */
export type Description = { level: 'info' | 'warn'; text: string; event?: NodeEvent };

/** The line for the log as people know it, and the Event if it is worth one. */
export function describeChange(change: Change, node: string): Description {
  switch (change.kind) {
    case 'Cordoned': {
      const text = `⚠ WARN: Cordoning node ${node}`;
      return { level: 'warn', text, event: warning('NodeCordoned', `Node ${node} cordoned`) };
    }
    case 'Uncordoned':
      return { level: 'info', text: `INFO: Uncordoning node ${node}` };
    case 'CordonFound':
      return {
        level: 'info',
        text: `INFO: Node ${node} is already cordoned by somebody else and stays so on recovery`,
      };
    case 'CordonReleased':
      return { level: 'warn', text: `⚠ WARN: Somebody uncordoned node ${node}; left so until the next episode` };
    case 'Tainted': {
      const taint = describeTaint(change.taint);
      const text = `⚠ WARN: Tainting node ${node} with ${taint}`;
      return { level: 'warn', text, event: warning('NodeTainted', `Node ${node} tainted with ${taint}`) };
    }
    case 'Untainted':
      return { level: 'info', text: `INFO: Removing taint ${describeTaint(change.taint)} from node ${node}` };
    case 'TaintFound': {
      const taint = describeTaint(change.taint);
      return { level: 'info', text: `INFO: Taint ${taint} of node ${node} is somebody else's and stays on recovery` };
    }
    case 'TaintReleased': {
      const taint = describeTaint(change.taint);
      return { level: 'warn', text: `⚠ WARN: Somebody removed taint ${taint} from node ${node}; left so` };
    }
    case 'DrainStarted': {
      const text = `⚠ WARN: Draining node ${node}`;
      return { level: 'warn', text, event: warning('DrainStarted', `Drain of node ${node} started`) };
    }
    case 'DrainSucceeded':
      return {
        level: 'info',
        text: `INFO: Node ${node} is drained`,
        event: { type: 'Normal', reason: 'DrainSucceeded', message: `Node ${node} drained` },
      };
    case 'DrainFailed': {
      const problems = change.problems.join('; ');
      const text = `⚠ WARN: Drain of node ${node} gave up; it stays cordoned, and the drain is tried again while the policy fails`;
      return { level: 'warn', text, event: warning('DrainFailed', `Drain of node ${node} gave up: ${problems}`) };
    }
    case 'Released': {
      const text = `INFO: Node ${node} is given back`;
      return {
        level: 'info',
        text,
        event: { type: 'Normal', reason: 'NodeReleased', message: `Node ${node}: everything we did is undone` },
      };
    }
    default:
      return change satisfies never;
  }
}

function warning(reason: NodeEvent['reason'], message: string): NodeEvent {
  return { type: 'Warning', reason, message };
}

/** As kubectl writes it: `key=value:effect`. */
export function describeTaint({ key, value, effect }: Taint): string {
  return value === '' ? `${key}:${effect}` : `${key}=${value}:${effect}`;
}

/** What a policy would do, as a list: `cordon, taint sick=true:NoSchedule`. */
export function describeHold({ cordon, taint, drain }: Hold): string {
  return [cordon && 'cordon', taint && `taint ${describeTaint(taint)}`, drain && 'drain'].filter(Boolean).join(', ');
}
