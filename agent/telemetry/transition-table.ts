import { BUG_PREFIX } from '../core/bug.ts';
import { markEffect } from '../core/effects/list.ts';
import type { EndOrder } from '../core/fatal.ts';
import { describeHold, type Withheld } from '../core/holds.ts';
import { FATAL_TOPIC, MAX_MESSAGE_BYTES, type NodeEvent } from '../core/node-event.ts';
import { describeSaid } from '../core/said.ts';
import { bytesOf, listWithin } from '../core/short-text.ts';
import { SILENT_RUNS_UNTIL_TOLD } from '../core/silence.ts';
import { describeDenial } from '../core/slot.ts';
import type { Transition } from '../core/transition.ts';
import type { RunOutcome, Verdict } from '../core/verdict.ts';
import type { LogEntry, LogFields } from './log.ts';

/** How one transition is told: lines of the log, in order, and an Event, if it is worth one. */
export type Telling = { readonly lines: readonly LogEntry[]; readonly event?: NodeEvent };

const REPORT_BUG =
  'This is a defect of node-svc-checker. Please report it, as docs/runbooks.md#nodecheckagentinternalerror says';

export type Place = {
  readonly node: string;
  /** The well-known lines stay as people know them while there is only one policy they can be about. */
  about(text: string, policy: string): string;
};

type Row<Kind extends Transition['kind']> = (told: Extract<Transition, { kind: Kind }>, place: Place) => Telling;

/**
 * What every transition says in the log and as an Event. The metrics that count transitions are in telling.ts; those
 * that show how things are, and the conditions, follow from the state and not from its transitions.
 */
