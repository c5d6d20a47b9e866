import { type Allowance, nextMs as allowedMs } from './allowance.ts';
import { ownerKey, paceAfter } from './come-back.ts';
import { isUnresolved, lookupSent, NOT_LOOKED_UP } from './daemon-sets.ts';
import { type Attempt, cameBack, type DrainState, type PodProgress } from './drain-state.ts';
import { LAST_LOOK_MS } from './drain-verdict.ts';
import { daemonSetKey } from './eviction-choice.ts';
import { NO_PODS } from './known-pods.ts';
import type { PodView } from './pod.ts';
import { type Candidate, chooseDeletions, chooseUpNext, type Wanted } from './up-next.ts';

/** Evictions under way at a time; a pod that waits for its budget or its end takes no place. */
export const MAX_EVICTIONS_IN_FLIGHT = 10;
/** Deletions under way at a time: their deadline has come, so they have places that no eviction takes. */
export const MAX_DELETIONS_IN_FLIGHT = 10;
/** A deletion without an answer keeps its place no longer: one that hangs must not hold up those that are due, too. */
export const DELETION_PLACE_MS = 1_000;
/** A watch may be silent for minutes before it is known to be dead; so often pods that should end are listed all the same. */
const REVIEW_MS = 60_000;
/** So long before its deadline a drain lists the pods once more, so that none that has gone is reported as left. */
const LAST_LIST_MS = 5_000;
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
  readonly #owners: Map<string, NonNullable<ReturnType<DrainState['owners']['get']>>>;
  readonly #daemonSets: Map<string, NonNullable<ReturnType<DrainState['daemonSets']['get']>>>;
  readonly #deletions: ReadonlyMap<string, Candidate>;
  #look: DrainState['look'];
  #asking: Allowance;
  #deleting: Allowance;

  constructor(state: DrainState, wanted: readonly Wanted[], nowMs: number, random: number) {
    this.#before = state;
    this.#wanted = wanted;
    this.#nowMs = nowMs;
    this.#random = random;
    this.#progress = new Map(state.progress);
    this.#owners = new Map(state.owners);
    this.#daemonSets = new Map(state.daemonSets);
    this.#deletions = chooseDeletions(wanted);
    this.#look = state.look;
    this.#asking = state.asking;
    this.#deleting = state.deleting;
  }

  sending(): Sending {
    const changed = { progress: this.#progress, owners: this.#owners, daemonSets: this.#daemonSets };
    const spent = { look: this.#look, asking: this.#asking, deleting: this.#deleting };
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
      this.#daemonSets.set(key, lookupSent(progress));
      const [namespace = '', name = ''] = key.split('/');
      this.#calls.push({ kind: 'FindDaemonSet', key, namespace, name, deadlineMs: this.#callMs() });
    }
  }

  look(): void {
    if (this.#look.isInFlight) return;
    const dueMs = Math.min(...this.#wanted.map((wanted) => lookDueMs(wanted, this.#before)));
    if (dueMs === Number.POSITIVE_INFINITY || !this.#isTime(Math.max(dueMs, this.#look.nextMs)) || !this.#mayAsk())
      return;
    const attempts = this.#look.attempts + (this.#wanted.some(({ needsLook }) => needsLook) ? 1 : 0);
    const asked = { askedAt: this.#before.turn, askedMs: this.#nowMs, knew: (this.#before.pods ?? NO_PODS).byUid };
    this.#look = { ...this.#look, isInFlight: true, ...asked, attempts };
    this.#calls.push({ kind: 'List', deadlineMs: this.#callMs(LAST_LOOK_MS) });
  }

  read(): void {
    for (const [uid, progress] of this.#progress) {
      const pod = this.#before.pods?.byUid.get(uid);
      // The deletion is guarded by UID, so there it needs no reading.
      if (progress.state.kind !== 'Reading' || progress.state.isSent || pod === undefined || this.#deletions.has(uid))
        continue;
      if (!this.#mayAsk()) return;
      this.#progress.set(uid, { ...progress, state: { ...progress.state, isSent: true } });
      this.#calls.push({ kind: 'Read', pod, deadlineMs: this.#callMs() });
    }
  }

  delete(): void {
    for (const candidate of this.#deletions.values()) {
      const progress = this.#progress.get(candidate.pod.uid);
      const isRepeated = progress?.how === 'Delete';
      // An eviction under way is given up for it.
      if (isRepeated && (progress.state.kind === 'InFlight' || progress.state.kind === 'Accepted')) continue;
      if (isRepeated && 'untilMs' in progress.state && !this.#isTime(progress.state.untilMs)) continue;
      if (!this.#mayDelete()) return;
      if (this.#deleting.left < 1) return void this.#wakesMs.push(allowedMs(this.#deleting));
      this.#deleting = { ...this.#deleting, left: this.#deleting.left - 1 };
      this.#send('Delete', candidate, isRepeated ? progress : undefined);
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
      if (this.#deletions.has(pod.uid)) continue;
      const progress = this.#progress.get(pod.uid);
      const isComeBack = progress === undefined && cameBack(this.#before, pod);
      const pace = this.#owners.get(ownerKey(pod));
      if (isComeBack && pace !== undefined && !this.#isTime(pace.nextMs)) continue;
      if (!this.#mayEvict() || !this.#mayAsk()) return;
      if (isComeBack) this.#owners.set(ownerKey(pod), paceAfter(pace, this.#nowMs, this.#random));
      this.#send('Evict', candidate, progress);
    }
  }

  #send(how: 'Evict' | 'Delete', { pod, by, gracePeriodSeconds }: Candidate, before: PodProgress | undefined): void {
    const words = { said: before?.said ?? null, isBudget: before?.isBudget ?? false, silence: before?.silence ?? null };
    const policies = by.map(({ order }) => order.policy);
    const state = { kind: 'InFlight', sentMs: this.#nowMs, policies } as const;
    this.#progress.set(pod.uid, { how, attempts: (before?.attempts ?? 0) + 1, ...words, state });
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

  #mayDelete(): boolean {
    const untilMs = [...this.#progress.values()]
      .flatMap(({ how, state }) => (how === 'Delete' && state.kind === 'InFlight' ? [state.sentMs] : []))
      .map((sentMs) => sentMs + DELETION_PLACE_MS)
      .filter((ms) => ms > this.#nowMs);
    if (untilMs.length < MAX_DELETIONS_IN_FLIGHT) return true;
    this.#wakesMs.push(Math.min(...untilMs));
    return false;
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

  #callMs(atLeastMs = 1): number {
    const attempts: readonly Attempt[] = this.#wanted.map(({ attempt }) => attempt);
    return clampCall(Math.max(atLeastMs, ...attempts.map(({ untilMs }) => untilMs - this.#nowMs)));
  }
}

/** When a fresh list is due for an attempt, at the earliest; infinity: not as things are. */
function lookDueMs({ attempt, choice, needsLook }: Wanted, { look, progress }: DrainState): number {
  if (needsLook) return Number.NEGATIVE_INFINITY;
  const { startedMs, untilMs } = attempt;
  const askedMs = Math.max(startedMs, look.askedMs ?? startedMs);
  const lastMs = untilMs - Math.min(LAST_LIST_MS, (untilMs - startedMs) / 2);
  const isEnding =
    choice.wait.length > 0 || choice.evict.some(({ uid }) => progress.get(uid)?.state.kind === 'Accepted');
  return Math.min(
    askedMs < lastMs ? lastMs : Number.POSITIVE_INFINITY,
    isEnding ? askedMs + REVIEW_MS : Number.POSITIVE_INFINITY,
  );
}

function clampCall(ms: number): number {
  return Math.min(CALL_DEADLINE_MS, Math.max(1, ms));
}
