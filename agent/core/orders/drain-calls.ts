import { type Allowance, nextMs as allowedMs, DELETING_AGAIN, NEWCOMERS } from './allowance.ts';
import { ownerKey, sentOneMore } from './come-back.ts';
import { isUnresolved, lookupSent, NOT_LOOKED_UP } from './daemon-sets.ts';
import type { Attempt, DrainState, PodProgress } from './drain-state.ts';
import { LAST_LOOK_MS } from './drain-verdict.ts';
import { daemonSetKey } from './eviction-choice.ts';
import { NO_PODS } from './known-pods.ts';
import { lookDueMs } from './look-due.ts';
import { isNewcomer } from './origins.ts';
import type { PodView } from './pod.ts';
import { type Candidate, chooseDeletions, chooseUpNext, newcomersLast, type Wanted } from './up-next.ts';

/** Evictions under way at a time; a pod that waits for its budget or its end takes no place. */
export const MAX_EVICTIONS_IN_FLIGHT = 10;
/**
 * First deletions of pods under way at a time: their deadline has come, so they have places that no eviction takes. As many
 * are tried again at a time, in places of their own.
 */
export const MAX_DELETIONS_IN_FLIGHT = 10;
/** A deletion without an answer keeps its place no longer: one that hangs must not hold up those that are due, too. */
export const DELETION_PLACE_MS = 1_000;
/** No single call of a drain takes longer, whatever is left until its deadline. */
const CALL_DEADLINE_MS = 10_000;

/** One request to the API server; `deadlineMs` is how long it may take. */
export type DrainCall = { readonly deadlineMs: number } & (
  | { readonly kind: 'Evict'; readonly pod: PodView; readonly gracePeriodSeconds: number | null }
  | { readonly kind: 'Delete'; readonly pod: PodView; readonly gracePeriodSeconds: number | null }
  | { readonly kind: 'Read'; readonly pod: PodView }
  /** `key` is that of `daemonSetKey`. */
  | { readonly kind: 'FindDaemonSet'; readonly key: string; readonly namespace: string; readonly name: string }
  | { readonly kind: 'List' }
);

/** What to send now, the state once it is sent, and when there may be more to send. */
export type Sending = { readonly state: DrainState; readonly calls: readonly DrainCall[]; readonly wakesMs: number[] };

/** @param random from 0 (inclusive) to 1 (exclusive) */
export function chooseCalls(state: DrainState, wanted: readonly Wanted[], nowMs: number, random: number): Sending {
  const sender = new Sender(state, wanted, nowMs, random);
  sender.lookUp();
  sender.look();
  sender.read();
  sender.delete();
  sender.evict();
  return sender.sending();
}

/** Collects the calls of one step; what it changes are its own copies. */
class Sender {
  readonly #before: DrainState;
  readonly #wanted: readonly Wanted[];
  readonly #nowMs: number;
  readonly #random: number;
  readonly #calls: DrainCall[] = [];
  readonly #wakesMs: number[] = [];
  readonly #progress: Map<string, PodProgress>;
  readonly #daemonSets: Map<string, NonNullable<ReturnType<DrainState['daemonSets']['get']>>>;
  readonly #deletions: ReadonlyMap<string, Candidate>;
  #owners: DrainState['owners'];
  #look: DrainState['look'];
  #asking: Allowance;
  #deletingAgain: Allowance;
  #arriving: Allowance;

  constructor(state: DrainState, wanted: readonly Wanted[], nowMs: number, random: number) {
    this.#before = state;
    this.#wanted = wanted;
    this.#nowMs = nowMs;
    this.#random = random;
    this.#progress = new Map(state.progress);
    this.#owners = state.owners;
    this.#daemonSets = new Map(state.daemonSets);
    this.#deletions = chooseDeletions(wanted);
    this.#look = state.look;
    this.#asking = state.asking;
    this.#deletingAgain = state.deletingAgain;
    this.#arriving = state.arriving;
  }

