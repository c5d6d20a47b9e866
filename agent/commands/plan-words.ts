import { markEffect } from '../core/effects/list.ts';
import { describeHold } from '../core/holds.ts';
import type { BudgetChange } from '../core/plan/budget-change.ts';
import type { FailureAhead } from '../core/plan/failure-ahead.ts';
import type { FieldChange } from '../core/plan/field-changes.ts';
import type { Held, NodeAfter } from '../core/plan/held-node.ts';
import type { JudgedRun } from '../core/plan/judged-runs.ts';
import type { NodesChange } from '../core/plan/nodes-change.ts';
import type { Plan } from '../core/plan/plan.ts';
import type { PolicyChange } from '../core/plan/policy-change.ts';
import type { NodeTransition } from '../core/transition.ts';
import { count } from './count.ts';
import { describeSelector } from './selector-text.ts';

/** What is said about one thing: a label, and a text or what was and what is. */
export type PlanLine = {
  readonly label: string;
  /** Whether the label is the path of a field, and the values are as a policy file has them. */
  readonly isField: boolean;
  readonly text: string | { readonly before: string; readonly after: string };
};

/** What is said about one policy, one budget or the nodes. */
export type PlanSection = { readonly title: string; readonly lines: readonly PlanLine[] };

/** Nodes of which each is named; the others are counted. */
const MAX_HELD_NODES = 20;
const MAX_VALUE = 200;

/** In one line, what the change comes to. */
export function planHeadline({ changes, policies, order, budgets }: Plan): string {
  if (changes === 'Nothing') return 'no change in effect';
  const what = [
    ...(policies.length > 0 ? [count(policies.length, 'policy', 'policies')] : []),
    ...(order === null ? [] : ['the order of the policies']),
    ...(budgets.length > 0 ? [count(budgets.length, 'budget', 'budgets')] : []),
  ].join(' and ');
  return changes === 'Told' ? `${what} changed; cordons, taints and drains stay the same` : `${what} changed`;
}

/** Everything that is to be said of a plan but its risks, in order. */
export function planSections({ policies, order, budgets, nodes }: Plan): PlanSection[] {
  return [
    ...policies.map(policySection),
    ...(order ? [orderSection(order)] : []),
    ...budgets.map(budgetSection),
    ...(nodes ? [nodesSection(nodes)] : []),
  ];
}

function orderSection({ before, after }: NonNullable<Plan['order']>): PlanSection {
  const text = { before: before.join(', '), after: after.join(', ') };
  return {
    title: 'order of the policies',
    lines: [{ label: 'decides whose value of a taint counts', isField: false, text }],
  };
}

function policySection(change: PolicyChange): PlanSection {
  const { name, kind, before, after, fields, ahead } = change;
  const renamed = kind === 'Renamed' ? [says('was called', before?.metadata.name ?? '')] : [];
  const selector = (after ?? before)?.spec.nodeSelector ?? {};
  const whole = before && after ? [] : [says('selects', describeSelector(selector))];
  return {
    title: `policy ${name}: ${kind.toLowerCase()}`,
    lines: [
      ...renamed,
      ...fields.map(fieldLine),
      ...whole,
      ...turns('does', ahead, describeEffects),
      ...turns('acts', ahead, describeTime),
      ...judgedLines(change.judged),
      ...selectLines(change),
      ...heldLines(change),
    ],
  };
}

function fieldLine({ path, before, after }: FieldChange): PlanLine {
  return { label: path, isField: true, text: { before: describeValue(before), after: describeValue(after) } };
}

/** As JSON, which YAML is as well. */
function describeValue(value: unknown): string {
  if (value === undefined) return '(none)';
  const text = JSON.stringify(value);
  return text.length > MAX_VALUE ? `${text.slice(0, MAX_VALUE)}…` : text;
}

/** One line of what was and what is, unless both are the same. */
function turns(
  label: string,
  { before, after }: PolicyChange['ahead'],
  describe: (ahead: FailureAhead) => string,
): PlanLine[] {
  const [was, is] = [before && describe(before), after && describe(after)];
  if (was === is) return [];
  if (was === null || is === null) return [says(label, is ?? was ?? '')];
  return [{ label, isField: false, text: { before: was, after: is } }];
}

function describeEffects(ahead: FailureAhead): string {
  const { wanted, withheld, threshold } = ahead;
  if (wanted === null) return 'nothing but tell';
  if (threshold === null) return 'nothing: no run of its check counts as failed';
  if (withheld !== null) return `nothing (${withheld}); else ${describeHold(wanted)}`;
  return describeHold(wanted);
}

function describeTime({ threshold }: FailureAhead): string {
  if (threshold === null) return 'never';
  const { inARow, everyMs, afterFirstMs } = threshold;
  if (inARow === 1) return `at the first failed run (one run every ${seconds(everyMs)})`;
  return `${seconds(afterFirstMs)} after the first failed run (${inARow} in a row, one every ${seconds(everyMs)})`;
}

/** Exit codes that fare alike are one line. */
function judgedLines(judged: readonly JudgedRun[]): PlanLine[] {
  const alike = Map.groupBy(judged, ({ before, after }) => `${before} ${after}`);
  return [...alike.values()].flatMap((runs) => {
    const [first] = runs;
    if (first === undefined) return [];
    const { before, after } = first;
    return [
      {
        label: joinRuns(runs.map(({ run }) => run)),
        isField: false,
        text: { before: counts(before), after: counts(after) },
      },
    ];
  });
}

