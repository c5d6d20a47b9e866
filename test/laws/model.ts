import type { NodeCheckPolicy, PolicyLoad, PolicySet } from '../../agent/core/policy.ts';
import type { Transition } from '../../agent/core/transition.ts';
import type { KubeRequest } from '../../agent/kube/transport.ts';
import type { SimulatedCluster } from '../../simulator/simulated-cluster.ts';
import type { Change } from '../../simulator/store.ts';
import type { KubeObject } from '../../simulator/types.ts';
import { type Account, Books, NOTHING_COUNTED, settle } from './books.ts';
import { unlikeFailed, unlikeRecovered } from './judge-end.ts';
import { judgeRequest } from './judge-request.ts';
import { judgeLastWords, judgeWords, missingEvent, noteWords } from './judge-words.ts';
import type { Life } from './life.ts';
import { forgetTakenAway, lostOfPeoples, newPeople, peopleEdited } from './people.ts';
import { claimOf, describe, memoryOf, type Seen, seen, turns } from './seen.ts';
import type { Observer, Outcome, World } from './world.ts';

/** Who edits the cluster past the API: people. */
const PEOPLE = 'hands';
const QUIET: ReadonlySet<Transition['kind']> = new Set(['CheckStarted', 'CheckEnded', 'CheckSkipped']);

/**
 * Knows what was promised, and holds it against what is seen: every version of every object with its author, every
 * request, verdict and directory. It knows nothing of how the agent comes to what it does.
 */
export class Judge extends Books implements Observer {
  readonly #objects = new Map<string, readonly KubeObject[]>();

  /** An earlier version of the Node. */
  olderNode(name: string): KubeObject | undefined {
    return this.#objects.get(name)?.at(-3);
  }

  began(life: Life): void {
    const account: Account = {
      life,
      knewUid: null,
      hasFoundNone: false,
      hasClaimed: false,
      set: null,
      sets: [],
      told: [],
      written: [],
      seen: [],
      standsBySinceMs: null,
      waiting: [],
      failing: new Set(),
      unknown: new Map(),
      tookOver: new Set(),
      events: [],
      eventsSent: 0,
      tallies: new Map(),
      sentAtMs: [],
      wroteAtMs: [],
    };
    this.accounts.set(life, account);
    this.byName.set(life.name, account);
    this.note(`${life.name} begins in pod ${life.pod.name}`);
  }

  given(life: Life, load: PolicyLoad): void {
    const account = this.of(life);
    if (!load.valid) return;
    account.set = load.set;
    account.sets.push({ set: load.set, atMs: this.nowMs() });
    const names = new Set(load.set.policies.map(({ metadata }) => metadata.name));
    for (const name of [...account.tallies.keys()]) if (!names.has(name)) account.tallies.delete(name);
    for (const policy of load.set.policies) settle(this.tally(account, policy), policy);
  }

  runStarted(life: Life, policy: NodeCheckPolicy): object {
    return this.tally(this.of(life), policy);
  }

  runEnded(life: Life, policy: NodeCheckPolicy, token: object, outcome: Outcome): void {
    const account = this.of(life);
    const { name } = policy.metadata;
    const now = account.set?.policies.find(({ metadata }) => metadata.name === name);
    const tally = account.tallies.get(name);
    if (now === undefined || tally !== token) return;
    const isTimeout = outcome === 'timeout' || outcome === 'hang';
    const isFailed = outcome === 'failed' || (isTimeout && now.spec.check.onTimeout === 'Failed');
    if (outcome === 'unknown' || (isTimeout && !isFailed)) tally.silent += 1;
    if (!isFailed && outcome !== 'healthy') return;
    tally.silent = 0;
    tally.failures = isFailed ? tally.failures + 1 : 0;
    tally.successes = isFailed ? 0 : tally.successes + 1;
    settle(tally, now);
    this.note(`${life.name} ${name}: ${outcome}, ${tally.failures} failures, ${tally.successes} successes`);
  }

  told(life: Life, told: Transition): void {
    noteWords(this, this.of(life), told);
    if (told.kind === 'NodeGone') this.of(life).hasFoundNone = true;
    if (!QUIET.has(told.kind)) this.note(`${life.name} tells ${JSON.stringify(told, shorten)}`);
  }

  sent(life: Life, request: KubeRequest): void {
    judgeRequest(this, this.of(life), request);
  }

  changed(change: Change): void {
    const { resource, object, type, by } = change;
    const { name, namespace } = object.metadata;
    if (resource.kind === 'Node') this.#nodeChanged(change);
    else if (resource.kind !== 'Event') this.note(`stored ${type} ${resource.kind} ${name} by ${by}`);
    if (resource.kind === 'Lease') this.#leaseChanged(change);
    if (resource.kind === 'Pod') this.pods.set(`${namespace}/${name}`, object);
  }

