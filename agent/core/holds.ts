import { type DrainEnds, withDrainEnd } from './effects/drain.ts';
import { MARK_EFFECTS } from './effects/list.ts';
import { isEqualMark, isSameMark, type Mark, type MarkEffect } from './effects/mark.ts';
import type { Closed, GateView } from './gates/gate.ts';
import { GATES } from './gates/list.ts';
import { cordonOwner, type DrainMemory, type Hold, holdOf, holdUnlessEmpty, marksOf } from './ledger.ts';
import { drainRules, widensDrain } from './orders/drain-rules.ts';
import type { Drain } from './policy.ts';
import type { Roster, WatchedPolicy } from './roster.ts';
import { timestamp } from './timestamp.ts';

/** Why a failing policy's effects are not, or not all, on the node. */
export type Withheld = {
  readonly policy: string;
  readonly why: 'Observe' | 'Paused' | 'BelowThreshold' | Closed['why'];
  /** In words, where `why` does not say it all; else null. */
  readonly because: string | null;
  /** What it would do. */
  readonly wanted: Hold;
};

export type Holds = {
  /** By policy name: what each may hold on the node now. */
  readonly policies: Readonly<Record<string, Hold>>;
  /** Names of the policies that may add nothing to what they hold: they are paused. */
  readonly frozen: ReadonlySet<string>;
  readonly withheld: readonly Withheld[];
};

/**
 * Says what each policy should hold on the node: the union of these is what should be there.
 *
 * @param ends how drains ended; a policy that is paused learns of it later
 * @param now RFC 3339
 */
export function holdsOf(roster: Roster, view: GateView, ends: DrainEnds, now: string): Holds {
  const policies: Record<string, Hold> = {};
  const withheld: Withheld[] = [];
  const frozen = new Set<string>();
  for (const [name, watched] of roster) {
    const before = holdOf(view.ledger, name);
    const held = before && !watched.policy.spec.paused ? withDrainEnd(before, name, ends) : before;
    const wanted = wantedHold(watched, held, view, now);
    const { hold, why, because = null } = allowedHold(watched, held && heldStill(held, before, view), wanted, view);
    if (watched.policy.spec.paused) frozen.add(name);
    if (hold !== null) policies[name] = hold;
    if (why !== null && wanted !== null) withheld.push({ policy: name, why, because, wanted });
  }
  return { policies, frozen, withheld };
}

/**
 * But for a mark that waited for the drain and could not come at its end, since the kubelet was not ready: when it can, it is
 * as new as any other, and asks for what everything new asks for.
 *
 * @param before as the ledger says it, where the drain may go on still
 */
function heldStill(held: Hold, before: Hold | null, view: GateView): Hold | null {
  const { node, ledger } = view;
  if (held.drain?.state !== 'Drained' || (before?.drain?.state !== 'Drained' && node.ready)) return held;
  if (!node.unschedulable || cordonOwner(ledger) === 'TakenAway') return held;
  const stays = (effect: MarkEffect, mark: Mark) => !effect.waitsForDrain(mark) || isThere(effect, mark, view);
  return holdUnlessEmpty({ ...held, marks: marksWhere(held.marks, stays) });
}

function isThere(effect: MarkEffect, mark: Mark, { node, ledger }: GateView): boolean {
  const remembered = marksOf(ledger, effect.name).map((each) => each.mark);
  return [...remembered, ...effect.found(node)].some((each) => isSameMark(effect, each, mark));
}

/** What a policy would do, as a list: `cordon, taint sick=true:NoSchedule, drain`. */
export function describeHold({ marks, drain }: Hold): string {
  const described = MARK_EFFECTS.flatMap((effect) => {
    const mark = marks[effect.name];
    return mark === undefined ? [] : [effect.describe(mark)];
  });
  return [...described, ...(drain === null ? [] : ['drain'])].join(', ');
}

function wantedHold(watched: WatchedPolicy, held: Hold | null, view: GateView, now: string): Hold | null {
  const { policy, health } = watched;
  if (!health.failing) return null;
  const { actions } = policy.spec;
  // A person has taken the cordon of this episode away, with every drain of it, and with what would come after them.
  const isTakenAway = cordonOwner(view.ledger) === 'TakenAway';
  const comes = (effect: MarkEffect, mark: Mark) =>
    !(isTakenAway && actions.drain !== undefined && effect.waitsForDrain(mark)) ||
    held?.marks[effect.name] !== undefined ||
    isThere(effect, mark, view);
  const marks = MARK_EFFECTS.map((effect) => [effect.name, effect.wanted(actions)] as const);
  const entries = marks.filter((entry): entry is [string, Mark] => entry[1] !== null);
  return holdUnlessEmpty({
    ...(held ?? { since: now, ...saidAtFirst(watched) }),
    marks: marksWhere(Object.fromEntries(entries), comes),
    drain: actions.drain === undefined ? null : wantedDrain(actions.drain, held?.drain ?? null, isTakenAway, now),
  });
}

