import type { NodeDisruptionBudget } from '../core/policy.ts';
import type { Clock, SlotApi } from '../core/ports.ts';
import { type BudgetView, isPercentage, type LabelledNode } from '../core/slot.ts';

/**
 * Reads the cluster as a budget sees it.
 *
 * @param countAgeMs how old the list of selected nodes may be; it is long, and changes seldom
 */
export type ReadBudget = (budget: NodeDisruptionBudget, countAgeMs: number) => Promise<BudgetView>;

export function createBudgetReader(api: SlotApi, clock: Clock): ReadBudget {
  const counted = new Map<string, { nodes: readonly LabelledNode[]; atMs: number; selector: string }>();

  async function listSelected(budget: NodeDisruptionBudget, maxAgeMs: number): Promise<readonly LabelledNode[]> {
    const { name } = budget.metadata;
    const selector = JSON.stringify(budget.spec.nodeSelector ?? {});
    const known = counted.get(name);
    if (known !== undefined && known.selector === selector && clock.nowMs() - known.atMs < maxAgeMs) return known.nodes;
    const nodes = await api.listSelected(budget);
    counted.set(name, { nodes, atMs: clock.nowMs(), selector });
    return nodes;
  }

  return async (budget, countAgeMs) => {
    // The Leases first: a node that is cordoned in between is seen by its cordon.
    const leases = await api.list(budget.metadata.name);
    const cordoned = await api.listCordoned();
    const selected = isPercentage(budget) ? await listSelected(budget, countAgeMs) : null;
    return { leases, cordoned, selected };
  };
}
