import type { NodeCheckPolicy, PolicySet } from '../../agent/core/policy.ts';
import type { KubeObject } from '../../simulator/types.ts';
import type { Life } from './life.ts';
import type { People } from './people.ts';
import { claimOf, type Seen } from './seen.ts';

/** What the verdicts of one check come to, in one life. */
export type Tally = {
  check: string;
  failures: number;
  successes: number;
  isFailing: boolean;
  hasRecovered: boolean;
  /** Runs in a row that said nothing, at most: also those that were left out for one that may take so long. */
  silent: number;
};

/** What the promises know of one life of an agent. */
export type Account = {
  readonly life: Life;
  /** UID of the Node it knew when that was deleted. */
  knewUid: string | null;
  /** It has said that there is no Node. */
  hasFoundNone: boolean;
  /** It was said on the Node to act. */
  hasClaimed: boolean;
  set: PolicySet | null;
  /** All that ever were in force, with since when. */
  readonly sets: { readonly set: PolicySet; readonly atMs: number }[];
  /** What it has told of its Node, and what it has written. */
  readonly told: string[];
  readonly written: string[];
  /** Since when it stands by for another agent, in milliseconds; null: it acts. What has to become an Event then waits. */
  standsBySinceMs: number | null;
  readonly waiting: WantedEvent[];
  /** Policies of which it said last that they fail. */
  readonly failing: Set<string>;
  /** Policies of which it said last that their check says nothing, with since when, in milliseconds. */
  readonly unknown: Map<string, number>;
  /** Policies of which it has said that their check speaks again, though a life before it said that it does not. */
  readonly tookOver: Set<string>;
  /** What any agent has written since it began. */
  readonly seen: string[];
  /** What had to become an Event, and what it is the latest word on. */
  readonly events: WantedEvent[];
  /** Requests that it sent to write Events. */
  eventsSent: number;
  readonly tallies: Map<string, Tally>;
  /** When it sent anything, and when it wrote to a Node, in milliseconds. */
  readonly sentAtMs: number[];
  readonly wroteAtMs: number[];
};

export type WantedEvent = {
  readonly topic: string;
  readonly reason: string;
  readonly about: string;
  readonly atMs: number;
};

/** All that was seen and heard, and which promises were broken. */
export class Books {
  readonly problems: string[] = [];
  /** Everything that happened, a line each. */
  readonly trace: string[] = [];
  nowMs: () => number = () => 0;
  /** Of the cluster's clock at 0 ms, in milliseconds since the epoch. */
  epochMs = 0;
  /** No agent can be expected to see what becomes of its Node. */
  isBlind = false;
  /** When an agent last changed a Node. */
  wroteLastAtMs = 0;
  /** By namespace/name. */
  readonly pods = new Map<string, KubeObject>();
  /** By name; and whether anybody but the agents has deleted one, which none of them may know of yet. */
  readonly leases = new Map<string, KubeObject>();
  hasLostLease = false;
  readonly accounts = new Map<Life, Account>();
  readonly byName = new Map<string, Account>();
  /** Every version of every Node, by its name. */
  readonly nodes = new Map<string, Seen[]>();
  readonly people = new Map<string, People>();

  note(line: string): void {
    this.trace.push(`${this.nowMs().toFixed(1)} ${line}`);
  }

  broken(what: string): void {
    this.note(`BROKEN ${what}`);
    this.problems.push(what);
  }

  /** Who acts, as the Node says, or whoever is left; undefined: nobody is alive. */
  acting(name: string): Account | undefined {
    const account = this.byName.get(claimOf(this.latest(name)));
    if (account?.life.state === 'alive') return account;
    // The claim of one that is gone may stay until something is written.
    return [...this.accounts.values()].findLast(({ life }) => life.nodeName === name && life.state === 'alive');
  }

  latest(name: string): Seen {
    const node = this.nodes.get(name)?.at(-1);
    if (node === undefined) throw new Error(`there never was a Node ${name}`);
    return node;
  }

  of(life: Life): Account {
    const account = this.accounts.get(life);
    if (account === undefined) throw new Error(`nobody saw ${life.name} begin`);
    return account;
  }

  tally(account: Account, policy: NodeCheckPolicy): Tally {
    const { name } = policy.metadata;
    const { command, env, runIn } = policy.spec.check;
    const check = JSON.stringify([command, env, runIn]);
    const known = account.tallies.get(name);
    if (known?.check === check) return known;
    const tally = { check, ...NOTHING_COUNTED };
    account.tallies.set(name, tally);
    return tally;
  }
}

export const NOTHING_COUNTED = { failures: 0, successes: 0, isFailing: false, hasRecovered: false, silent: 0 };

/** Compares the counts with the thresholds in force. */
export function settle(tally: Tally, { spec: { check } }: NodeCheckPolicy): void {
  if (tally.failures >= check.failureThreshold) {
    tally.isFailing = true;
    tally.hasRecovered = false;
  } else if (tally.successes >= check.successThreshold) {
    tally.isFailing = false;
    tally.hasRecovered = true;
  }
}
