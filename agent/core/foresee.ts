import { type ConditionAhead, foreseeCondition } from './foresee-condition.ts';
import { countVerdict, type Health, NEW_HEALTH } from './health.ts';
import { holdsOf } from './holds.ts';
import { selectsEverything } from './label-selector.ts';
import type { Hold } from './ledger.ts';
import type { NodeView } from './node.ts';
import type { Check, NodeCheckPolicy, NodeDisruptionBudget } from './policy.ts';
import { NO_SLOTS_ANSWER, stopsEverything } from './slot.ts';
import type { Judgement } from './verdict.ts';

/** One run that somebody made of a check. */
export type TriedRun = {
  readonly judgement: Judgement;
  /** From its start until it was known how it ended. */
  readonly outcomeMs: number;
  /** From its start until nothing of it was left, so that the next one may start. */
  readonly busyMs: number;
};

/** What the runs of a check would come to in an agent that has just begun to count. */
export type Foresight = {
  /** After these runs. */
  readonly health: Health;
  /** At which of these runs, from 1, the policy begins to fail or recovers. */
  readonly turns: readonly Turn[];
  /** The last of them ends the agent. */
  readonly endsAgent: boolean;
  /** When the policy first fails, at one of these runs or if such as the last one follow; null: it never does. */
  readonly failing: Failing | null;
  /** When it fails anew if such as the last one follow, having recovered since; null: it has not, or does not. */
  readonly failingAgain: Failing | null;
  /** What a failing policy does to the node; null: nothing, it has no actions. */
  readonly wanted: Hold | null;
  /** What it says in a condition of its own; null: it names none. */
  readonly condition: ConditionAhead | null;
  /**
   * Why nothing of that is done; null: it is, or there is nothing. What is paused under `mode: Observe` is Observe, since it does
   * nothing after the pause either.
   */
  readonly withheld: 'Observe' | 'Paused' | null;
  /** Who has to grant it first, as far as they select the node. */
  readonly budgets: readonly BudgetAhead[];
};

/** The policy begins to fail, or recovers. */
export type Turn = {
  /** From 1. */
  readonly run: number;
  readonly failing: boolean;
  /** From the first run until then. */
  readonly afterFirstMs: number;
};

export type Failing = {
  /** Failed runs in a row. */
  readonly inARow: number;
  /** The run that makes it so, from 1: one of these, or one that would come after them. */
  readonly run: number;
  /** From the first run until then. */
  readonly afterFirstMs: number;
  /** From when an agent begins to run the policy until then. */
  readonly afterMs: number;
  /** From the start of a run such as the last one to the start of the next. */
  readonly everyMs: number;
};

export type BudgetAhead = {
  readonly name: string;
  /** It selects every node; else it may be that it does not select this one. */
  readonly ofEveryNode: boolean;
  /** It grants nothing. */
  readonly isStop: boolean;
};

/** What is looked at: a Node with which nothing is the matter. */
const WELL_NODE: NodeView = {
  name: '',
  uid: '',
  resourceVersion: '',
  labels: {},
  annotations: {},
  unschedulable: false,
  taints: [],
  ready: true,
  conditions: [],
};

/**
 * Says what an agent makes of these runs, with its own rules: they are counted as it counts, at the times at which it would
 * run them, and what follows is what it decides for a node with which nothing else is the matter.
 *
 * @param runs at least one, in order; nothing but the last may be Fatal
 * @param budgets of the same directory
 */
