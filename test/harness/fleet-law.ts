import { isDisrupting, readLedger } from '../../agent/core/ledger.ts';
import type { NodeDisruptionBudget } from '../../agent/core/policy.ts';
import { budgetSelects, limitOf, topologyOf } from '../../agent/core/slot.ts';
import { toNodeView } from '../../agent/kube/node-api.ts';
import type { ApiClient, KubeList } from './api-client.ts';
import type { WatchEvent } from './watch-stream.ts';

type Seen = { readonly labels: Readonly<Record<string, string>>; readonly ours: boolean; readonly cordoned: boolean };

/** One state of the cluster in which a node has just begun to be disrupted by us, or has just ceased to be. */
export type Moment = {
  readonly kind: 'Begun' | 'Ended';
  readonly node: string;
  /** When it was heard of, on performance.now(). */
  readonly atMs: number;
};

/** What every state that the Nodes went through says about the budgets. */
export interface FleetLaw {
  /** A sentence for each state in which more was disrupted than a budget allows. */
  readonly violations: readonly string[];
  readonly moments: readonly Moment[];
  /** The Nodes that we disrupted at any time. */
  readonly hadTurn: ReadonlySet<string>;
  /** By budget name and place: the most that were disrupted at once. */
  readonly peaks: ReadonlyMap<string, number>;
  /** Disrupted by us now. */
  ours(): readonly string[];
  /** A sentence for each state so far in which a node that we disrupt had no Lease. */
  withoutSlot(): string[];
  stop(): void;
}

/** How often what the watch brought is looked at, in milliseconds. */
const REPLAY_MS = 5;

/**
 * Follows all Nodes by one watch from their first state on, which brings every write in the order of their
 * resourceVersions, and counts after each of them: nodes that we disrupt, and nodes that anybody cordoned.
 */
export async function observeLaw(
  api: ApiClient,
  namespace: string,
  budgets: readonly NodeDisruptionBudget[],
): Promise<FleetLaw> {
  const nodes = new Map<string, Seen>();
  const violations: string[] = [];
  const moments: Moment[] = [];
  const hadTurn = new Set<string>();
  const peaks = new Map<string, number>();
  let version = 0n;

  function take({ type, object }: Pick<WatchEvent, 'type' | 'object'>): void {
    if (type === 'BOOKMARK') return;
    if (type === 'ERROR') {
      violations.push(`the watch of the nodes failed, so not all was seen: ${JSON.stringify(object)}`);
      return;
    }
    const { name, resourceVersion } = object.metadata;
    if (BigInt(resourceVersion) <= version) violations.push(`${resourceVersion} came after ${version}`);
    version = BigInt(resourceVersion);
    const before = nodes.get(name);
    if (type === 'DELETED') nodes.delete(name);
    else nodes.set(name, see(object));
    const now = nodes.get(name);
    if ((now?.ours ?? false) !== (before?.ours ?? false)) {
      moments.push({ kind: now?.ours ? 'Begun' : 'Ended', node: name, atMs: performance.now() });
      if (now?.ours) hadTurn.add(name);
    }
    count(name);
  }

  function count(name: string): void {
    const changed = nodes.get(name);
    if (changed === undefined || !(changed.ours || changed.cordoned)) return;
    for (const budget of budgets) {
      const place = topologyOf(budget, { name, labels: changed.labels });
      const counted = [...nodes].filter(
        ([other, { labels }]) =>
          budgetSelects(budget, { labels }) && topologyOf(budget, { name: other, labels }) === place,
      );
      if (!counted.some(([other]) => other === name)) continue;
      const disrupted = counted.filter(([, { ours, cordoned }]) => ours || cordoned);
      const key = `${budget.metadata.name} ${place ?? ''}`.trim();
      peaks.set(key, Math.max(peaks.get(key) ?? 0, disrupted.length));
      const limit = limitOf(budget.spec.maxUnavailable, counted.length);
      if (disrupted.length > limit) {
        const who = disrupted.map(([other, { ours }]) => (ours ? other : `${other} (cordoned by a person)`)).join(', ');
        violations.push(`at ${version}, with ${name}: ${disrupted.length} under ${key}, which allows ${limit}: ${who}`);
      }
    }
  }

  const list = await api.requestOk<KubeList>('GET', '/api/v1/nodes');
  for (const object of list.items ?? []) nodes.set(object.metadata.name, see(object));
  for (const name of nodes.keys()) count(name);
  version = BigInt(list.metadata.resourceVersion);
  const since = `resourceVersion=${list.metadata.resourceVersion}`;
  const watch = await api.watch(`/api/v1/nodes?${since}`);
  const leases = await api.watch(`/apis/coordination.k8s.io/v1/namespaces/${namespace}/leases?${since}`);
  let taken = 0;
  const replay = () => {
    for (const event of watch.events.slice(taken)) take(event);
    taken = watch.events.length;
    if (watch.hasEnded()) violations.push('the watch of the nodes ended before the test');
  };
  const timer = setInterval(replay, REPLAY_MS);
  return {
    violations,
    moments,
    hadTurn,
    peaks,
    ours: () => [...nodes].filter(([, { ours }]) => ours).map(([name]) => name),
    withoutSlot: () => findWithoutSlot([...watch.events, ...leases.events]),
    stop() {
      clearInterval(timer);
      replay();
      watch.close();
      leases.close();
    },
  };
}

/** Nodes and Leases share one order: that of the resourceVersions of one etcd. */
function findWithoutSlot(events: readonly WatchEvent[]): string[] {
  const versionOf = ({ object }: WatchEvent) => BigInt(object.metadata.resourceVersion);
  const ours = new Set<string>();
  const holders = new Map<string, string>();
  const found: string[] = [];
  const before = new Set<string>();
  for (const event of [...events].sort((a, b) => (versionOf(a) < versionOf(b) ? -1 : 1))) {
    const { type, object } = event;
    const { name } = object.metadata;
    if (object.kind === 'Node') {
      if (type !== 'DELETED' && see(object).ours) ours.add(name);
      else ours.delete(name);
    } else if (type === 'DELETED') holders.delete(name);
    else holders.set(name, String(object.spec?.holderIdentity));
    const holding = new Set(holders.values());
    for (const node of ours) {
      if (holding.has(node)) before.delete(node);
      else if (!before.has(node)) {
        before.add(node);
        found.push(`at ${object.metadata.resourceVersion}, ${type} of ${object.kind} ${name}: ${node} had no Lease`);
      }
    }
  }
  return found;
}

function see(object: unknown): Seen {
  const node = toNodeView(object, 'read a Node');
  const reading = readLedger(node);
  return {
    labels: node.labels,
    ours: reading.readable && isDisrupting(reading.ledger),
    cordoned: node.unschedulable,
  };
}
