import { markEffect } from '../effects/list.ts';
import { describeHold } from '../holds.ts';
import type { Hold } from '../ledger.ts';
import { drainRules, widensDrain } from '../orders/drain-rules.ts';
import type { Drain } from '../policy.ts';
import type { BudgetChange } from './budget-change.ts';
import { acts, type FailureAhead } from './failure-ahead.ts';
import type { NodeAfter } from './held-node.ts';
import type { PolicyChange } from './policy-change.ts';

/** Kinds of what a reviewer may want to stop a change for, the gravest first. */
export const RISKS = {
  'harm-added': 'something is done to nodes that was not done before',
  'disrupts-more': 'more nodes may be out of service at once',
  'acts-sooner': 'less has to go wrong, or for a shorter time, before nodes are acted on',
  'agent-ends': 'output on stderr ends the agent, and with it all checks of the node',
  undoes: 'what is held on nodes whose checks still fail is taken back',
  'protection-lost': 'sick nodes are left alone that were not, or for longer',
} as const satisfies Record<string, string>;

export type RiskKind = keyof typeof RISKS;

/** One reason to look twice. */
export type Risk = {
  readonly kind: RiskKind;
  /** As `policy storage-daemon`. */
  readonly of: string;
  /** What it is, as a clause. */
  readonly why: string;
};

/** Everything about a change that is of one of these kinds, the gravest first. */
export function risksOf(policies: readonly PolicyChange[], budgets: readonly BudgetChange[]): Risk[] {
  const found = [
    ...policies.flatMap((change) => {
      const of = `policy ${change.name}`;
      return [...policyRisks(change)].map(([kind, why]) => ({ kind, of, why }));
    }),
    ...budgets.flatMap(({ name, loosened, stops }) => {
      const of = `budget ${name}`;
      const stopped = stops ? [{ kind: 'protection-lost' as const, of, why: 'nothing new is done to nodes' }] : [];
      return [...loosened.map((why) => ({ kind: 'disrupts-more' as const, of, why })), ...stopped];
    }),
  ];
  const gravity = Object.keys(RISKS);
  return found.sort((a, b) => gravity.indexOf(a.kind) - gravity.indexOf(b.kind));
}

type Found = readonly [kind: RiskKind, why: string];

function* policyRisks(change: PolicyChange): Generator<Found> {
  yield* harmAdded(change);
  yield* actsSooner(change);
  const ends = change.judged.filter(({ after }) => after === 'Fatal').map(({ run }) => run);
  const isNewlyFatal = change.kind === 'Added' && change.after?.spec.check.onStderr === 'Fatal';
  if (ends.length > 0 || isNewlyFatal) yield ['agent-ends', 'output on stderr ends the agent (onStderr: Fatal)'];
  yield* undone(change);
  yield* protectionLost(change);
}

function* harmAdded({ before, after, ahead, selects }: PolicyChange): Generator<Found> {
  const [was, is] = [ahead.before, ahead.after];
  if (is?.wanted == null || !acts(is)) return;
  const all = describeHold(is.wanted);
  if (was === null || !acts(was)) {
    yield ['harm-added', all];
    return;
  }
  const gained = effectsOf(is.wanted).filter((effect) => !effectsOf(was.wanted).includes(effect));
  if (gained.length > 0) yield ['harm-added', gained.join(', ')];
  if (selects.more) yield ['harm-added', `${all}, on nodes that it did not select`];
  const [rules, wider] = [before?.spec.actions.drain, after?.spec.actions.drain];
  if (rules && wider) for (const why of harsher(rules, wider)) yield ['harm-added', why];
}

function* harsher(before: Drain, after: Drain): Generator<string> {
  if (widensDrain(drainRules(before), drainRules(after))) yield 'the drain takes pods that it did not take';
  if (after.onTimeout === 'Delete' && before.onTimeout !== 'Delete')
    yield 'the drain deletes what is left at its timeout';
  if (after.onTimeout === 'Delete' && after.timeoutSeconds < before.timeoutSeconds) {
    yield `the drain deletes what is left after ${after.timeoutSeconds} s, was ${before.timeoutSeconds} s`;
  }
  const isShorter =
    (before.gracePeriodSeconds ?? Number.POSITIVE_INFINITY) > (after.gracePeriodSeconds ?? Number.POSITIVE_INFINITY);
  if (isShorter) yield `pods get ${after.gracePeriodSeconds} s to end`;
}