  sending(): Sending {
    const changed = { progress: this.#progress, owners: this.#owners, daemonSets: this.#daemonSets };
    const spent = {
      look: this.#look,
      asking: this.#asking,
      deletingAgain: this.#deletingAgain,
      arriving: this.#arriving,
    };
    return { state: { ...this.#before, ...changed, ...spent }, calls: this.#calls, wakesMs: this.#wakesMs };
  }

  lookUp(): void {
    const pods = this.#wanted.flatMap(({ choice }) =>
      choice.skip.filter(({ reason }) => reason === 'DaemonSetUnknown'),
    );
    for (const key of new Set(pods.map(({ pod }) => daemonSetKey(pod) ?? ''))) {
      const progress = this.#daemonSets.get(key) ?? NOT_LOOKED_UP;
      if (progress.isInFlight || !isUnresolved(progress)) continue;
      if (!this.#isTime(progress.nextMs) || !this.#mayAsk()) continue;
      this.#daemonSets.set(key, lookupSent(progress, this.#nowMs));
      const [namespace = '', name = ''] = key.split('/');
      const deadlineMs = Math.min(this.#callMs(LAST_LOOK_MS), this.#untilDeletionsMs());
      this.#calls.push({ kind: 'FindDaemonSet', key, namespace, name, deadlineMs });
    }
  }

  look(): void {
    if (this.#look.isInFlight) return;
    const dueMs = Math.min(...this.#wanted.map((wanted) => lookDueMs(wanted, this.#before)));
    if (dueMs === Number.POSITIVE_INFINITY || !this.#isTime(Math.max(dueMs, this.#look.nextMs)) || !this.#mayAsk())
      return;
    const attempts = this.#look.attempts + (this.#wanted.some(({ needsLook }) => needsLook) ? 1 : 0);
    const asked = { askedAt: this.#before.turn, sentMs: this.#nowMs, knew: (this.#before.pods ?? NO_PODS).byUid };
    this.#look = { ...this.#look, isInFlight: true, ...asked, attempts };
    this.#calls.push({ kind: 'List', deadlineMs: this.#callMs(LAST_LOOK_MS) });
  }

  read(): void {
    for (const [uid, progress] of this.#progress) {
      const pod = this.#before.pods?.byUid.get(uid);
      if (progress.state.kind !== 'Reading' || progress.state.isSent || pod === undefined) continue;
      // An eviction of which nobody knows what came holds up no deletion.
      if (progress.how === 'Evict' && this.#deletions.has(uid)) continue;
      if (progress.how === 'Delete' ? !this.#mayDeleteAgain() : !this.#mayAsk()) continue;
      this.#progress.set(uid, { ...progress, state: { ...progress.state, isSent: true } });
      this.#calls.push({ kind: 'Read', pod, deadlineMs: this.#callMs() });
    }
  }

  /** Each pod once, before any is tried again; an eviction under way is given up for it. */
  delete(): void {
    const isAgain = ({ pod }: Candidate) => this.#progress.get(pod.uid)?.how === 'Delete';
    const all = newcomersLast(this.#before, [...this.#deletions.values()]);
    const attempts = ({ pod }: Candidate) => this.#progress.get(pod.uid)?.attempts ?? 0;
    const again = all.filter(isAgain).sort((a, b) => attempts(a) - attempts(b));
    for (const candidate of all.filter((each) => !isAgain(each))) {
      if (!this.#isTurn(candidate)) continue;
      if (!this.#hasDeletionPlace(false)) break;
      this.#send('Delete', candidate, undefined);
    }
    for (const candidate of again) {
      const progress = this.#progress.get(candidate.pod.uid);
      if (progress === undefined || !this.#isDue(progress)) continue;
      if (!this.#hasDeletionPlace(true) || !this.#mayDeleteAgain()) break;
      this.#send('Delete', candidate, progress);
    }
  }

  evict(): void {
    const { candidates, wakesMs } = chooseUpNext(
      { ...this.#before, progress: this.#progress },
      this.#wanted,
      this.#nowMs,
    );
    this.#wakesMs.push(...wakesMs);
    for (const candidate of candidates) {
      const { pod } = candidate;
      if (this.#deletions.has(pod.uid) || !this.#isTurn(candidate)) continue;
      if (!this.#mayEvict() || !this.#mayAsk()) return;
      this.#send('Evict', candidate, this.#progress.get(pod.uid));
    }
  }

  #isDue({ state }: PodProgress): boolean {
    return state.kind === 'Waiting' && this.#isTime(state.untilMs);
  }

  /** A first try to send away a pod that came since, unless the moment when all are deleted came later. */
  #isPaced({ pod, by }: Candidate): boolean {
    if (this.#progress.has(pod.uid) || by.some(({ due }) => due?.has(pod.uid))) return false;
    return isNewcomer(this.#before, pod, by);
  }

  /** One that its owner brought back waits for that owner's turn; and each that came since for its own among all those. */
  #isTurn(candidate: Candidate): boolean {
    if (!this.#isPaced(candidate)) return true;
    const { pod } = candidate;
    if (this.#isBack(pod) && !this.#isTime(this.#owners.get(ownerKey(pod))?.nextMs ?? 0)) return false;
    return this.#arriving.left >= 1 || this.#isTime(allowedMs(this.#arriving, NEWCOMERS));
  }

  #isBack({ uid }: PodView): boolean {
    return this.#before.origins?.get(uid) === 'Back';
  }

  #send(how: 'Evict' | 'Delete', candidate: Candidate, before: PodProgress | undefined): void {
    const { pod, by, gracePeriodSeconds } = candidate;
    const words = { said: before?.said ?? null, isBudget: before?.isBudget ?? false, silence: before?.silence ?? null };
    const policies = by.map(({ order }) => order.policy);
    // A first deletion comes in place of an eviction, which may have been accepted.
    const isOwed = this.#progress.get(pod.uid)?.isOwed ?? false;
    const state = { kind: 'InFlight', sentMs: this.#nowMs, policies } as const;
    if (this.#isPaced(candidate)) {
      this.#arriving = { ...this.#arriving, left: this.#arriving.left - 1 };
      if (this.#isBack(pod)) this.#owners = sentOneMore(this.#owners, ownerKey(pod), this.#nowMs, this.#random);
    }
    this.#progress.set(pod.uid, { how, attempts: (before?.attempts ?? 0) + 1, isOwed, ...words, state });
    // A deadline that comes first may want the pod deleted, or reported.
    const leftMs = Math.min(...by.map(({ untilMs }) => untilMs - this.#nowMs));
    this.#calls.push({ kind: how, pod, gracePeriodSeconds, deadlineMs: clampCall(leftMs) });
  }

  #mayEvict(): boolean {
    const taken = [...this.#progress.values()].filter(
      ({ how, state }) => how === 'Evict' && (state.kind === 'InFlight' || (state.kind === 'Reading' && state.isSent)),
    );
    return taken.length < MAX_EVICTIONS_IN_FLIGHT;
  }

  #hasDeletionPlace(isAgain: boolean): boolean {
    const untilMs = [...this.#progress.values()]
      .filter(({ how, attempts }) => how === 'Delete' && attempts > 1 === isAgain)
      .flatMap(({ state }) => (state.kind === 'InFlight' ? [state.sentMs + DELETION_PLACE_MS] : []))
      .filter((ms) => ms > this.#nowMs);
    if (untilMs.length < MAX_DELETIONS_IN_FLIGHT) return true;
    this.#wakesMs.push(Math.min(...untilMs));
    return false;
  }

  #mayDeleteAgain(): boolean {
    if (this.#deletingAgain.left < 1) {
      this.#wakesMs.push(allowedMs(this.#deletingAgain, DELETING_AGAIN));
      return false;
    }
    this.#deletingAgain = { ...this.#deletingAgain, left: this.#deletingAgain.left - 1 };
    return true;
  }

  /** Remembers to look again when it is not. */
  #isTime(ms: number): boolean {
    if (ms <= this.#nowMs) return true;
    this.#wakesMs.push(ms);
    return false;
  }

  #mayAsk(): boolean {
    if (this.#asking.left < 1) {
      this.#wakesMs.push(allowedMs(this.#asking));
      return false;
    }
    this.#asking = { ...this.#asking, left: this.#asking.left - 1 };
    return true;
  }

  /** Until a drain deletes what is left, also one that rests until then, or waits for a look-up only: no call is in its way. */
  #untilDeletionsMs(): number {
    const left = [...this.#before.attempts.values()].map(({ phase, deletesMs }) => {
      if (deletesMs === null || phase === 'Deleting' || phase === 'Drained') return Number.POSITIVE_INFINITY;
      if (deletesMs > this.#nowMs) return deletesMs - this.#nowMs;
      return phase === 'Evicting' ? LAST_LOOK_MS : Number.POSITIVE_INFINITY;
    });
    return Math.min(...left);
  }

  #callMs(atLeastMs = 1): number {
    const attempts: readonly Attempt[] = this.#wanted.map(({ attempt }) => attempt);
    return clampCall(Math.max(atLeastMs, ...attempts.map(({ untilMs }) => untilMs - this.#nowMs)));
  }
}

function clampCall(ms: number): number {
  return Math.min(CALL_DEADLINE_MS, Math.max(1, ms));
}