const TABLE: { readonly [Kind in Transition['kind']]: Row<Kind> } = {
  MarkTurned({ turn, effect: name, mark }, { node }) {
    const { words, describe } = markEffect(name);
    const { level, line, action, event } = words[turn];
    const fields = { node, mark: describe(mark) };
    return {
      lines: [{ level, message: `node changed: ${action}`, fields, text: line(mark, node) }],
      ...(event && { event: warning('node', event.reason, event.message(mark, node)) }),
    };
  },
  DrainStarted: ({ policy }, { node, about }) => ({
    lines: [
      {
        level: 'warn',
        message: 'node changed: DrainStarted',
        fields: { node, policy },
        text: about(`⚠ WARN: Draining node ${node}`, policy),
      },
    ],
    event: warning('drain', 'DrainStarted', `Drain of node ${node} for policy ${policy} started`, policy),
  }),
  DrainSucceeded: ({ policy }, { node, about }) => ({
    lines: [
      {
        level: 'info',
        message: 'node changed: DrainSucceeded',
        fields: { node, policy },
        text: about(`INFO: Node ${node} is drained`, policy),
      },
    ],
    event: normal('drain', 'DrainSucceeded', `Node ${node} drained for policy ${policy}`, policy),
  }),
  DrainFailed: ({ policy, problems }, { node, about }) => ({
    lines: [
      {
        level: 'warn',
        message: 'node changed: DrainFailed',
        fields: { node, policy },
        text: about(
          `⚠ WARN: Drain of node ${node} gave up; it stays cordoned, and the drain is tried again while the policy fails`,
          policy,
        ),
      },
    ],
    event: drainFailed(policy, problems, node),
  }),
  // The log has a line for each attempt that gave up, and one for each reason.
  DrainFailsAnew: ({ policy, problems }, { node }) => ({ lines: [], event: drainFailed(policy, problems, node) }),
  GivenBack: (_told, { node }) => ({
    lines: [
      { level: 'info', message: 'node changed: GivenBack', fields: { node }, text: `INFO: Node ${node} is given back` },
    ],
    event: normal('node', 'NodeReleased', `Node ${node}: everything we did is undone`),
  }),
  CheckStarted({ policy: { metadata, spec } }, { about }) {
    const command = spec.check.command.join(' ');
    const fields = { policy: metadata.name, command };
    const text = about(`INFO: Running ${command}`, metadata.name);
    return { lines: [{ level: 'info', message: 'running check', fields, text }] };
  },
  CheckSkipped: ({ policy: { metadata } }) => ({
    lines: [
      { level: 'warn', message: 'check left out: the run before has not ended', fields: { policy: metadata.name } },
    ],
  }),
  CheckEnded(told, place) {
    const { policy, outcome, verdict } = told;
    const level = verdict.status === 'Healthy' ? 'debug' : 'info';
    return { lines: [verdictLine(told, place), ...outputLines(policy.metadata.name, outcome, level)] };
  },
  // Why the agent ends is the last that it says.
  CheckFatal: ({ policy: { metadata }, outcome, complaint }) => ({
    lines: outputLines(metadata.name, outcome, 'error'),
    event: warning(FATAL_TOPIC, 'CheckFatal', describeFatal(metadata.name, complaint), metadata.name),
  }),
  CheckFailing({ policy: { metadata, spec }, verdict }, { about }) {
    const { name } = metadata;
    const text = withWords(about('⚠ WARN: Detected the monitored service is down!', name), verdict);
    const times = spec.check.failureThreshold;
    const message = `Policy ${name}: check failed ${times} times in a row, last: ${describeSaid(verdict)}`;
    return {
      lines: [{ level: 'warn', message: 'policy failing', fields: { policy: name, ...saidFields(verdict) }, text }],
      event: warning('check', 'CheckFailing', message, name),
    };
  },
  CheckRecovered({ policy, because, words }, { about }) {
    const why = `Policy ${policy}: ${WHY_RECOVERED[because]}`;
    const message = words === '' ? why : `${why}: ${words}`;
    const isUp = because === 'Healthy';
    const text = isUp ? withWords(about('INFO: The monitored service is up again', policy), { words }) : `INFO: ${why}`;
    const fields = { policy, because, ...saidFields({ words, mapped: null }) };
    return {
      lines: [{ level: 'info', message: 'policy recovered', fields, text }],
      event: normal('check', 'CheckRecovered', message, policy),
    };
  },
  CheckUnknown({ policy, why }, { about }) {
    const times = `${SILENT_RUNS_UNTIL_TOLD} times in a row`;
    const text = `${about(`⚠ WARN: The check has said nothing ${times}`, policy)} why=${JSON.stringify(why)}`;
    const message = `Policy ${policy}: check has said nothing ${times}, last: ${why}; nothing is counted`;
    return {
      lines: [{ level: 'warn', message: 'policy unknown', fields: { policy, why }, text }],
      event: warning('unknown', 'CheckUnknown', message, policy),
    };
  },
  CheckKnown({ policy, because }, { about }) {
    const message = `Policy ${policy}: ${WHY_KNOWN[because]}`;
    const text = because === 'Speaks' ? about('INFO: The check says again how it is', policy) : `INFO: ${message}`;
    return {
      lines: [{ level: 'info', message: 'policy known', fields: { policy, because }, text }],
      event: normal('unknown', 'CheckKnown', message, policy),
    };
  },
  ProcessesLeftBehind({ policy, left: { processes, example } }) {
    const what = processes === 1 ? '1 process' : `${processes} processes`;
    const message = `Policy ${policy}: its check leaves ${what} running outside of its process group, where the end of a run does not reach: ${example}`;
    const line =
      'the check leaves processes running outside of its process group; have the script end or wait for what it starts';
    return {
      lines: [{ level: 'warn', message: line, fields: { policy, processes, example } }],
      event: warning('left-behind', 'ProcessesLeftBehind', message, policy),
    };
  },
  SlotDenied({ denial }, { node }) {
    const reason = describeDenial(denial);
    const text = `⚠ WARN: No slot for node ${node}: ${reason}; checks go on, and it is asked for again`;
    return { lines: [{ level: 'warn', message: 'slot denied', fields: { budget: denial.budget, reason }, text }] };
  },
  Withheld({ withheld: { policy, why, because, wanted } }) {
    const would = describeHold(wanted);
    const message = `${WHY_WITHHELD[why]}; would otherwise act on the node`;
    const lines: LogEntry[] = [{ level: 'warn', message, fields: { policy, would } }];
    if (why !== 'BudgetDenied') return { lines };
    return { lines, event: warning('budget', why, `Policy ${policy}: no slot to ${would}: ${because}`, policy) };
  },
  PolicyInForce({ set: { revision, policies, budgets } }) {
    const fields = { revision, policies: policies.length, budgets: budgets.length };
    return { lines: [{ level: 'info', message: 'policy in force', fields }] };
  },
  // The log has a line whenever a directory is read; this is for whoever looks at the Node.
  PolicyReloaded: ({ revision }) => ({
    lines: [],
    event: normal('directory', 'PolicyReloaded', `Policy revision ${revision} is in force`),
  }),
  PolicyInvalid({ errors, inForce }) {
    const standing = inForce === null ? 'nothing is done to the node' : `${inForce} stays in force`;
    return {
      lines: [
        ...errors.map((error): LogEntry => ({ level: 'error', message: error, text: `⛔ ERROR: ${error}` })),
        { level: 'error', message: `the policy directory is invalid, so ${standing}` },
      ],
      event: warning('directory', 'PolicyInvalid', listWithin(errors, MAX_MESSAGE_BYTES)),
    };
  },
  Unreadable: ({ problem }) => ({
    lines: [{ level: 'error', message: `${problem}; nothing is done or undone until it is corrected or removed` }],
  }),
  NodeGone: (_told, { node }) => ({
    lines: [
      { level: 'error', message: `there is no node ${node}; checks go on, check --node-name if it should be there` },
    ],
  }),
  NodeReplaced: ({ uid }, { node }) => ({
    lines: [{ level: 'warn', message: 'another Node of our name: counting starts at zero', fields: { node, uid } }],
  }),
  ConditionWritten: ({ change: { type, status, reason } }, { node }) => ({
    lines: [{ level: 'info', message: 'condition written', fields: { node, type, status, reason } }],
  }),
  ConditionRemoved: ({ type }, { node }) => ({
    lines: [{ level: 'info', message: 'condition removed', fields: { node, type } }],
  }),
  ConditionForeign({ condition: { type, status, reason } }, { node }) {
    const message = `condition ${type} (${status}, ${reason}) is somebody else's and left alone; remove it from the Node to have ours there`;
    return { lines: [{ level: 'warn', message, fields: { node } }] };
  },
  ConditionsUnreadable({ problem }, { node }) {
    const message = `${problem}; no condition is written or removed until it is corrected or removed`;
    return { lines: [{ level: 'error', message, fields: { node } }] };
  },
  StandingBy({ rival }, { node }) {
    const message = `another agent of node ${node} (${rival}) started later and acts; this one stands by: it runs its checks and writes nothing`;
    return {
      lines: [{ level: 'warn', message }],
      event: warning(
        'agent',
        'AgentStandsBy',
        `Two agents run for node ${node}; the one ${rival} started last, and acts`,
      ),
    };
  },
  TookOver: (_told, { node }) => ({
    lines: [{ level: 'info', message: `the other agent of node ${node} is gone; this one acts again` }],
  }),
  Trouble: ({ message }) => ({
    lines: [{ level: 'warn', message: `${message}; trying again, checks go on` }],
  }),
  InternalError({ text, stack, isNews }) {
    if (!isNews) return { lines: [] };
    const message = `${BUG_PREFIX}${text}. ${REPORT_BUG}`;
    return {
      lines: [{ level: 'error', message: `${message}; checks go on`, fields: { stack } }],
      event: warning('program', 'InternalError', message),
    };
  },
};

