import { backoffMs } from '../core/backoff.ts';
import type { NodeDisruptionBudget } from '../core/policy.ts';
import type { Clock, SlotApi } from '../core/ports.ts';
import { type SlotLease, type SlotNode, topologyOf } from '../core/slot.ts';

/** A Lease of ours that nobody here knows of, restored from a backup perhaps, takes a slot no longer than this. */
const LOOK_EVERY = { baseMs: 600_000, maxMs: 600_000 };

/** A Lease of ours, and what it is good for. */
export type Slot = {
  lease: SlotLease;
  granted: boolean;
  /** It was granted, or found after a restart: something that was done to the node may rest on it. */
  mayBeUsed: boolean;
  /** A deletion of it was sent, and may land at any time, so nothing new may rest on it. */
  doomed: boolean;
  /** On the clock: until then a deletion that an earlier life has sent may land. */
  readonly usableAtMs: number;
};

/** The Leases that this node holds, by budget: found, created and deleted, never updated. */
export type OwnSlots = {
  readonly byBudget: ReadonlyMap<string, Slot>;
  /** Whether the Leases of this Node were looked up. */
  isKnown(node: Pick<SlotNode, 'uid'>): boolean;
  /**
   * Finds what an earlier life of the agent left, or a creation whose answer was lost; looks only when there may be
   * something to find, and now and then for what nobody can know of, as long as there is a budget.
   *
   * @param budgets those that there are: a Lease of one that is gone is found by the first look
   * @returns whether an earlier life left something
   */
  lookUp(node: SlotNode, budgets: readonly NodeDisruptionBudget[]): Promise<boolean>;
  /** On the clock, when `lookUp` should be called again. */
  lookAgainAtMs(): number;
  /** @returns null when the Lease is ours now, else why it cannot be */
  create(budget: NodeDisruptionBudget, node: SlotNode): Promise<string | null>;
  /**
   * Whether the Lease is still what would be created. One that was edited so that others do not count it, or count it where
   * its node is no more, is deleted.
   */
  isAsCreated(budget: NodeDisruptionBudget, node: SlotNode): Promise<boolean>;
  /** Whether there is a Lease that says another place than where its node is by now. */
  isMisplaced(budget: NodeDisruptionBudget, node: SlotNode): boolean;
  /** Deletes the Lease. */
  remove(budget: string): Promise<void>;
  /** The Lease is gone already. */
  forget(budget: string): void;
  /** Nothing is known any more: they have to be looked up first. */
  forgetAll(): void;
};

/**
 * @param mayLandMs how long a creation whose answer was lost may still happen
 * @param earlierLifeMs how long what an earlier life has sent may still happen
 */
