import type { Change, Comparison } from '../core/compare.ts';
import type { NodeEvent } from '../core/event.ts';
import type { Health } from '../core/health.ts';
import type { Withheld } from '../core/holds.ts';
import type { NodeView } from '../core/node.ts';
import type { NodeCheckPolicy, PolicySet } from '../core/policy.ts';
import type { SlotDenial } from '../core/slot.ts';
import type { RunOutcome, Verdict } from '../core/verdict.ts';
import type { Log } from '../telemetry/log.ts';
import { describeChange, describeHold, describeTaint } from './describe-change.ts';

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

  let toldWithheld: ReadonlySet<string> = new Set();
  let toldProblem: string | null = null;
  let deniedBecause = '';

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
        policy: name,
      });
    },

    recovered(policy: NodeCheckPolicy): void {
      const { name } = policy.metadata;
      const text = about('INFO: The monitored service is up again', name);
      log({ level: 'info', message: 'policy recovered', fields: { policy: name }, text });
      const message = `Policy ${name}: check is healthy again`;
      record({ type: 'Normal', reason: 'CheckRecovered', message, policy: name });
    },

    changed(change: Change): void {
      const { level, text, event } = describeChange(change, nodeName);
      const taint = 'taint' in change ? describeTaint(change.taint) : undefined;
      log({ level, message: `node changed: ${change.kind}`, fields: { node: nodeName, taint }, text });
      if (event) record(event);
    },

    /** Tells what keeps effects from the node, each reason once for as long as it lasts. */
    compared(comparison: Comparison): void {
      if (comparison.kind === 'Unreadable') {
        if (comparison.problem !== toldProblem) {
          const message = `${comparison.problem}; nothing is done or undone until it is corrected or removed`;
          log({ level: 'error', message });
        }
        toldProblem = comparison.problem;
        return;
      }
      toldProblem = null;
      const keyOf = ({ policy, why }: Withheld) => `${policy} ${why}`;
      // A slot that is being asked for is no news yet.
      const withheld = comparison.withheld.filter(({ why }) => why !== 'SlotPending');
      for (const each of withheld) if (!toldWithheld.has(keyOf(each))) tellWithheld(each);
      toldWithheld = new Set(withheld.map(keyOf));
    },

    slotDenied(budget: string, answer: SlotDenial): void {
      deniedBecause = describeDenial(budget, answer);
      const text = `⚠ WARN: No slot for node ${nodeName}: ${deniedBecause}; checks go on, and it is asked for again`;
      log({ level: 'warn', message: 'slot denied', fields: { budget, reason: deniedBecause }, text });
    },

    policyInForce({ revision, policies, budgets }: PolicySet): void {
      const fields = { revision, policies: policies.length, budgets: budgets.length };
      log({ level: 'info', message: 'policy in force', fields });
      record({ type: 'Normal', reason: 'PolicyReloaded', message: `Policy revision ${revision} is in force` });
    },

    policyInvalid(errors: readonly string[], inForce: PolicySet | null): void {
      for (const error of errors) log({ level: 'error', message: error, text: `⛔ ERROR: ${error}` });
      const standing = inForce === null ? 'nothing is done to the node' : `${inForce.revision} stays in force`;
      log({ level: 'error', message: `the policy directory is invalid, so ${standing}` });
      record({ type: 'Warning', reason: 'PolicyInvalid', message: errors.join('; ') });
    },

    nodeGone(): void {
      const message = `there is no node ${nodeName}; checks go on, check --node-name if it should be there`;
      log({ level: 'error', message });
    },

    nodeReplaced({ uid }: NodeView): void {
      log({
        level: 'warn',
        message: 'another Node of our name: counting starts at zero',
        fields: { node: nodeName, uid },
      });
    },

    triesAgain(error: unknown): void {
      const message = error instanceof Error ? error.message : String(error);
      log({ level: 'warn', message: `${message}; trying again, checks go on` });
    },
  };

  function tellWithheld({ policy, why, wanted }: Withheld): void {
    if (why === 'SlotPending') return;
    const would = describeHold(wanted);
    const message = `${REASONS_TO_WITHHOLD[why]}; would otherwise act on the node`;
    log({ level: 'warn', message, fields: { policy, would } });
    if (why === 'BudgetDenied') {
      record({
        type: 'Warning',
        reason: 'BudgetDenied',
        message: `Policy ${policy}: no slot to ${would}: ${deniedBecause}`,
        policy,
      });
    }
  }

  function writeOutput(policy: string, outcome: RunOutcome, level: 'debug' | 'info' | 'error'): void {
    for (const stream of ['stdout', 'stderr'] as const) {
      const output = outcome[stream].trimEnd();
      if (output === '') continue;
      const bytes = outcome[`${stream}Bytes`];
      log({ level, message: 'check output', fields: { policy, stream, bytes, output } });
    }
  }
}

function describeDenial(budget: string, answer: SlotDenial): string {
  if (answer.kind === 'Uncountable') return `budget ${budget}: ${answer.problem}`;
  if (answer.limit === 0) return `budget ${budget} lets no node be disrupted (its limit is 0)`;
  return `budget ${budget} is full, ${answer.used} of ${answer.limit} disrupted`;
}

const REASONS_TO_WITHHOLD: Readonly<Record<Exclude<Withheld['why'], 'SlotPending'>, string>> = {
  Observe: 'mode is Observe',
  Paused: 'the policy is paused',
  BelowThreshold: 'the check as it is now has not failed failureThreshold times in a row',
  KubeletNotReady: 'the kubelet is NotReady, which the control plane already handles',
  BudgetDenied: 'the cluster budget grants no slot',
  WouldEvictAgent: "the agent's own pod does not tolerate the NoExecute taint",
};
