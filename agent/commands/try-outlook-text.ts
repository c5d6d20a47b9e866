import { formatDuration } from '../core/age.ts';
import { MARK_EFFECTS } from '../core/effects/list.ts';
import type { Failing, Foresight } from '../core/foresee.ts';
import type { Hold } from '../core/ledger.ts';
import type { NodeCheckPolicy } from '../core/policy.ts';
import type { TriedCheck } from './try-check.ts';

/** Budgets that are named; the others are counted. */
const MAX_BUDGETS = 3;
/** Times that a policy begins to fail or recovers, that are named; the others are counted. */
const MAX_TURNS = 4;

/** What an agent would do about such runs, and when. */
export function describeAgent(tried: TriedCheck): string {
  const { policy, runs, foresight } = tried;
  const { failing, endsAgent } = foresight;
  const end = endsAgent
    ? [
        `it would end itself with exit code 1 and leave the node as it is (onStderr: Fatal)${describeCondition(foresight)}`,
      ]
    : [];
  if (failing === null) {
    return end[0] ?? `${describeNothing(runs.at(-1)?.judgement.status)}${describeCondition(foresight)}`;
  }
  const first = `${when(failing, runs.length)} it would ${describeConsequence(policy, foresight)}${recovery(tried)}`;
  return [first, ...describeSlowness(tried, failing), ...describeTurns(tried), ...end].join('; ');
}

function describeNothing(status: string | undefined): string {
  return status === 'Unknown'
    ? 'nothing, however often: Unknown is never counted'
    : 'nothing: a healthy check adds nothing to the node';
}

/** What a condition of the policy's own says after these runs, where it is written. */
function describeCondition({ condition }: Foresight): string {
  if (!condition?.after) return '';
  const { type, after } = condition;
  return `; the node's condition ${type} would be ${after.status} (${after.reason})`;
}

/** How that which is done once, and last, ends. */
function recovery({ policy, runs, foresight: { health, turns } }: TriedCheck): string {
  const isLast = health.failing && turns.length === 1 && runs.at(-1)?.judgement.status === 'Healthy';
  return isLast
    ? `, and take that back after ${times(policy.spec.check.successThreshold, 'healthy run')} in a row`
    : '';
}

function describeSlowness({ policy }: TriedCheck, { everyMs, run }: Failing): string[] {
  const { periodSeconds } = policy.spec.check;
  if (everyMs <= periodSeconds * 1000 || run === 1) return [];
  return [
    `a run is not over when the next is due (periodSeconds: ${periodSeconds}), so one starts every ${formatDuration(everyMs)}`,
  ];
}

/** What comes after the first time that the policy fails: that it recovers and fails again, and what is at the end. */
function describeTurns({ foresight }: TriedCheck): string[] {
  const { turns, health, wanted, condition, withheld, failingAgain } = foresight;
  if (turns.length < 2) return [];
  const changes = withheld === null && (wanted !== null || condition !== null);
  const isTrue = condition === null ? '' : ` and set ${condition.type} to True`;
  const undo = changes ? `it would undo that${isTrue}` : 'the policy would have recovered';
  const redo = changes ? 'it would do so again' : 'it would fail again';
  const shown = turns.slice(1, MAX_TURNS).map(({ run, failing, afterFirstMs }) => {
    return `at run ${run} (${formatDuration(afterFirstMs)} after the first) ${failing ? redo : undo}`;
  });
  const more = turns.length - 1 - shown.length;
  const stands = health.failing ? 'that stands' : 'nothing of that stands';
  const isFailing = health.failing ? 'the policy fails' : 'the policy does not fail';
  return [
    ...shown,
    ...(more > 0 ? [`and so on, ${times(more, 'more time')}`] : []),
    `after these runs ${changes ? stands : isFailing}`,
    ...(failingAgain === null
      ? []
      : [
          `after ${failingAgain.inARow} such runs in a row (${formatDuration(failingAgain.afterFirstMs)} after the first) ${redo}`,
        ]),
  ];
}