  #leaseChanged({ object, type, by }: Change): void {
    const { name } = object.metadata;
    if (type !== 'DELETED') this.leases.set(name, object);
    else this.leases.delete(name);
    if (type === 'DELETED' && !this.byName.has(by)) this.hasLostLease = true;
  }

  #nodeChanged({ object, previous, type, by }: Change): void {
    const { name } = object.metadata;
    const versions = this.nodes.get(name) ?? [];
    this.nodes.set(name, versions);
    const before = versions.at(-1);
    const now = seen(object, this.nowMs());
    this.note(`stored ${type} Node ${name} v${now.version} by ${by}: ${describe(now)}`);
    if (type === 'DELETED') {
      this.#nodeGone(name);
      return;
    }
    versions.push(now);
    this.#objects.set(name, [...(this.#objects.get(name) ?? []), object].slice(-3));
    const people = this.people.get(name);
    if (people === undefined || before === undefined || (previous === undefined && before.uid !== now.uid)) {
      this.#nodeCame(now);
      return;
    }
    const writer = this.byName.get(by);
    if (writer !== undefined) this.#agentWrote(writer, before, now);
    if (by === PEOPLE) peopleEdited(people, before, now);
    else for (const lost of lostOfPeoples(people, now)) this.broken(`people: ${by} ${lost}`);
    forgetTakenAway(people, now);
  }

  #nodeGone(name: string): void {
    for (const account of this.accounts.values()) {
      if (account.life.nodeName === name) account.knewUid = account.life.agent.node?.uid ?? account.knewUid;
    }
  }

  /** What was counted for another Node of the name, or for none, counts no more; nor does a run that has begun by then. */
  #nodeCame(now: Seen): void {
    this.people.set(now.name, newPeople(now));
    for (const { life, knewUid, hasFoundNone, tallies } of this.accounts.values()) {
      if (life.nodeName !== now.name || (knewUid === null && !hasFoundNone)) continue;
      for (const [name, { check }] of tallies) tallies.set(name, { check, ...NOTHING_COUNTED });
    }
  }

  #agentWrote(writer: Account, before: Seen, now: Seen): void {
    const became = turns(before, now);
    writer.written.push(...became);
    for (const account of this.accounts.values()) {
      if (account.life.nodeName === now.name) account.seen.push(...became);
    }
    this.wroteLastAtMs = this.nowMs();
    this.#tookHold(writer, before, now);
  }

  /** Who stands by has to see a check recover after another agent has acted on its failures. */
  #tookHold(writer: Account, before: Seen, now: Seen): void {
    const claim = claimOf(now);
    for (const [name, { since }] of Object.entries(memoryOf(now)?.policies ?? {})) {
      if (memoryOf(before)?.policies[name]?.since === since) continue;
      for (const account of this.accounts.values()) {
        const { life, hasClaimed, tallies } = account;
        if (account === writer || life.nodeName !== now.name || !hasClaimed || claim === life.name) continue;
        Object.assign(tallies.get(name) ?? {}, { successes: 0, hasRecovered: false });
      }
    }
    const claiming = this.byName.get(claim);
    if (claiming) claiming.hasClaimed = true;
  }

  /** What of a node is not as it has to be when every check is healthy; null: nothing. */
  unlikeRecovered(cluster: SimulatedCluster, name: string): string | null {
    return unlikeRecovered(this, cluster, name);
  }

  /** The same when every check fails. */
  unlikeFailed(cluster: SimulatedCluster, name: string): string | null {
    return unlikeFailed(this, cluster, name);
  }

  /** Which latest word on a topic is no Event yet, of those who may write that many; null: none. */
  missingEvent(world: World): string | null {
    return missingEvent(this, world);
  }

  /** @param isPlain nobody but the agents touched the ledger or the claim, and the Node was never deleted */
  finish(world: World, isPlain: boolean): void {
    for (const life of world.lives) {
      for (const bug of life.bugs) this.broken(`defect of ${life.name}: ${bug}`);
      if (life.state === 'alive') judgeLastWords(this, this.of(life));
      if (isPlain && life.state === 'alive') judgeWords(this, this.of(life));
    }
  }
}

function shorten(key: string, value: unknown): unknown {
  if (key === 'policy' && typeof value === 'object') return (value as NodeCheckPolicy).metadata.name;
  if (key === 'set') return (value as PolicySet).revision;
  return value;
}
