import type { MarkEffect } from './mark.ts';

/** `spec.unschedulable`, as `kubectl cordon` sets it. */
export const CORDON: MarkEffect = {
  name: 'cordon',
  fields: [],
  identity: [],
  // A drain cordons first, as kubectl's does.
  wanted: ({ cordon, drain }) => (cordon || drain !== undefined ? {} : null),
  found: ({ unschedulable }) => (unschedulable ? [{}] : []),
  change: (_node, put) => ({ spec: { unschedulable: put.length > 0 ? true : null } }),
  // A person's uncordon stops the drains of the whole episode.
  isTakenAwayForGood: true,
  waitsForDrain: () => false,
  describe: () => 'cordon',
  undo: () => ({ plan: 'uncordon', done: 'uncordoned' }),
  words: {
    Put: {
      action: 'Cordoned',
      level: 'warn',
      line: (_mark, node) => `⚠ WARN: Cordoning node ${node}`,
      event: { reason: 'NodeCordoned', message: (_mark, node) => `Node ${node} cordoned` },
    },
    TakenBack: { action: 'Uncordoned', level: 'info', line: (_mark, node) => `INFO: Uncordoning node ${node}` },
    Found: {
      action: 'CordonFound',
      level: 'info',
      line: (_mark, node) => `INFO: Node ${node} is already cordoned by somebody else and stays so on recovery`,
    },
    TakenAway: {
      action: 'CordonTakenAway',
      level: 'warn',
      line: (_mark, node) => `⚠ WARN: Somebody uncordoned node ${node}; left so until the next episode`,
    },
  },
};
