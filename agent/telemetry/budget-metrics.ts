import { Counter, Gauge, type Registry } from 'prom-client';

export type BudgetMetrics = ReturnType<typeof createBudgetMetrics>;

/** Which budgets let this node be disrupted. The series of a budget come and go with it. */
export function createBudgetMetrics(registry: Registry) {
  const registers = [registry];
  const slotsHeld = new Gauge({
    name: 'nsc_budget_slots_held',
    help: '1 for each budget of which this node holds a slot; absent otherwise.',
    labelNames: ['budget'],
    registers,
  });
  const denied = new Gauge({
    name: 'nsc_budget_denied',
    help: '1 for the budget that denies this node a slot; absent otherwise.',
    labelNames: ['budget'],
    registers,
  });
  const denials = new Counter({
    name: 'nsc_budget_denials_total',
    help: 'Times that a budget began to deny this node a slot.',
    labelNames: ['budget'],
    registers,
  });
  const inForce = new Set<string>();

  return {
    /** Takes the names of the budgets in force. */
    inForce(names: readonly string[]): void {
      for (const budget of inForce) if (!names.includes(budget)) denials.remove({ budget });
      for (const budget of inForce) if (!names.includes(budget)) denied.remove({ budget });
      inForce.clear();
      for (const budget of names) {
        inForce.add(budget);
        denials.inc({ budget }, 0);
      }
    },

    /** Takes the budgets of which a slot is held, and the one that denies one. */
    show(held: readonly string[], denying: string | null): void {
      slotsHeld.reset();
      for (const budget of held) slotsHeld.set({ budget }, 1);
      denied.reset();
      if (denying !== null && inForce.has(denying)) denied.set({ budget: denying }, 1);
    },

    /** The budget begins to deny a slot. */
    beganToDeny(budget: string): void {
      if (inForce.has(budget)) denials.inc({ budget });
    },
  };
}