export function createOwnSlots(api: SlotApi, clock: Clock, mayLandMs: number, earlierLifeMs: number): OwnSlots {
  const byBudget = new Map<string, Slot>();
  let knownUid: string | null = null;
  /** A Lease that nobody knows of may come into being until then. */
  let mayAppearUntilMs = 0;
  let lookAgainAtMs = Number.POSITIVE_INFINITY;
  /** There was no budget at the last look: a Lease that turns up takes nobody's slot until there is one. */
  let rests = false;

  async function findOwn(node: SlotNode): Promise<SlotLease[]> {
    const own: SlotLease[] = [];
    for (const lease of await api.list()) {
      if (lease.holder !== node.name) continue;
      // Of an earlier Node of this name; the garbage collector would remove it, too.
      if (lease.ownerUid !== node.uid) await api.remove(lease);
      else own.push(lease);
    }
    return own;
  }

  async function findByName(node: SlotNode, budgets: readonly NodeDisruptionBudget[]): Promise<SlotLease[]> {
    const own: SlotLease[] = [];
    for (const { metadata } of budgets) {
      const lease = await api.read(api.nameOf(metadata.name, node.name));
      if (lease?.holder === node.name && lease.ownerUid === node.uid) own.push(lease);
    }
    return own;
  }

  return {
    byBudget,
    isKnown: ({ uid }) => knownUid === uid,
    lookAgainAtMs: () => lookAgainAtMs,
    async lookUp(node, budgets) {
      const isFirst = knownUid !== node.uid;
      if (rests && budgets.length > 0) lookAgainAtMs = clock.nowMs();
      if (!isFirst && clock.nowMs() < lookAgainAtMs) return false;
      // The last of these looks comes when nothing can appear any more.
      const mayAppear = isFirst || lookAgainAtMs <= mayAppearUntilMs;
      // Without any budget nobody knows the names, and the list of all Leases is short.
      const found = mayAppear || budgets.length === 0 ? await findOwn(node) : await findByName(node, budgets);
      const now = clock.nowMs();
      if (isFirst) {
        byBudget.clear();
        mayAppearUntilMs = budgets.length === 0 ? 0 : now + earlierLifeMs;
      }
      for (const lease of found) {
        if (byBudget.get(lease.budget)?.lease.uid === lease.uid) continue;
        byBudget.set(lease.budget, newSlot(lease, { mayBeUsed: true, usableAtMs: isFirst ? now + earlierLifeMs : 0 }));
      }
      rests = budgets.length === 0 && now >= mayAppearUntilMs;
      if (rests) lookAgainAtMs = Number.POSITIVE_INFINITY;
      else lookAgainAtMs = now < mayAppearUntilMs ? mayAppearUntilMs : now + backoffMs(0, LOOK_EVERY, clock.random());
      knownUid = node.uid;
      return isFirst && found.length > 0;
    },
    async create(budget, node) {
      const { name } = budget.metadata;
      try {
        byBudget.set(name, newSlot(await api.create(budget, node), { mayBeUsed: false }));
        return null;
      } catch (error) {
        if (!api.isConflict(error)) {
          // It may be there, or come to be, although nobody needs it any more by then.
          lookAgainAtMs = clock.nowMs();
          mayAppearUntilMs = lookAgainAtMs + mayLandMs;
          throw error;
        }
      }
      const found = await api.read(api.nameOf(name, node.name));
      if (found === null) return 'its Lease was deleted meanwhile';
      if (found.holder !== node.name || found.budget !== name) return describeForeign(found, name, node.name);
      if (found.ownerUid !== node.uid) {
        await api.remove(found);
        return 'its Lease was of an earlier Node of that name';
      }
      // Ours, by a call whose answer was lost.
      byBudget.set(name, newSlot(found, { mayBeUsed: true }));
      return null;
    },
    async isAsCreated(budget, node) {
      const lease = byBudget.get(budget.metadata.name)?.lease;
      const found = lease && (await api.read(lease.name));
      if (!lease || !found || found.uid !== lease.uid) return false;
      const isCounted = found.budget === lease.budget && found.holder === lease.holder;
      if (isCounted && found.topology === topologyOf(budget, node)) return true;
      await api.remove(lease);
      return false;
    },
    isMisplaced(budget, node) {
      const lease = byBudget.get(budget.metadata.name)?.lease;
      return lease !== undefined && lease.topology !== topologyOf(budget, node);
    },
    async remove(budget) {
      const slot = byBudget.get(budget);
      if (slot === undefined) return;
      // Not granted from here on, whether the call succeeds or has to be made again.
      slot.granted = false;
      slot.doomed = true;
      await api.remove(slot.lease);
      byBudget.delete(budget);
    },
    forget: (budget) => void byBudget.delete(budget),
    forgetAll() {
      byBudget.clear();
      knownUid = null;
    },
  };
}

function newSlot(lease: SlotLease, { mayBeUsed = false, usableAtMs = 0 }): Slot {
  return { lease, granted: false, mayBeUsed, doomed: false, usableAtMs };
}

function describeForeign({ name, holder, budget }: SlotLease, wantedBudget: string, node: string): string {
  const found = `${JSON.stringify(holder)} under ${JSON.stringify(budget)}`;
  return `the Lease ${name} must be held by ${node} under budget ${wantedBudget}, found ${found}; delete it if nobody needs it`;
}
