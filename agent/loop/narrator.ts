import type { Change } from '../core/compare.ts';
import type { NodeEvent } from '../core/event.ts';
import type { Health } from '../core/health.ts';
import type { Withheld } from '../core/holds.ts';
import type { Hold } from '../core/ledger.ts';
import type { NodeCheckPolicy, Taint } from '../core/policy.ts';
import type { RunOutcome, Verdict } from '../core/verdict.ts';
import type { Log } from '../telemetry/log.ts';

/** Says in words what happens: the log for whoever reads along, Events for whoever describes the node. */
export type Narrator = ReturnType<typeof createNarrator>;

export type NarratorOptions = {
  readonly nodeName: string;
  readonly log: Log;
  readonly record: (event: NodeEvent) => void;
  /** Whether lines have to say which policy they are about. */
  readonly severalPolicies: () => boolean;
};

export function createNarrator({ nodeName, log, record, severalPolicies }: NarratorOptions) {
  /** The well-known lines stay as people know them while there is only one policy they can be about. */
  const about = (text: string, policy: string) => (severalPolicies() ? `${text} policy=${policy}` : text);

  return {
    checkStarted(policy: NodeCheckPolicy): void {
      const { name } = policy.metadata;
      const command = policy.spec.check.command.join(' ');
      log({
        level: 'info',
        message: 'running check',
        fields: { policy: name, command },
        text: about(`INFO: Running ${command}`, name),
      });
    },

    checkSkipped(policy: NodeCheckPolicy): void {
      const { name } = policy.metadata;
      log({ level: 'warn', message: 'check left out: the run before has not ended', fields: { policy: name } });
    },

    checkEnded(policy: NodeCheckPolicy, outcome: RunOutcome, verdict: Verdict, health: Health): void {
      const { name } = policy.metadata;
      const { failures, successes } = health;
      const { failureThreshold } = policy.spec.check;
      const fields = { policy: name, reason: verdict.reason, failures, successes, failureThreshold };
      switch (verdict.status) {
        case 'Healthy': {
          const text = about('[✅OK] return code was zero.', name);
          log({ level: 'info', message: 'check healthy', fields, text });
          break;
        }
        case 'Failed': {
          const what = verdict.reason.startsWith('exit code') ? 'non-zero return code' : verdict.reason;
          const counted = `Noticed ${failures} times. (threshold is ${failureThreshold})`;
          log({ level: 'warn', message: 'check failed', fields, text: about(`[💥FAIL] ${what}. ${counted}`, name) });
          break;
        }
        case 'Unknown': {
          const text = about(`[❓UNKNOWN] ${verdict.reason}. Nothing is counted.`, name);
          log({ level: 'warn', message: 'check says nothing', fields, text });
          break;
        }
        default:
          verdict.status satisfies never;
      }
      writeOutput(name, outcome, verdict.status === 'Healthy' ? 'debug' : 'info');
    },

    checkFatal(policy: NodeCheckPolicy, outcome: RunOutcome): void {
      const { name } = policy.metadata;
      writeOutput(name, outcome, 'error');
      log({
        level: 'error',
        message:
          'the check wrote to stderr and onStderr is Fatal, so the agent ends and leaves the node as it is; make the script silent or set spec.check.onStderr',
        fields: { policy: name, command: policy.spec.check.command.join(' ') },
      });
    },

    failing(policy: NodeCheckPolicy, reason: string): void {
      const { name } = policy.metadata;
      const times = policy.spec.check.failureThreshold;
      log({
        level: 'warn',
        message: 'policy failing',
        fields: { policy: name },
        text: about('⚠ WARN: Detected the monitored service is down!', name),
      });
      record({
        type: 'Warning',
        reason: 'CheckFailing',
        message: `Policy ${name}: check failed ${times} times in a row, last: ${reason}`,
      });
    },

    recovered(policy: NodeCheckPolicy): void {
      const { name } = policy.metadata;
      const text = about('INFO: The monitored service is up again', name);
      log({ level: 'info', message: 'policy recovered', fields: { policy: name }, text });
      record({ type: 'Normal', reason: 'CheckRecovered', message: `Policy ${name}: check is healthy again` });
    },

    changed(change: Change): void {
      const { level, text, event } = describeChange(change, nodeName);
      log({ level, message: `node changed: ${change.kind}`, fields: { node: nodeName }, text });
      if (event) record(event);
    },

    withheld({ policy, why, wanted }: Withheld): void {
      const would = describeHold(wanted);
      const fields = { policy, would };
      log({ level: 'warn', message: `${REASONS_TO_WITHHOLD[why]}; would otherwise act on the node`, fields });
      if (why === 'BudgetDenied') {
        record({ type: 'Warning', reason: 'BudgetDenied', message: `Policy ${policy}: no slot to ${would}` });
      }
    },
  };

  function writeOutput(policy: string, outcome: RunOutcome, level: 'debug' | 'info' | 'error'): void {
    for (const stream of ['stdout', 'stderr'] as const) {
      const output = outcome[stream].trimEnd();
      if (output === '') continue;
      const bytes = outcome[`${stream}Bytes`];
      log({ level, message: 'check output', fields: { policy, stream, bytes, output } });
    }
  }
}

const REASONS_TO_WITHHOLD: Readonly<Record<Withheld['why'], string>> = {
  Observe: 'mode is Observe',
  Paused: 'the policy is paused',
  KubeletNotReady: 'the kubelet is NotReady, which the control plane already handles',
  BudgetDenied: 'the cluster budget grants no slot',
  WouldEvictAgent: "the agent's own pod does not tolerate the NoExecute taint",
};

type Description = { level: 'info' | 'warn'; text: string; event?: NodeEvent };

function describeChange(change: Change, node: string): Description {
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

function describeTaint({ key, value, effect }: Taint): string {
  return value === '' ? `${key}:${effect}` : `${key}=${value}:${effect}`;
}

function describeHold({ cordon, taint, drain }: Hold): string {
  return [cordon && 'cordon', taint && `taint ${describeTaint(taint)}`, drain && 'drain'].filter(Boolean).join(', ');
}
