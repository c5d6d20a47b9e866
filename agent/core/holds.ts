import { type Hold, holdOf, isDisrupting, type Ledger } from './ledger.ts';
import type { Taint } from './policy.ts';
import type { Roster, WatchedPolicy } from './roster.ts';
import type { SlotState } from './slot.ts';
import { sameTaint, type Toleration, toleratesForGood } from './taint.ts';

/** Why a failing policy's effects are not, or not all, on the node. */
export type Withheld = {
  readonly policy: string;
  readonly why:
    | 'Observe'
    | 'Paused'
    | 'BelowThreshold'
    | 'KubeletNotReady'
    | 'BudgetDenied'
    | 'SlotPending'
    | 'WouldEvictAgent';
  /** What it would do. */
  readonly wanted: Hold;
};

export type Holds = {
  /** By policy name: what each may hold on the node now. */
  readonly policies: Readonly<Record<string, Hold>>;
  readonly withheld: readonly Withheld[];
};

/** What may be added to the node, beyond what the ledger says is held already. */
export type Permission = {
  /** The kubelet of an unready node is already being handled by the control plane. */
  readonly nodeReady: boolean;
  /** Of every cluster budget that selects the node. */
  readonly slot: SlotState;
  /** Of the agent's own pod, which no NoExecute taint of ours may evict; null when it runs in none. */
  readonly ownTolerations: readonly Toleration[] | null;
};

/** Says what each policy should hold on the node: the union of these is what should be there. */
export function holdsOf(roster: Roster, ledger: Ledger | null, permission: Permission, now: string): Holds {
  const policies: Record<string, Hold> = {};
  const withheld: Withheld[] = [];
  // A disrupted node has its slots, or takes them, so one effect more need not wait for an answer. A budget that says no
  // all the same is one of nothing.
  const slot = permission.slot === 'Pending' && isDisrupting(ledger) ? 'Granted' : permission.slot;
  for (const [name, watched] of roster) {
    const held = holdOf(ledger, name);
    const wanted = wantedHold(watched, held, now);
    const { hold, why } = allowedHold(watched, held, wanted, { ...permission, slot });
    if (hold !== null) policies[name] = hold;
    if (why !== null && wanted !== null) withheld.push({ policy: name, why, wanted });
  }
  return { policies, withheld };
}

function wantedHold({ policy, health }: WatchedPolicy, held: Hold | null, now: string): Hold | null {
  const { cordon, taint, drain } = policy.spec.actions;
  if (!health.failing) return null;
  return holdUnlessEmpty({
    since: held?.since ?? now,
    // A drain cordons first, as kubectl's does.
    cordon: cordon || drain !== undefined,
    taint: taint === undefined ? null : { key: taint.key, value: taint.value, effect: taint.effect },
    drain: drain !== undefined,
  });
}

type Allowed = { readonly hold: Hold | null; readonly why: Withheld['why'] | null };

function allowedHold(
  { policy, health }: WatchedPolicy,
  held: Hold | null,
  wanted: Hold | null,
  permission: Permission,
): Allowed {
  if (policy.spec.paused) return { hold: held, why: 'Paused' };
  if (policy.spec.mode === 'Observe') return { hold: null, why: 'Observe' };
  if (wanted === null) return { hold: null, why: null };
  const kept = keptHold(held, wanted);
  if (kept !== null && addsNothing(kept, wanted)) return { hold: kept, why: null };
  if (health.remembered) return { hold: rememberedHold(held, wanted), why: 'BelowThreshold' };
  if (!permission.nodeReady) return { hold: kept, why: 'KubeletNotReady' };
  if (permission.slot !== 'Granted') {
    return { hold: kept, why: permission.slot === 'Denied' ? 'BudgetDenied' : 'SlotPending' };
  }
  if (wanted.taint !== null && evictsAgent(wanted.taint, permission)) {
    return { hold: holdUnlessEmpty({ ...wanted, taint: kept?.taint ?? null }), why: 'WouldEvictAgent' };
  }
  return { hold: wanted, why: null };
}

/** What is both held and still wanted: all that may stay where nothing may be added. */
function keptHold(held: Hold | null, wanted: Hold): Hold | null {
  if (held === null) return null;
  return holdUnlessEmpty({
    since: held.since,
    cordon: held.cordon && wanted.cordon,
    taint: held.taint && wanted.taint && sameTaint(held.taint, wanted.taint) ? held.taint : null,
    drain: held.drain && wanted.drain,
  });
}

/** What is held, as far as anything of its kind is still wanted; a changed taint waits with what else is new. */
function rememberedHold(held: Hold | null, wanted: Hold): Hold | null {
  if (held === null) return null;
  const { since, cordon, taint, drain } = held;
  return holdUnlessEmpty({
    since,
    cordon: cordon && wanted.cordon,
    taint: wanted.taint && taint,
    drain: drain && wanted.drain,
  });
}

function addsNothing(kept: Hold, wanted: Hold): boolean {
  return (
    kept.cordon === wanted.cordon &&
    kept.drain === wanted.drain &&
    (wanted.taint === null || kept.taint?.value === wanted.taint.value)
  );
}

function evictsAgent(taint: Taint, { ownTolerations }: Permission): boolean {
  return taint.effect === 'NoExecute' && ownTolerations !== null && !toleratesForGood(ownTolerations, taint);
}

function holdUnlessEmpty(hold: Hold): Hold | null {
  return hold.cordon || hold.taint !== null || hold.drain ? hold : null;
}