function* actsSooner({ before, after, ahead, judged, isOtherCheck }: PolicyChange): Generator<Found> {
  const [was, is] = [ahead.before, ahead.after];
  if (was === null || is === null || !acts(is)) return;
  if (isOtherCheck && before && after)
    yield ['acts-sooner', 'its check is another one, which may fail where the one before did not'];
  if (!acts(was) || was.threshold === null || is.threshold === null) return;
  if (is.threshold.inARow < was.threshold.inARow) {
    yield ['acts-sooner', `${is.threshold.inARow} failed runs in a row are enough, was ${was.threshold.inARow}`];
  }
  if (is.threshold.afterFirstMs < was.threshold.afterFirstMs) {
    yield [
      'acts-sooner',
      `${is.threshold.afterFirstMs / 1000} s after the first failed run, was ${was.threshold.afterFirstMs / 1000} s`,
    ];
  }
  const fails = judged.filter((run) => run.after === 'Failed');
  if (fails.length > 0)
    yield ['acts-sooner', `${count(fails.length, 'way')} for a run to end that did not count as failed do now`];
}

function* undone({ held }: PolicyChange): Generator<Found> {
  const found = [held.stays, held.leaves].flatMap((each) => (each === null ? [] : undoneOf(each)));
  for (const why of new Set(found)) yield ['undoes', why];
}

/** What of a node that is held is taken back as soon as the change is there, and not replaced. */
function undoneOf({ atOnce, after }: NodeAfter): string[] {
  const turns = atOnce.flatMap((each) => (each.kind === 'MarkTurned' ? [each] : []));
  const isReplaced = (effect: string) => turns.some((each) => each.effect === effect && each.turn === 'Put');
  const undone = turns
    .filter(({ effect, turn }) => turn === 'TakenBack' && !isReplaced(effect))
    .map(({ effect, mark }) => markEffect(effect).undo(mark).plan);
  if (undone.length === 0) return [];
  const isForAWhile = Object.keys(after).length > 0;
  return [`${undone.join(', ')} of nodes that it holds${isForAWhile ? ', until it has failed anew' : ''}`];
}

function* protectionLost({ ahead, selects, judged, kind }: PolicyChange): Generator<Found> {
  const [was, is] = [ahead.before, ahead.after];
  if (was?.wanted == null || !acts(was)) return;
  if (is === null || !acts(is)) {
    const why =
      kind === 'Removed' ? 'the policy is gone' : is?.withheld ? `it does nothing (${is.withheld})` : 'it does nothing';
    yield ['protection-lost', why];
    return;
  }
  const lost = effectsOf(was.wanted).filter((effect) => !effectsOf(is.wanted).includes(effect));
  if (lost.length > 0) yield ['protection-lost', `no ${lost.join(', no ')}`];
  if (selects.fewer) yield ['protection-lost', 'nodes that it selected are not checked by it any more'];
  if (was.threshold && is.threshold && is.threshold.afterFirstMs > was.threshold.afterFirstMs) {
    yield [
      'protection-lost',
      `it acts ${is.threshold.afterFirstMs / 1000} s after the first failed run, was ${was.threshold.afterFirstMs / 1000} s`,
    ];
  }
  const passes = judged.filter((run) => run.before === 'Failed' && run.after !== 'Fatal');
  if (passes.length > 0)
    yield ['protection-lost', `${count(passes.length, 'way')} for a run to end that counted as failed do not`];
}

/** Each with its value, as `taint sick=true:NoSchedule`. */
export function effectsOf(hold: FailureAhead['wanted'] | Hold): string[] {
  return hold === null ? [] : describeHold(hold).split(', ');
}

function count(number: number, what: string): string {
  return `${number} ${what}${number === 1 ? '' : 's'}`;
}
