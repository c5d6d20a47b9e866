import { type Claim, NEW_STANDING, type Standing } from './claim.ts';
import type { DrainEnds } from './effects/drain.ts';
import type { Fatal } from './fatal.ts';
import type { LeftOutside } from './left-outside.ts';
import type { NodeView } from './node.ts';
import type { NodeFacts } from './node-facts.ts';
import type { PolicySet } from './policy.ts';
import type { Roster } from './roster.ts';
import { NO_SLOTS_ANSWER, type SlotsAnswer } from './slot.ts';
import type { Toleration } from './taint.ts';
import type { ToldChecks } from './tell-checks.ts';

/** A moment, as the step takes it. */
export type Now = {
  /** On a clock that never goes back. */
  readonly ms: number;
  /** Since the epoch, by the API server's clock as far as it is known. */
  readonly wallMs: number;
};

/** What is known of the Node. */
export type KnownNode =
  /** The API server has not said yet whether there is one. */
  | { readonly kind: 'Unread' }
  /** There is none of our name; `last` was ours, and is again should it come back with its UID. */
  | { readonly kind: 'Gone'; readonly last: NodeView | null }
  | { readonly kind: 'There'; readonly view: NodeView };

/** A defect of this program, in one line, and when it was last met, on `Now.ms`. */
export type Bug = { readonly text: string; readonly atMs: number };

/** What was told last, to be compared with what is. */
export type Told = {
  /** null before the Node was first read. */
  readonly node: NodeFacts | null;
  readonly checks: ToldChecks;
  /**
   * The revision that was told to be in force; null: none, or that the newest directory cannot be. Unread: what an earlier life
   * has told is not known yet.
   */
  readonly inForce: string | 'Unread' | null;
  /** Keys of what was told to be withheld. */
  readonly withheld: readonly string[];
  /** The budget, and how it denies; null: none does. */
  readonly denial: string | null;
  readonly unreadable: string | null;
  /** Conditions told to be somebody else's, as text; and what is wrong with the list of ours. */
  readonly foreignConditions: string;
  readonly rival: string | null;
  /** By policy, the key of `problemsKey`: why its drain gave up. */
  readonly drainProblems: ReadonlyMap<string, string>;
  readonly isFatal: boolean;
  /** Policies whose checks were told to leave processes outside of their groups. */
  readonly leftOutside: readonly string[];
};

/** Everything that one node's agent knows. Each thing stands here once. */
export type AgentState = {
  readonly nodeName: string;
  readonly own: Claim;
  /** On `Now.ms`. */
  readonly startedAtMs: number;
  readonly node: KnownNode;
  readonly standing: Standing;
  /** When the Node was last read or looked at, and when the rival; on `Now.ms`. */
  readonly lookedAtMs: number;
  /** When to read the Node, because what was seen of it is older than what is known; null: nothing is doubted. */
  readonly readAtMs: number | null;
  readonly rivalLookedAtMs: number;
  /** What is wrong with the newest policy directory, a line each; null before the first one was read. */
  readonly newestErrors: readonly string[] | null;
  /** null while no valid one was ever read. */
  readonly inForce: PolicySet | null;
  readonly roster: Roster;
  /** null when the agent runs in no pod. */
  readonly ownTolerations: readonly Toleration[] | 'Unread' | null;
  readonly slots: SlotsAnswer;
  /** The latest of each policy, whether or not the ledger says so by now. */
  readonly drainEnds: DrainEnds;
  /** By policy: the drains whose cordon this agent has seen land, with `since` and when that was, on `Now.ms`. */
  readonly landings: ReadonlyMap<string, { readonly since: string; readonly atMs: number }>;
  /** By policy: what its check has left running outside of its process group. */
  readonly leftOutside: ReadonlyMap<string, LeftOutside>;
  /** Defects of this program that have shown of late, the first one first. */
  readonly bugs: readonly Bug[];
  /** A check ends the agent; null: none does. */
  readonly fatal: Fatal | null;
  readonly told: Told;
};

const NOTHING_TOLD: Told = {
  node: null,
  checks: { nodeUid: null, failing: [], silent: [] },
  inForce: 'Unread',
  withheld: [],
  denial: null,
  unreadable: null,
  foreignConditions: '',
  rival: null,
  drainProblems: new Map(),
  isFatal: false,
  leftOutside: [],
};

/** An agent that knows nothing yet. */
export function newState(nodeName: string, own: Claim, now: Now): AgentState {
  return {
    nodeName,
    own,
    startedAtMs: now.ms,
    node: { kind: 'Unread' },
    standing: NEW_STANDING,
    lookedAtMs: now.ms,
    readAtMs: null,
    rivalLookedAtMs: now.ms,
    newestErrors: null,
    inForce: null,
    roster: new Map(),
    ownTolerations: own.pod === null ? null : 'Unread',
    slots: NO_SLOTS_ANSWER,
    drainEnds: {},
    landings: new Map(),
    leftOutside: new Map(),
    bugs: [],
    fatal: null,
    told: NOTHING_TOLD,
  };
}

/** The Node as last seen; null while there is none or it was never read. */
export function nodeOf({ node }: Pick<AgentState, 'node'>): NodeView | null {
  return node.kind === 'There' ? node.view : null;
}

/** The same, or the one that was there last. */
export function lastNodeOf({ node }: Pick<AgentState, 'node'>): NodeView | null {
  return node.kind === 'There' ? node.view : node.kind === 'Gone' ? node.last : null;
}

/** An unready kubelet, and a Node that is gone, are looked at again at least this often, should the watch have missed a change. */
export const RELOOK_MS = 30_000;

/** A defect that has not shown for so long is over; a drain that gave up is tried again every five minutes. */
export const BUG_LASTS_MS = 600_000;

/** Those that have shown of late. */
export function lastingBugs({ bugs }: Pick<AgentState, 'bugs'>, now: Now): readonly Bug[] {
  return bugs.filter(({ atMs }) => now.ms < atMs + BUG_LASTS_MS);
}
