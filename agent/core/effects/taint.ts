import type { NodeTaint } from '../taint.ts';
import { isSameMark, type Mark, type MarkEffect } from './mark.ts';

/** A taint in `spec.taints`. Key and effect identify it (core/v1 Taint.MatchTaint); the value does not. */
export const TAINT: MarkEffect = {
  name: 'taint',
  fields: ['key', 'value', 'effect'],
  identity: ['key', 'effect'],
  choices: { effect: ['NoSchedule', 'PreferNoSchedule', 'NoExecute'] },
  wanted: ({ taint }) => (taint === undefined ? null : markOf(taint)),
  found: ({ taints }) => taints.map(markOf),
  change({ taints }, put, taken) {
    const isAmong = (marks: readonly Mark[], taint: NodeTaint) =>
      marks.find((mark) => isSameMark(TAINT, mark, markOf(taint)));
    // Everybody else's entries are kept verbatim and in their order, because the list is written back whole.
    const kept = taints
      .filter((taint) => !isAmong(taken, taint))
      .map((taint) => (isAmong(put, taint) as NodeTaint | undefined) ?? taint);
    const added = put.filter((mark) => !taints.some((taint) => isSameMark(TAINT, mark, markOf(taint))));
    const list = [...kept, ...(added as unknown as NodeTaint[])];
    return { spec: { taints: list.length === 0 ? null : list } };
  },
  isTakenAwayForGood: false,
  // NoExecute evicts at once and regards no PodDisruptionBudget.
  waitsForDrain: ({ effect }) => effect === 'NoExecute',
  describe: (mark) => `taint ${text(mark)}`,
  undo: (mark) => ({ plan: `remove taint ${text(mark)}`, done: `taint ${text(mark)} removed` }),
  words: {
    Put: {
      action: 'Tainted',
      level: 'warn',
      line: (mark, node) => `⚠ WARN: Tainting node ${node} with ${text(mark)}`,
      event: {
        reason: 'NodeTainted',
        message: (mark, node) => `Node ${node} tainted with ${text(mark)}`,
      },
    },
    TakenBack: {
      action: 'Untainted',
      level: 'info',
      line: (mark, node) => `INFO: Removing taint ${text(mark)} from node ${node}`,
    },
    Found: {
      action: 'TaintFound',
      level: 'info',
      line: (mark, node) => `INFO: Taint ${text(mark)} of node ${node} is somebody else's and stays on recovery`,
    },
    TakenAway: {
      action: 'TaintTakenAway',
      level: 'warn',
      line: (mark, node) => `⚠ WARN: Somebody removed taint ${text(mark)} from node ${node}; left so`,
    },
  },
};

function markOf({ key, value = '', effect }: Pick<NodeTaint, 'key' | 'value' | 'effect'>): Mark {
  return { key, value, effect };
}

/** As kubectl writes it: `key=value:effect`. */
function text({ key, value, effect }: Mark): string {
  return value === '' ? `${key}:${effect}` : `${key}=${value}:${effect}`;
}
