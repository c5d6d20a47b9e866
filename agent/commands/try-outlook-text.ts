import { formatDuration } from '../core/age.ts';
import { MARK_EFFECTS } from '../core/effects/list.ts';
import type { Failing, Foresight } from '../core/foresee.ts';
import type { Hold } from '../core/ledger.ts';
import type { LabelSelector } from '../core/policy.ts';
import type { TriedCheck } from './try-check.ts';

/** Budgets that are named; the others are counted. */
const MAX_BUDGETS = 3;

/** What an agent would do about such runs, and when. */
export function describeAgent(tried: TriedCheck): string {
  const { policy, runs, foresight } = tried;
  const status = runs.at(-1)?.judgement.status;
  if (foresight.endsAgent) {
    return 'it would end itself with exit code 1 and leave the node as it is (onStderr: Fatal)';
  }
  const { failing } = foresight;
  if (failing === null) {
    return status === 'Unknown'
      ? 'nothing, however often: Unknown is never counted'
      : 'nothing: a healthy check adds nothing to the node';
  }
  const { periodSeconds, successThreshold } = policy.spec.check;
  const recovers =
    status === 'Healthy' ? `, and take that back after ${times(successThreshold, 'healthy run')} in a row` : '';
  const isSlow = failing.everyMs > periodSeconds * 1000 && failing.run > 1;
  const slow = isSlow
    ? `; a run is not over when the next is due (periodSeconds: ${periodSeconds}), so one starts every ${formatDuration(failing.everyMs)}`
    : '';
  return `${when(failing, runs.length)} it would ${describeConsequence(foresight)}${recovers}${slow}`;
}

/** What the runs of a series add up to. */
export function describeSeries({ policy, foresight: { health, turns, endsAgent }, leftOut }: TriedCheck): string {
  const { failureThreshold } = policy.spec.check;
  const turned = turns.map(
    ({ run, failing }) => `${failing ? 'fails from' : 'has recovered at'} run ${run}${failing ? ' on' : ''}`,
  );
  const counted = `${times(health.failures, 'failure')} in a row, failureThreshold: ${failureThreshold}`;
  const why = endsAgent ? 'the agent has ended' : 'what is left of the last one does not end';
  const rest = leftOut > 0 ? `; ${times(leftOut, 'more run')} left out, since ${why}` : '';
  return `the policy ${turned.length === 0 ? 'does not fail' : turned.join(', ')} (${counted})${rest}`;
}

/** As kubectl has it: `role=storage,zone in (a,b),!gpu`. */
export function describeSelector({ matchLabels = {}, matchExpressions = [] }: LabelSelector): string {
  const requirements = [
    ...Object.entries(matchLabels).map(([key, value]) => `${key}=${value}`),
    ...matchExpressions.map(({ key, operator, values = [] }) => {
      if (operator === 'Exists') return key;
      if (operator === 'DoesNotExist') return `!${key}`;
      return `${key} ${operator === 'In' ? 'in' : 'notin'} (${values.join(',')})`;
    }),
  ];
  const which = requirements.length === 0 ? 'every node' : `nodes with ${requirements.join(',')}`;
  return `${which} (nodeSelector; the labels of this node are not looked at)`;
}

function when({ inARow, run, afterFirstMs, afterMs }: Failing, made: number): string {
  const since = `${formatDuration(afterMs)} after the policy is in force`;
  if (run === 1) return `after ${made === 1 ? 'one such run' : 'the first run'} (${since})`;
  const which = run <= made ? `after run ${run}` : `after ${inARow} such runs in a row`;
  return `${which} (${formatDuration(afterFirstMs)} after the first; ${since})`;
}

function describeConsequence({ wanted, withheld, budgets }: Foresight): string {
  if (wanted === null) return 'only say so: the policy has no actions';
  const what = describeActions(wanted);
  if (withheld === 'Observe') return `only say that it would ${what} (mode: Observe)`;
  if (withheld === 'Paused') return `change nothing, since the policy is paused; else it would ${what}`;
  const shown = budgets.slice(0, MAX_BUDGETS).map(({ name, ofEveryNode, isStop }) => {
    const which = `budget ${name}${ofEveryNode ? '' : ', if it selects this node,'}`;
    return isStop ? `${which} grants that to none (maxUnavailable: 0)` : `${which} must grant that first`;
  });
  const more = budgets.length - shown.length;
  return [what, ...shown, ...(more > 0 ? [`and so for ${times(more, 'more budget')}`] : [])].join('; ');
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
