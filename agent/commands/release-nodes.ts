import type { NodeView } from '../core/node.ts';
import { forgetNode, type Release, releaseNode } from '../core/release.ts';
import type { SlotLease } from '../core/slot.ts';
import { hasStatus } from '../kube/kube-error.ts';
import { createNodeApi } from '../kube/node-api.ts';
import { createSlotApi } from '../kube/slot-api.ts';
import type { Cluster } from './cluster-options.ts';
import { inParallel } from './in-parallel.ts';
import type { NodeOutcome } from './release-text.ts';

const MAX_NODES_IN_FLIGHT = 10;
/** A 409 means that somebody else wrote first: an agent, a kubelet. So many in a row are no coincidence. */
const MAX_ATTEMPTS = 5;

/** How the nodes are released. */
export type ReleaseWay = Cluster & {
  /** Leave nothing of ours, not even what says that we were there. */
  readonly forget: boolean;
};

/** What is to be done to one node. */
export type Plan = {
  readonly node: string;
  readonly release: Exclude<Release, { kind: 'Unreadable' }>;
  readonly leases: readonly SlotLease[];
};

export function hasWork({ release, leases }: Plan): boolean {
  return release.kind === 'Release' || leases.length > 0;
}

/**
 * Reads the nodes; those that cannot be released have ended with that.
 *
 * @param leases of all nodes
 */
export async function planNodes(
  way: ReleaseWay,
  names: readonly string[],
  leases: readonly SlotLease[],
  end: (outcome: NodeOutcome) => void,
): Promise<Plan[]> {
  const plans: Plan[] = [];
  await inParallel(names, MAX_NODES_IN_FLIGHT, async (name) => {
    try {
      plans.push(way.forget ? await planToForget(way, name, leases) : await planToRelease(way, name, leases));
    } catch (error) {
      end({ node: name, result: 'Failed', steps: [], slots: [], error: messageOf(error) });
    }
  });
  return plans.sort(byNode);
}

/** Carries the plans out. */
export async function releaseNodes(
  way: ReleaseWay,
  plans: readonly Plan[],
  end: (outcome: NodeOutcome) => void,
): Promise<void> {
  await inParallel(plans, MAX_NODES_IN_FLIGHT, async (plan) => end(await carryOut(way, plan)));
}

/** As if all of the plan were done. */
export function outcomeOf({ node, release, leases }: Plan): NodeOutcome {
  const isNothing = release.kind !== 'Release' && leases.length === 0;
  return {
    node,
    result: isNothing ? release.kind : 'Released',
    steps: release.kind === 'Release' ? release.steps : [],
    slots: leases.map(({ budget }) => budget),
    error: null,
  };
}

/** For sorting. */
export function byNode(a: { readonly node: string }, b: { readonly node: string }): number {
  return a.node < b.node ? -1 : 1;
}

async function planToRelease(way: ReleaseWay, name: string, leases: readonly SlotLease[]): Promise<Plan> {
  const node = await createNodeApi(way.transport, name).read();
  const release = readable(decide(way, node));
  const own = leases.filter(({ ownerUid }) => ownerUid === node.uid);
  // A slot without an effect is an agent's that is about to act, so it is not ours to take.
  return { node: name, release, leases: release.kind === 'NotHeld' ? [] : own };
}

async function planToForget(way: ReleaseWay, name: string, leases: readonly SlotLease[]): Promise<Plan> {
  const own = leases.filter(({ holder }) => holder === name);
  const api = createNodeApi(way.transport, name);
  try {
    const node = await api.read();
    return { node: name, release: readable(decide(way, node)), leases: own };
  } catch (error) {
    if (!api.isGone(error) || own.length === 0) throw error;
    // Of the Node only its slots are left.
    return { node: name, release: { kind: 'NothingOurs' }, leases: own };
  }
}

/** Writes to one node, and gives its slots back when that has landed. */
async function carryOut(way: ReleaseWay, { node, release, leases }: Plan): Promise<NodeOutcome> {
  const slotApi = createSlotApi(way.transport, way.namespace);
  let outcome: NodeOutcome | null = null;
  try {
    const written = await writeRelease(way, node, release);
    outcome = outcomeOf({ node, release: written, leases: [] });
    // The agent has ended the episode meanwhile; slots are its own affair again.
    if (written.kind === 'NotHeld') return outcome;
    for (const lease of leases) {
      await slotApi.remove(lease);
      outcome = { ...outcome, result: 'Released', slots: [...outcome.slots, lease.budget] };
    }
    return outcome;
  } catch (error) {
    return { ...(outcome ?? { node, steps: [], slots: [] }), result: 'Failed', error: messageOf(error) };
  }
}

/** @returns what was done in the end: after a conflict, that of the Node as it is then */
async function writeRelease(way: ReleaseWay, name: string, planned: Plan['release']): Promise<Plan['release']> {
  const api = createNodeApi(way.transport, name);
  let release = planned;
  for (let attempt = 1; ; attempt++) {
    if (release.kind !== 'Release') return release;
    try {
      const { conditions, patch } = release;
      const { resourceVersion } = conditions === null ? patch : await api.patchConditions(conditions);
      await api.patch({ ...patch, resourceVersion });
      return release;
    } catch (error) {
      if (!hasStatus(error, 409) || attempt === MAX_ATTEMPTS) throw error;
      release = readable(decide(way, await api.read()));
    }
  }
}

function decide({ forget }: ReleaseWay, node: NodeView): Release {
  return forget ? forgetNode(node) : releaseNode(node);
}

/** @throws Error when nobody can tell what is ours */
function readable(release: Release): Plan['release'] {
  if (release.kind === 'Unreadable') throw new Error(`${release.problem}; nothing was touched`);
  return release;
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