export function foresee(
  policy: NodeCheckPolicy,
  runs: readonly TriedRun[],
  budgets: readonly NodeDisruptionBudget[],
): Foresight {
  const { check } = policy.spec;
  const healths = countRuns(runs, check);
  const health = healths.at(-1) ?? NEW_HEALTH;
  const turns = healths.flatMap(({ failing }, index) =>
    failing === (healths[index - 1]?.failing ?? false)
      ? []
      : [{ run: index + 1, failing, afterFirstMs: startMs(check, runs, index + 1) }],
  );
  const first = turns[0];
  const ahead = health.failing ? null : failingAhead(check, runs, health);
  const failing = first === undefined ? ahead : failingAt(check, runs, first.run, healths[first.run - 1] ?? health);
  return {
    health,
    turns,
    endsAgent: runs.at(-1)?.judgement.status === 'Fatal',
    failing,
    failingAgain: first === undefined ? null : ahead,
    ...consequence(policy),
    condition: foreseeCondition(policy, runs, healths, failing ? (runs[failing.run - 1] ?? runs.at(-1)) : undefined),
    budgets: budgets.map((budget) => ({
      name: budget.metadata.name,
      ofEveryNode: selectsEverything(budget.spec.nodeSelector),
      isStop: stopsEverything(budget),
    })),
  };
}

function countRuns(runs: readonly TriedRun[], check: Check): Health[] {
  const healths: Health[] = [];
  for (const { judgement } of runs) {
    const before = healths.at(-1) ?? NEW_HEALTH;
    const { status } = judgement;
    healths.push(status === 'Fatal' ? before : countVerdict(before, { ...judgement, status }, check));
  }
  return healths;
}

/** When a policy that does not fail does so, if the last run is followed by such as itself. */
function failingAhead(check: Check, runs: readonly TriedRun[], now: Health): Failing | null {
  const last = runs.at(-1)?.judgement;
  if (last === undefined || last.status === 'Fatal') return null;
  let health = now;
  let run = runs.length;
  for (; !health.failing; run += 1) {
    const before = health;
    health = countVerdict(before, { ...last, status: last.status }, check);
    // Of runs that move nothing any more, none will.
    if (health.failures <= before.failures) return null;
  }
  return failingAt(check, runs, run, health);
}

function failingAt(check: Check, runs: readonly TriedRun[], run: number, { failures }: Health): Failing {
  const afterFirstMs = startMs(check, runs, run);
  const { outcomeMs } = runs[run - 1] ?? runs.at(-1) ?? { outcomeMs: 0 };
  return {
    inARow: failures,
    run,
    afterFirstMs,
    afterMs: check.initialDelaySeconds * 1000 + afterFirstMs + outcomeMs,
    everyMs: intervalMs(check, runs.at(-1)?.busyMs ?? 0),
  };
}

/** From the start of the first run to that of another, from 1; those after the last are such as it. */
function startMs(check: Check, runs: readonly TriedRun[], run: number): number {
  let sinceFirstMs = 0;
  for (let n = 0; n < run - 1; n++) sinceFirstMs += intervalMs(check, (runs[n] ?? runs.at(-1))?.busyMs ?? 0);
  return sinceFirstMs;
}

/** Runs are due at a fixed rate, and those that fall due during another one are left out. */
function intervalMs({ periodSeconds }: Check, busyMs: number): number {
  const periodMs = periodSeconds * 1000;
  return periodMs * Math.max(1, Math.ceil(busyMs / periodMs));
}

/** Once the policy fails. */
function consequence(policy: NodeCheckPolicy): Pick<Foresight, 'wanted' | 'withheld'> {
  const { name } = policy.metadata;
  const roster = new Map([[name, { policy, health: { ...NEW_HEALTH, failing: true } }]]);
  const gates = { node: WELL_NODE, ledger: null, budgets: [], slots: NO_SLOTS_ANSWER, ownTolerations: null };
  const { policies, withheld } = holdsOf(roster, gates, {}, '1970-01-01T00:00:00Z');
  const { mode, paused, nodeCondition } = policy.spec;
  // A policy may be named `constructor`.
  const wanted = (Object.hasOwn(policies, name) ? policies[name] : withheld[0]?.wanted) ?? null;
  const why = mode === 'Observe' ? 'Observe' : paused ? 'Paused' : null;
  return { wanted, withheld: wanted === null && nodeCondition === undefined ? null : why };
}
