import type { Claim } from '../claim.ts';
import type { EndOrder } from '../fatal.ts';
import type { NodePatch, StringChanges } from '../node.ts';
import type { ConditionStep } from '../node-conditions.ts';
import type { NodeCheckPolicy, NodeDisruptionBudget } from '../policy.ts';
import type { SlotNode } from '../slot.ts';
import type { NodeTransition } from '../transition.ts';
import type { DrainOrder } from './drain-order.ts';

/** What the node needs slots for. */
export type SlotNeed =
  /** It is disrupted, so its slots stay, and those that are missing are taken without asking. */
  | 'Keep'
  /** It should be disrupted as soon as every budget has granted. */
  | 'Want'
  | 'None'
  /** Another agent of this namespace decides about them, or nobody can; what another install disrupts keeps ours, too. */
  | 'Leave';

export type SlotsOrder = {
  readonly need: SlotNeed;
  readonly node: SlotNode;
  readonly budgets: readonly NodeDisruptionBudget[];
};

/** A write that brings the node to what the policies want. The Node is read afresh before it is made. */
export type EffectsOrder = {
  readonly patch: NodePatch;
  /** Two orders with the same key want the same, whenever they were given. */
  readonly key: string;
  /** What it would do, should it land. */
  readonly transitions: readonly NodeTransition[];
};

/** Annotations to set on the Node with this UID. */
export type ReportOrder = {
  readonly uid: string;
  /** Refused unless the Node still is at this version; null: whatever it is. */
  readonly resourceVersion: string | null;
  readonly annotations: StringChanges;
  readonly key: string;
};

export type ConditionsOrder = { readonly step: ConditionStep; readonly key: string };

/**
 * Everything that should be under way now, whole each time: what is not in it any more has to stop. The actors compare it
 * with what they do.
 */
export type Orders = {
  readonly effects: EffectsOrder | null;
  readonly report: ReportOrder | null;
  readonly conditions: ConditionsOrder | null;
  readonly drains: readonly DrainOrder[];
  /** Why a drain that has begun rests; null: there is none, or its policy recovered. */
  readonly drainsRest: string | null;
  /** null: as before. */
  readonly slots: SlotsOrder | null;
  /** Policies whose checks should run. */
  readonly checks: readonly NodeCheckPolicy[];
  /** Read the Node again: the watch may have missed something. */
  readonly readNode: boolean;
  readonly readTolerations: boolean;
  /** Look whether this other agent of the node is there still. */
  readonly lookFor: Claim | null;
  /** End the process: a check demands it; null: none does, or something has to be said first. */
  readonly end: EndOrder | null;
};
