import { type AgentContainer, containerProblem } from './agent-container.ts';
import { markEffect } from './effects/list.ts';
import type { Mark, Owner } from './effects/mark.ts';
import { cordonOwner, type DrainMemory, drainGoesOn, drainsOf, type Ledger, marksOf, readLedger } from './ledger.ts';
import { DRAIN_STATE_ANNOTATION, type NodeView } from './node.ts';
import { readPolicyReport } from './policy-report.ts';
import type { SlotLease } from './slot.ts';

/** What of a Node is looked at. */
export type ObservedNode = Pick<NodeView, 'name' | 'uid' | 'annotations'>;

/** Something that a person should look into. */
export type NodeProblem = {
  readonly reason:
    | 'NoReport'
    | 'UnreadableReport'
    | 'InvalidFiles'
    | 'NothingInForce'
    /** Its agent has met a defect of its own program. */
    | 'InternalError'
    /** The check of a policy has said nothing of late: it cannot be started, for example. */
    | 'CheckUnknown'
    /** Its agent's container is about to be started again, or cannot be started. */
    | 'AgentNotRunning'
    /** Its agent ended with an error of late, and runs again. */
    | 'AgentRestarted'
    | 'UnreadableLedger'
    /** The node says that it is being drained, and no episode is known. */
    | 'DrainActiveWithoutLedger';
  /** In the words of who noticed it; null when the reason says all. */
  readonly error: string | null;
};

/** Of all drains of a node the one that matters most. Stopped: by a person, with an uncordon or a release. */
export type DrainStatus = Pick<DrainMemory, 'state' | 'since'>;

/** A mark on the node, in words. */
export type MarkStatus = { readonly effect: string; readonly what: string; readonly owner: Owner };

/** What a policy that holds the node began with; null: nothing was said, or an agent of an older version took hold. */
export type SaidStatus = {
  readonly policy: string;
  /** RFC 3339, since when it holds the node. */
  readonly since: string;
  /** The one that the policy gives for the exit code. */
  readonly reason: string | null;
  readonly words: string | null;
};

/** What one node's agent did and runs. */
export type NodeStatus = {
  readonly name: string;
  /** The node is in an episode: some policy's check fails, and its agent acted on that. */
  readonly held: boolean;
  /** RFC 3339, when the episode began; null when there is none. */
  readonly since: string | null;
  /** Names of the policies that hold the node. */
  readonly policies: readonly string[];
  /** What the check of each of them said when it took hold, by name. */
  readonly said: readonly SaidStatus[];
  readonly cordon: Owner | null;
  readonly taints: readonly (Mark & { readonly owner: Owner })[];
  /** The cordon, the taints and whatever else there is, as `taint sick=true:NoSchedule`. */
  readonly marks: readonly MarkStatus[];
  readonly drain: DrainStatus | null;
  /** Budgets of which the node has a slot, by name; null when the Leases could not be read. */
  readonly slots: readonly string[] | null;
  /** Of the policies in force; null when there are none, or nobody knows. */
  readonly revision: string | null;
  readonly problems: readonly NodeProblem[];
};

export type StatusSummary = {
  readonly nodes: number;
  readonly held: number;
  readonly draining: number;
  /** Their drain did not end in time, and is tried again. */
  readonly gaveUp: number;
  /** A person took something of ours away. */
  readonly takenAway: number;
  readonly withProblem: number;
  /** The most frequent first. */
  readonly revisions: readonly { readonly revision: string; readonly nodes: number }[];
  /** By budget name; null when the Leases could not be read. `others`: of these, how many belong to no node here. */
  readonly slots: readonly { readonly budget: string; readonly held: number; readonly others: number }[] | null;
};

export type ClusterStatus = { readonly summary: StatusSummary; readonly nodes: readonly NodeStatus[] };

/**
 * What the agents of these nodes did and run, by name.
 *
 * @param leases every slot there is; null when they could not be read
 * @param agents how their containers are; none when that could not be read
 * @param nowMs since the epoch
 */
export function clusterStatus(
  observed: Iterable<ObservedNode>,
  leases: readonly SlotLease[] | null,
  agents: readonly AgentContainer[] = [],
  nowMs = 0,
): ClusterStatus {
  const containers = Map.groupBy(agents, ({ nodeName }) => nodeName);
  const byHolder = Map.groupBy(leases ?? [], ({ holder }) => holder);
  const counted = new Set<SlotLease>();
  const nodes = [...observed].map((node) => {
    const own = (byHolder.get(node.name) ?? []).filter(({ ownerUid }) => ownerUid === '' || ownerUid === node.uid);
    for (const lease of own) counted.add(lease);
    const slots = leases === null ? null : own.map(({ budget }) => budget).sort();
    const status = nodeStatus(node, slots);
    const down = (containers.get(node.name) ?? []).flatMap((agent) => containerProblem(agent, nowMs) ?? []);
    return down.length === 0 ? status : { ...status, problems: [...down, ...status.problems] };
  });
  nodes.sort((a, b) => (a.name < b.name ? -1 : 1));
  const count = (condition: (node: NodeStatus) => boolean) => nodes.filter(condition).length;
  return {
    summary: {
      nodes: nodes.length,
      held: count(({ held }) => held),
      draining: count(({ drain }) => drain?.state === 'Draining'),
      gaveUp: count(({ drain }) => drain?.state === 'GaveUp'),
      takenAway: count(isTakenAway),
      withProblem: count(({ problems }) => problems.length > 0),
      revisions: countRevisions(nodes),
      slots: leases && countSlots(leases, counted),
    },
    nodes,
  };
}