const WHY_RECOVERED: Readonly<Record<Extract<Transition, { kind: 'CheckRecovered' }>['because'], string>> = {
  Healthy: 'check is healthy again',
  AppliesNoMore: 'it does not apply to this node any more, which counts as recovered',
  CountsAnew: 'its check as it is now has not failed failureThreshold times in a row, which counts as recovered',
};

const WHY_KNOWN: Readonly<Record<Extract<Transition, { kind: 'CheckKnown' }>['because'], string>> = {
  Speaks: 'check says again how it is',
  AppliesNoMore: 'it does not apply to this node any more, so nobody waits for its check',
  CountsAnew: 'its check is another one, or is read in another way, now',
};

const WHY_WITHHELD: Readonly<Record<Withheld['why'], string>> = {
  Observe: 'mode is Observe',
  Paused: 'the policy is paused',
  BelowThreshold: 'the check as it is now has not failed failureThreshold times in a row',
  KubeletNotReady: 'the kubelet is NotReady, which the control plane already handles',
  BudgetDenied: 'the cluster budget grants no slot',
  SlotPending: 'the cluster budget has not answered yet',
  TolerationsPending: "the tolerations of the agent's own pod are not read yet",
  WouldEvictAgent: "the agent's own pod does not tolerate the NoExecute taint",
};

