import type { NodeDisruptionBudget } from '../core/policy.ts';
import type { LabelledNode, SlotDenial, SlotLease, SlotNode } from '../core/slot.ts';

/** What slots need of the API server. Every list is a consistent read. */
export type SlotApi = {
  /** The Leases of one budget; of all budgets without a name. */
  list(budget?: string): Promise<readonly SlotLease[]>;
  /** null when there is none of that name. */
  read(name: string): Promise<SlotLease | null>;
  create(budget: NodeDisruptionBudget, holder: SlotNode): Promise<SlotLease>;
  nameOf(budget: string, node: string): string;
  /** Deletes exactly this Lease; one that is gone is fine. */
  remove(lease: SlotLease): Promise<void>;
  listCordoned(): Promise<readonly LabelledNode[]>;
  listSelected(budget: NodeDisruptionBudget): Promise<readonly LabelledNode[]>;
  /** Tells the Leases of a budget, at the beginning and after each change, until the signal. */
  watch(budget: string, onLeases: (leases: readonly SlotLease[]) => void, signal: AbortSignal): Promise<void>;
  /** Whether `create` found a Lease of that name. */
  isConflict(error: unknown): boolean;
};

export type SlotListener = {
  /** Whether a node may be disrupted may have another answer now. */
  onChange(): void;
  /** A budget said no; once for each time that it begins to. */
  onDenied(budget: string, denial: SlotDenial): void;
  /** The budgets of which a slot is held, and the one that denies one. */
  onHeld(held: readonly string[], denying: string | null): void;
  onProblem(error: unknown): void;
};