/** Nothing is held, nothing is the matter, and no slot is taken. */
export function isQuiet({ held, problems, slots }: NodeStatus): boolean {
  return !held && problems.length === 0 && (slots ?? []).length === 0;
}

function nodeStatus(node: ObservedNode, slots: readonly string[] | null): NodeStatus {
  const reading = readLedger(node);
  const ledger = reading.readable ? reading.ledger : null;
  const report = reportedBy(node);
  const problems = [...report.problems];
  if (!reading.readable) problems.push({ reason: 'UnreadableLedger', error: reading.problem });
  else if (ledger === null && node.annotations[DRAIN_STATE_ANNOTATION] === 'drainActive') {
    problems.push({ reason: 'DrainActiveWithoutLedger', error: null });
  }
  return {
    name: node.name,
    held: ledger !== null,
    since: ledger?.since ?? null,
    policies: Object.keys(ledger?.policies ?? {}).sort(),
    said: saidBy(ledger),
    cordon: cordonOwner(ledger),
    taints: marksOf(ledger, 'taint').map(({ mark, owner }) => ({ ...mark, owner })),
    marks: (ledger?.marks ?? []).map(({ effect, mark, owner }) => ({
      effect,
      what: markEffect(effect).describe(mark),
      owner,
    })),
    drain: ledger && drainStatus(ledger),
    slots,
    revision: report.revision,
    problems,
  };
}

function saidBy(ledger: Ledger | null): readonly SaidStatus[] {
  return Object.entries(ledger?.policies ?? {})
    .map(([policy, { since, mapped, words }]) => ({ policy, since, reason: mapped ?? null, words: words ?? null }))
    .sort((a, b) => (a.policy < b.policy ? -1 : 1));
}

/** The drains of a node that matter most come first. */
const URGENCY: readonly DrainMemory['state'][] = ['Draining', 'GaveUp', 'Drained', 'Stopped'];

/** How far the drain is; null without one. */
export function drainStatus(ledger: Ledger): DrainStatus | null {
  const drains = drainsOf(ledger).map(({ state, since }): DrainStatus => {
    const isStopped = state !== 'Drained' && !drainGoesOn(ledger, { state });
    return { since, state: isStopped ? 'Stopped' : state };
  });
  const order = ({ state, since }: DrainStatus) => `${URGENCY.indexOf(state)} ${since}`;
  return drains.sort((a, b) => (order(a) < order(b) ? -1 : 1))[0] ?? null;
}

function reportedBy({ annotations }: ObservedNode): { revision: string | null; problems: readonly NodeProblem[] } {
  const report = readPolicyReport(annotations);
  if (report === 'Absent') return { revision: null, problems: [{ reason: 'NoReport', error: null }] };
  if (report === 'Unreadable') return { revision: null, problems: [{ reason: 'UnreadableReport', error: null }] };
  const { revision, error, internalError } = report;
  const problems: NodeProblem[] = [];
  if (error !== undefined) problems.push({ reason: 'InvalidFiles', error });
  else if (revision === null) problems.push({ reason: 'NothingInForce', error: null });
  if (internalError !== undefined) problems.push({ reason: 'InternalError', error: internalError });
  const silent = Object.entries(report.unknown ?? {}).map(([policy, why]) => `policy ${policy}: ${why}`);
  if (report.unknownMore !== undefined) silent.push(`and ${report.unknownMore} more policies`);
  problems.push(...silent.map((line) => ({ reason: 'CheckUnknown' as const, error: line })));
  return { revision, problems };
}

function isTakenAway({ marks }: NodeStatus): boolean {
  return marks.some(({ owner }) => owner === 'TakenAway');
}

function countRevisions(nodes: readonly NodeStatus[]): StatusSummary['revisions'] {
  const groups = Map.groupBy(
    nodes.flatMap(({ revision }) => revision ?? []),
    (revision) => revision,
  );
  return [...groups]
    .map(([revision, { length }]) => ({ revision, nodes: length }))
    .sort((a, b) => b.nodes - a.nodes || (a.revision < b.revision ? -1 : 1));
}

function countSlots(leases: readonly SlotLease[], counted: ReadonlySet<SlotLease>): StatusSummary['slots'] {
  return [...Map.groupBy(leases, ({ budget }) => budget)]
    .map(([budget, list]) => ({
      budget,
      held: list.length,
      others: list.filter((lease) => !counted.has(lease)).length,
    }))
    .sort((a, b) => (a.budget < b.budget ? -1 : 1));
}