/** What the runs of a series add up to. */
export function describeSeries({ policy, foresight: { health, turns, endsAgent }, leftOut }: TriedCheck): string {
  const { failureThreshold } = policy.spec.check;
  const shown = turns
    .slice(0, MAX_TURNS)
    .map(({ run, failing }) => (failing ? `fails from run ${run} on` : `has recovered at run ${run}`));
  const more = turns.length - shown.length;
  const atEnd = `and so on, ${times(more, 'more time')}, and ${health.failing ? 'fails' : 'does not fail'} at the end`;
  const turned = more > 0 ? [...shown, atEnd] : shown;
  const counted = `${times(health.failures, 'failure')} in a row, failureThreshold: ${failureThreshold}`;
  const why = endsAgent ? 'the agent has ended' : 'what is left of the last one does not end';
  const rest = leftOut > 0 ? `; ${times(leftOut, 'more run')} left out, since ${why}` : '';
  return `the policy ${turned.length === 0 ? 'does not fail' : turned.join(', ')} (${counted})${rest}`;
}

function when({ inARow, run, afterFirstMs, afterMs }: Failing, made: number): string {
  const since = `${formatDuration(afterMs)} after the policy is in force`;
  if (run === 1) return `after ${made === 1 ? 'one such run' : 'the first run'} (${since})`;
  const which = run <= made ? `after run ${run}` : `after ${inARow} such runs in a row`;
  return `${which} (${formatDuration(afterFirstMs)} after the first; ${since})`;
}

function describeConsequence(policy: NodeCheckPolicy, { wanted, condition, withheld, budgets }: Foresight): string {
  const actions = wanted && describeActions(wanted);
  const { type, failing } = condition ?? {};
  const says = type && failing && `set the node's condition ${type} to ${failing.status} (${failing.reason})`;
  if (actions === null && !says) return 'only say so: the policy has no actions';
  const what = [...(actions === null ? [] : [actions]), ...(says ? [says] : [])].join(', and ');
  if (withheld === 'Observe') {
    return `only say that it would ${what} (mode: Observe${policy.spec.paused ? ', and it is paused' : ''})`;
  }
  if (withheld === 'Paused') return `change nothing, since the policy is paused; else it would ${what}`;
  if (actions === null || budgets.length === 0) return what;
  const shown = budgets.slice(0, MAX_BUDGETS).map(({ name, ofEveryNode, isStop }) => {
    const which = `budget ${name}${ofEveryNode ? '' : ', if it selects this node,'}`;
    return isStop ? `${which} grants that to none (maxUnavailable: 0)` : `${which} must grant that first`;
  });
  const more = budgets.length - shown.length;
  return [
    actions,
    ...shown,
    ...(more > 0 ? [`and so for ${times(more, 'more budget')}`] : []),
    ...(says ? [`without asking a budget it would ${says}`] : []),
  ].join('; ');
}

/** `cordon the node, taint it sick=true:NoSchedule and drain it`, in the order in which it is done. */
function describeActions({ marks, drain }: Hold): string {
  const wanted = MARK_EFFECTS.flatMap((effect) => {
    const mark = marks[effect.name];
    return mark === undefined
      ? []
      : [{ words: effect.describe(mark), waits: effect.waitsForDrain(mark) && drain !== null }];
  });
  const words = [
    ...wanted.filter(({ waits }) => !waits).map((each) => each.words),
    ...(drain === null ? [] : ['drain']),
    ...wanted.filter(({ waits }) => waits).map((each) => each.words),
  ].map((each, index) => {
    const [verb, ...rest] = each.split(' ');
    return [verb, index === 0 ? 'the node' : 'it', ...rest].join(' ');
  });
  const last = words.pop() ?? '';
  return words.length === 0 ? last : `${words.join(', ')} and ${last}`;
}

function times(count: number, what: string): string {
  return `${count} ${what}${count === 1 ? '' : 's'}`;
}