/** The last line of an agent that a check ends, which the kubelet keeps as the container's termination message. */
export function lastLine({ policy: { metadata, spec }, complaint }: EndOrder): LogEntry {
  const { name } = metadata;
  return {
    level: 'error',
    message: 'the check wrote to stderr and onStderr is Fatal, so the agent ends',
    fields: { policy: name, complaint, command: spec.check.command.join(' ') },
    text: `⛔ ERROR: ${describeFatal(name, complaint && JSON.stringify(complaint))}`,
  };
}

function describeFatal(policy: string, complaint: string): string {
  const wrote = `Policy ${policy}: the check wrote to stderr${complaint === '' ? '' : `: ${complaint}`}`;
  const then = 'onStderr is Fatal, so the agent ends and leaves the node as it is';
  return `${wrote}; ${then}: make the script silent or set spec.check.onStderr`;
}

function verdictLine(
  { policy, verdict, health }: Extract<Transition, { kind: 'CheckEnded' }>,
  { about }: Place,
): LogEntry {
  const { name } = policy.metadata;
  const { failures, successes } = health;
  const { failureThreshold } = policy.spec.check;
  const fields = {
    policy: name,
    reason: verdict.reason,
    ...saidFields(verdict),
    failures,
    successes,
    failureThreshold,
  };
  const line = (text: string) => withWords(about(text, name), verdict);
  switch (verdict.status) {
    case 'Healthy':
      return { level: 'info', message: 'check healthy', fields, text: line('[✅OK] return code was zero.') };
    case 'Failed': {
      const what = verdict.reason.startsWith('exit code') ? 'non-zero return code' : verdict.reason;
      const times = `Noticed ${failures} times. (threshold is ${failureThreshold})`;
      return { level: 'warn', message: 'check failed', fields, text: line(`[💥FAIL] ${what}. ${times}`) };
    }
    case 'Unknown': {
      const text = line(`[❓UNKNOWN] ${quotedReason(verdict)}. Nothing is counted.`);
      return { level: 'warn', message: 'check says nothing', fields, text };
    }
    default:
      return verdict.status satisfies never;
  }
}

/** The well-known line, and after it what the check said, if it said anything. */
function withWords(line: string, { words }: Pick<Verdict, 'words'>): string {
  return words === '' ? line : `${line} words=${JSON.stringify(words)}`;
}

/** `could not be started: "…"`: what stands there may be the script's, which can speak like a launcher. */
function quotedReason({ reason }: Pick<Verdict, 'reason'>): string {
  const [how = '', ...why] = reason.split(': ');
  return why.length === 0 ? how : `${how}: ${JSON.stringify(why.join(': '))}`;
}

/** What was said, as data. */
function saidFields({ words, mapped }: Pick<Verdict, 'words' | 'mapped'>): LogFields {
  return { ...(mapped !== null && { mapped }), ...(words !== '' && { words }) };
}

function outputLines(policy: string, outcome: RunOutcome, level: LogEntry['level']): LogEntry[] {
  return (['stdout', 'stderr'] as const).flatMap((stream) => {
    const output = outcome[stream].trimEnd();
    if (output === '') return [];
    return [{ level, message: 'check output', fields: { policy, stream, bytes: outcome[`${stream}Bytes`], output } }];
  });
}

function drainFailed(policy: string, problems: readonly string[], node: string): NodeEvent {
  const what = `Drain of node ${node} for policy ${policy} gave up: `;
  return warning('drain', 'DrainFailed', what + listWithin(problems, MAX_MESSAGE_BYTES - bytesOf(what)), policy);
}

function warning(topic: string, reason: string, message: string, policy?: string): NodeEvent {
  return { type: 'Warning', topic, reason, message, ...(policy !== undefined && { policy }) };
}

function normal(topic: string, reason: string, message: string, policy?: string): NodeEvent {
  return { type: 'Normal', topic, reason, message, ...(policy !== undefined && { policy }) };
}

/** How a transition is told. */
export function tellingOf(transition: Transition, place: Place): Telling {
  const row = TABLE[transition.kind] as (told: Transition, place: Place) => Telling;
  return row(transition, place);
}
