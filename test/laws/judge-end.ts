import type { NodeDisruptionBudget } from '../../agent/core/policy.ts';
import type { SimulatedCluster } from '../../simulator/simulated-cluster.ts';
import type { Books } from './books.ts';
import {
  applies,
  DRAIN_STATE,
  keyOf,
  LEDGER,
  type Mark,
  memoryOf,
  REPORT,
  type Seen,
  selects,
  wantedMarks,
} from './seen.ts';

/** What of a node is not as it has to be when every check is healthy; null: nothing. */
export function unlikeRecovered(books: Books, cluster: SimulatedCluster, name: string): string | null {
  const node = books.latest(name);
  if (books.acting(name) === undefined) return 'no agent is alive';
  const memory = node.annotations[LEDGER];
  if (memory !== undefined) return `there is a ledger: ${memory}`;
  const lease = cluster.list('Lease', 'nsc').find(({ spec }) => spec?.holderIdentity === name);
  // Where there is no budget one that lands late takes nobody's slot, and is found when there is a budget again.
  if (lease && (books.acting(name)?.set?.budgets.length ?? 0) > 0) return `there is a Lease ${lease.metadata.name}`;
  if (node.annotations[DRAIN_STATE] === 'drainActive') return 'the drain is said to be active';
  return unreported(books, node) ?? unlikePeoples(books, node, []) ?? unlikeCondition(books, node, 'True');
}

/** The same when every check fails. */
export function unlikeFailed(books: Books, cluster: SimulatedCluster, name: string): string | null {
  const node = books.latest(name);
  const acting = books.acting(name);
  if (acting?.set == null) return 'no agent has a policy';
  const wanted = acting.set.policies.filter((policy) => applies(policy, node));
  const holding = wanted.filter((policy) => wantedMarks(policy).length > 0);
  for (const policy of holding) {
    if (memoryOf(node)?.policies[policy.metadata.name] === undefined)
      return `policy ${policy.metadata.name} holds nothing`;
  }
  // A person's uncordon ends every drain of the episode, also where somebody cordons the node again.
  const isStopped = memoryOf(node)?.marks.some(({ effect, owner }) => effect === 'cordon' && owner === 'TakenAway');
  const undrained = holding.find(({ spec, metadata }) => {
    const drain = memoryOf(node)?.policies[metadata.name]?.drain;
    return spec.actions.drain && drain?.state !== 'Drained' && drain?.state !== 'Stopped' && !isStopped;
  });
  if (undrained) return `policy ${undrained.metadata.name} has not drained`;
  const marks = holding.flatMap((policy) => {
    const state = memoryOf(node)?.policies[policy.metadata.name]?.drain?.state;
    // One that came before a person's uncordon stays; after it none comes.
    const waits = (mark: Mark) => state !== 'Drained' || (isStopped && !mark.isKnownIn(node));
    const isLeftOut = (mark: Mark) =>
      mark.taint?.effect === 'NoExecute' && policy.spec.actions.drain !== undefined && waits(mark);
    return wantedMarks(policy).filter((mark) => !isLeftOut(mark));
  });
  const lacking = leaseProblem(cluster, acting.set.budgets, node, marks.length > 0);
  return (
    lacking ?? unreported(books, node) ?? unlikePeoples(books, node, marks) ?? unlikeCondition(books, node, 'False')
  );
}

/** Every condition that is asked for, and none else but the kubelet's. */
function unlikeCondition(books: Books, node: Seen, status: 'True' | 'False'): string | null {
  const policies = books.acting(node.name)?.set?.policies.filter((policy) => applies(policy, node)) ?? [];
  const wanted = policies.flatMap(({ spec }) => spec.nodeCondition ?? []).map((type) => `${type} ${status}`);
  const found = node.conditions.flatMap((each) => (each.type === 'Ready' ? [] : `${each.type} ${each.status}`));
  return wanted.sort().join() === found.sort().join() ? null : `its conditions are ${found}, not ${wanted}`;
}

function unreported(books: Books, node: Seen): string | null {
  const set = books.acting(node.name)?.set;
  const report = node.annotations[REPORT];
  return report === JSON.stringify({ revision: set?.revision })
    ? null
    : `revision ${set?.revision} is in force, and it says ${report}`;
}

/** @param ours on top of what is people's; the first of several values of a taint counts */
function unlikePeoples(books: Books, node: Seen, ours: readonly Mark[]): string | null {
  const people = books.people.get(node.name);
  if (people === undefined) return 'there is no Node';
  const isOurs = (key: string) => ours.some((mark) => mark.key === key) && !people.takenAway.has(key);
  const isCordoned = people.isCordoned || isOurs('cordon');
  if (node.isCordoned !== isCordoned) return `it is ${node.isCordoned ? '' : 'not '}cordoned`;
  const taints = new Map(people.taints);
  for (const { taint, key } of ours) if (taint && !taints.has(key) && isOurs(key)) taints.set(key, taint);
  const found = new Map(node.taints.map((taint) => [keyOf(taint), taint]));
  const keys = (map: ReadonlyMap<string, unknown>) => [...map.keys()].sort().join();
  if (keys(found) !== keys(taints)) return `its taints are ${keys(found)}, not ${keys(taints)}`;
  for (const [key, taint] of people.taints) {
    if (JSON.stringify(found.get(key)) !== JSON.stringify(taint)) return `the taint ${key} is not as a person made it`;
  }
  return null;
}

function leaseProblem(
  cluster: SimulatedCluster,
  budgets: readonly NodeDisruptionBudget[],
  node: Seen,
  isDisrupted: boolean,
): string | null {
  if (!isDisrupted) return null;
  const held = cluster.list('Lease', 'nsc').filter(({ spec }) => spec?.holderIdentity === node.name);
  const isOurs = memoryOf(node)?.marks.some(({ owner }) => owner === 'Ours');
  const lacking = budgets
    .filter(({ spec }) => selects(spec.nodeSelector, node))
    .find(
      ({ metadata }) => !held.some((lease) => lease.metadata.labels?.['node-svc-checker/budget'] === metadata.name),
    );
  return lacking && isOurs ? `there is no Lease of budget ${lacking.metadata.name}` : null;
}