function saidAtFirst({ said }: WatchedPolicy): Pick<Hold, 'mapped' | 'words'> {
  if (said === undefined) return {};
  return { ...(said.mapped !== null && { mapped: said.mapped }), ...(said.words !== '' && { words: said.words }) };
}

/**
 * The drain that is remembered, unless the policy by now takes pods that it did not take then. One that a person has stopped
 * stays so.
 */
function wantedDrain(rules: Drain, held: DrainMemory | null, isTakenAway: boolean, now: string): DrainMemory {
  // A drain is known by when it began, so a second one has to begin at another time.
  const since = held?.since === now ? timestamp(Date.parse(now) + 1_000) : now;
  const state = isTakenAway ? 'Stopped' : 'Draining';
  const anew: DrainMemory = { state, since, rules: drainRules(rules) };
  const isAnew = held === null || (held.state !== 'Stopped' && isWider(held, anew));
  return isAnew ? anew : { ...held, rules: anew.rules };
}

function isWider(before: DrainMemory, after: DrainMemory): boolean {
  return before.rules !== null && after.rules !== null && widensDrain(before.rules, after.rules);
}

type Allowed = {
  readonly hold: Hold | null;
  readonly why: Withheld['why'] | null;
  readonly because?: string | null;
};

function allowedHold(
  { policy, health }: WatchedPolicy,
  held: Hold | null,
  wanted: Hold | null,
  view: GateView,
): Allowed {
  if (policy.spec.paused) return { hold: held, why: 'Paused' };
  if (policy.spec.mode === 'Observe') return { hold: null, why: 'Observe' };
  if (wanted === null) return { hold: null, why: null };
  const kept = keptHold(held, wanted);
  if (kept !== null && addsNothing(kept, wanted)) return { hold: wanted, why: null };
  if (health.remembered) return { hold: rememberedHold(held, wanted), why: 'BelowThreshold' };
  return passGates(wanted, kept, view);
}

/** What one gate lets pass has to pass the next. Where nothing new is left, no other gate is asked for nothing. */
function passGates(wanted: Hold, kept: Hold | null, view: GateView): Allowed {
  let allowed: Allowed & { readonly hold: Hold } = { hold: wanted, why: null };
  for (const gate of GATES) {
    const closed = gate(allowed.hold, kept, view);
    if (closed === null) continue;
    const { hold } = closed;
    if (hold === null || (kept !== null && addsNothing(kept, hold))) return closed;
    allowed = { ...closed, hold };
  }
  return allowed;
}

/** What is both held and still wanted: all that may stay where nothing may be added. */
function keptHold(held: Hold | null, wanted: Hold): Hold | null {
  return (
    held && holdUnlessEmpty({ ...held, marks: stayingMarks(held, wanted, true), drain: stayingDrain(held, wanted) })
  );
}

/** What is held, as far as anything of its kind is still wanted; a changed mark waits with what else is new. */
function rememberedHold(held: Hold | null, wanted: Hold): Hold | null {
  return (
    held && holdUnlessEmpty({ ...held, marks: stayingMarks(held, wanted, false), drain: stayingDrain(held, wanted) })
  );
}

function stayingMarks(held: Hold, wanted: Hold, isSame: boolean): Hold['marks'] {
  return marksWhere(held.marks, (effect, mark) => {
    const after = wanted.marks[effect.name];
    return after !== undefined && (!isSame || isSameMark(effect, mark, after));
  });
}

function marksWhere(marks: Hold['marks'], stays: (effect: MarkEffect, mark: Mark) => boolean): Hold['marks'] {
  const entries = MARK_EFFECTS.flatMap((effect) => {
    const mark = marks[effect.name];
    return mark !== undefined && stays(effect, mark) ? [[effect.name, mark] as const] : [];
  });
  return Object.fromEntries(entries);
}

function stayingDrain(held: Hold, wanted: Hold): DrainMemory | null {
  return wanted.drain && held.drain;
}

function addsNothing(kept: Hold, wanted: Hold): boolean {
  if (wanted.drain !== null && (kept.drain === null || isWider(kept.drain, wanted.drain))) return false;
  return MARK_EFFECTS.every((effect) => {
    const [before, after] = [kept.marks[effect.name], wanted.marks[effect.name]];
    return after === undefined || (before !== undefined && isEqualMark(effect, before, after));
  });
}