function joinRuns(runs: readonly string[]): string {
  const codes = runs.flatMap((run) => /^exit code (\d+)$/.exec(run)?.[1] ?? []).map(Number);
  const others = runs.filter((run) => !/^exit code \d+$/.test(run));
  if (codes.length === 0) return others.join(', ');
  const ranges: [first: number, last: number][] = [];
  for (const code of codes) {
    const range = ranges.at(-1);
    if (range && range[1] === code - 1) range[1] = code;
    else ranges.push([code, code]);
  }
  const list = ranges.map(([first, last]) => (first === last ? String(first) : `${first}-${last}`)).join(',');
  return [`exit code${codes.length === 1 ? '' : 's'} ${list}`, ...others].join(', ');
}

function counts(status: JudgedRun['before']): string {
  return status === 'Fatal' ? 'ends the agent' : `counts as ${status}`;
}

function selectLines({ before, after, selects, isOtherCheck }: PolicyChange): PlanLine[] {
  if (before === null || after === null) return [];
  return [
    ...(selects.more ? [says('selects', 'nodes that it did not select')] : []),
    ...(selects.fewer ? [says('selects no more', 'nodes that it selected')] : []),
    ...(isOtherCheck ? [says('its check', 'is another one: its runs are counted from zero')] : []),
  ];
}

function heldLines({ held, after }: PolicyChange): PlanLine[] {
  const leaving = after === null ? 'a node it holds' : 'a node it holds, not selected any more';
  return [
    ...(held.stays ? [says('a node it holds', describeNodeAfter(held.stays))] : []),
    ...(held.leaves ? [says(leaving, describeNodeAfter(held.leaves))] : []),
  ];
}

/** `at once: uncordon; if it goes on failing: cordon, drain`. */
export function describeNodeAfter({ after, atOnce, later }: NodeAfter): string {
  const now = describeTransitions(atOnce);
  const then = describeTransitions(later);
  const parts = [
    ...(now === '' ? [] : [`at once: ${now}`]),
    ...(then === '' ? [] : [`if its check goes on failing: ${then}`]),
  ];
  if (parts.length === 0) return `keeps ${describeHeld(after)}`;
  return [...parts, ...(Object.keys(after).length === 0 ? ['nothing of ours is left'] : [])].join('; ');
}

function describeHeld(held: Held): string {
  return Object.values(held).join('; ');
}

/** As `uncordon, remove taint sick=true:NoSchedule`, in order. */
export function describeTransitions(transitions: readonly NodeTransition[]): string {
  return transitions.flatMap((each) => describeTransition(each)).join(', ');
}

function describeTransition(transition: NodeTransition): string[] {
  switch (transition.kind) {
    case 'MarkTurned': {
      const effect = markEffect(transition.effect);
      const { mark, turn } = transition;
      if (turn === 'Put') return [effect.describe(mark)];
      if (turn === 'TakenBack') return [effect.undo(mark).plan];
      return [`leave ${effect.describe(mark)}, which is somebody else's`];
    }
    case 'DrainStarted':
      return ['drain'];
    case 'DrainSucceeded':
    case 'DrainFailed':
    case 'GivenBack':
      return [];
    default:
      return transition satisfies never;
  }
}

function budgetSection({ name, kind, fields, before, after, loosened, stops }: BudgetChange): PlanSection {
  const whole = before && after ? [] : [says('limits', describeLimit(after ?? before))];
  return {
    title: `budget ${name}: ${kind.toLowerCase()}`,
    lines: [
      ...fields.map(fieldLine),
      ...whole,
      ...(loosened.length > 0 ? [says('more at once', loosened.join('; '))] : []),
      ...(stops ? [says('stops', 'every new action on nodes that it selects; undoing goes on')] : []),
    ],
  };
}

function describeLimit(budget: BudgetChange['after']): string {
  if (budget === null) return '';
  const { maxUnavailable, nodeSelector = {}, topologyKey } = budget.spec;
  const each = topologyKey === undefined ? '' : `, for each ${topologyKey}`;
  return `${maxUnavailable} of ${describeSelector(nodeSelector)} out of service at once${each}`;
}

function nodesSection({ nodes, selected, zones, held }: NodesChange): PlanSection {
  const shown = held.slice(0, MAX_HELD_NODES);
  const more = held.length - shown.length;
  return {
    title: count(nodes, 'node', 'nodes'),
    lines: [
      ...selected.map(({ policy, before, after, joins, leaves }) => ({
        label: `${policy} selects`,
        isField: false,
        text: { before: String(before), after: `${after} (${joins} join, ${leaves} leave)` },
      })),
      ...zones.map(({ zone, before, after }) => ({
        label: `out at once in ${zone ?? 'no zone'}`,
        isField: false,
        text: {
          before: `at most ${before.atMost} of ${before.nodes}`,
          after: `at most ${after.atMost} of ${after.nodes}`,
        },
      })),
      ...shown.map((node) => says(`${node.name} (${Object.keys(node.before).join(', ')})`, describeNodeAfter(node))),
      ...(more > 0 ? [says('and', count(more, 'more node that is held', 'more nodes that are held'))] : []),
    ],
  };
}

/** Of times that a policy gives in whole seconds. */
function seconds(ms: number): string {
  return `${ms / 1000} s`;
}

function says(label: string, text: string): PlanLine {
  return { label, isField: false, text };
}
