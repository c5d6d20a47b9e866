import type { NodeCheckPolicy } from '../../agent/core/policy.ts';
import type { Account, Books } from './books.ts';
import { judgeSaid } from './judge-said.ts';
import {
  applies,
  type Condition,
  DRAIN_STATE,
  isNoSystems,
  isSame,
  keyOf,
  LEDGER,
  type Mark,
  markOf,
  marksOf,
  memoryOf,
  type NodeTaint,
  type Seen,
  selects,
  wantedMarks,
} from './seen.ts';

/** A write to a Node, as an agent sends it. */
export type Patch = {
  readonly metadata?: {
    readonly resourceVersion?: string;
    readonly annotations?: Readonly<Record<string, string | null>>;
  };
  readonly spec?: { readonly unschedulable?: boolean | null; readonly taints?: readonly NodeTaint[] | null };
  readonly status?: { readonly conditions?: readonly Condition[] };
};

/** What one write wants, whether it lands or not. */
export function judgeWrite(books: Books, account: Account, patch: Patch): void {
  const { metadata = {}, spec = {}, status } = patch;
  const { life } = account;
  const isEffect = 'unschedulable' in spec || 'taints' in spec;
  const ledger = metadata.annotations?.[LEDGER];
  if (!isEffect && ledger === undefined && status === undefined) return;
  const base = books.nodes.get(life.nodeName)?.findLast(({ version }) => version === metadata.resourceVersion);
  if (base === undefined) {
    books.broken(`guarded: ${life.name} changes its Node or the ledger without naming a version that there was`);
    return;
  }
  judgeSaid(books, account, base, patch);
  if (isEffect && ledger === undefined) {
    books.broken(`one write: ${life.name} changes cordon or taints without the ledger`);
  }
  if (base.memory === 'unreadable')
    books.broken(`unreadable: ${life.name} touches a Node whose ledger nobody can read`);
  const after = {
    isCordoned: 'unschedulable' in spec ? spec.unschedulable === true : base.isCordoned,
    taints: 'taints' in spec ? (spec.taints ?? []).filter(isNoSystems) : base.taints,
  };
  for (const mark of marksOf(after)) if (!marksOf(base).some(isSame(mark))) judgeAdded(books, account, base, mark);
  for (const mark of marksOf(base))
    if (!marksOf(after).some(isSame(mark))) judgeRemoved(books, account, base, mark, after);
  if (after.isCordoned && !base.isCordoned && metadata.annotations?.[DRAIN_STATE] === undefined) {
    const wantsDrain = JSON.stringify(ledger ?? '').includes('Draining');
    if (wantsDrain && base.annotations[DRAIN_STATE] !== 'drainActive') {
      books.broken(`one write: ${life.name} begins an episode with a drain without ${DRAIN_STATE}`);
    }
  }
}

function judgeAdded(books: Books, account: Account, base: Seen, mark: Mark): void {
  const { life, set } = account;
  const what = `${life.name} adds ${mark.text}`;
  // Another value of what is there anyway, as when one of two policies recovers, disrupts nothing more.
  const isThere = marksOf(base).some(({ key }) => key === mark.key);
  if (!base.isReady && !isThere) books.broken(`do no harm: ${what} to a node whose kubelet is NotReady`);
  const budgets = set?.budgets.filter((budget) => selects(budget.spec.nodeSelector, base)) ?? [];
  const nothing = budgets.find(({ spec }) => Number.parseInt(String(spec.maxUnavailable), 10) === 0);
  // What an action that was let in before comes to at its end is nothing new.
  const isBegun = Object.values(memoryOf(base)?.policies ?? {}).some(({ marks }) => holds(marks, mark));
  if (nothing && !isThere && !isBegun)
    books.broken(`budget: ${what} under ${nothing.metadata.name}, which allows nothing new`);
  const slotless = budgets.find(({ metadata }) => !hasSlot(books, life.nodeName, metadata.name));
  if (slotless && !isThere && !isDisrupted(base) && !books.hasLostLease)
    books.broken(`slot: ${what} without a Lease of budget ${slotless.metadata.name}`);
  const policies = set?.policies.filter((policy) => applies(policy, base)) ?? [];
  const reasons = policies.map((policy) => whyNot(account, policy, base, mark));
  if (!reasons.includes(null)) {
    const names = policies.map(({ metadata }, i) => `${metadata.name}: ${reasons[i]}`);
    books.broken(`threshold: ${what}, and no policy may (${names.join('; ') || 'there is none'})`);
  }
  const people = books.people.get(life.nodeName);
  if (people?.takenAway.has(mark.key)) {
    books.broken(`people: ${what}, which a person took away in this episode`);
  }
}

function hasSlot(books: Books, node: string, budget: string): boolean {
  return [...books.leases.values()].some(
    ({ metadata, spec }) => metadata.labels?.['node-svc-checker/budget'] === budget && spec?.holderIdentity === node,
  );
}

/** What is disrupted takes a slot that it lacks without asking. */
function isDisrupted(node: Seen): boolean {
  const { marks = [], policies = {} } = memoryOf(node) ?? {};
  const isStopped = marks.some(({ effect, owner }) => effect === 'cordon' && owner === 'TakenAway');
  const drains = Object.values(policies).some(({ drain }) => drain?.state === 'Draining' || drain?.state === 'GaveUp');
  return marks.some(({ owner }) => owner === 'Ours') || (drains && !isStopped);
}

/** Why a policy may not put this mark on the Node; null: it may. */
function whyNot(account: Account, policy: NodeCheckPolicy, base: Seen, mark: Mark): string | null {
  const { mode, paused } = policy.spec;
  const { name } = policy.metadata;
  if (mode === 'Observe') return 'it only observes';
  if (paused) return 'it is paused';
  const held = memoryOf(base)?.policies[name];
  const isHeld = holds(held?.marks ?? {}, mark);
  if (!isHeld && !wantedMarks(policy).some(isSame(mark))) return 'it does not want that';
  const tally = account.tallies.get(name);
  if (!isHeld && !tally?.isFailing) return 'its check has not failed often enough';
  const isNoExecute = mark.taint?.effect === 'NoExecute';
  const drain = held?.drain;
  if (isNoExecute && policy.spec.actions.drain && drain?.state !== 'Drained' && !mark.isKnownIn(base)) {
    // The end of the drain and the taint go out together, so what is stored still says Draining.
    if (drain === undefined || drain === null) return 'its own drain has not even begun';
  }
  return null;
}

function judgeRemoved(
  books: Books,
  account: Account,
  base: Seen,
  mark: Mark,
  after: { readonly taints: readonly NodeTaint[] },
): void {
  const { life, set } = account;
  const what = `${life.name} removes ${mark.text}`;
  const memory = memoryOf(base);
  const isOurs = memory?.marks.some(
    ({ effect, mark: fields, owner }) => owner === 'Ours' && markOf(effect, fields).text === mark.text,
  );
  if (!isOurs) {
    books.broken(`people: ${what}, which is not ours by the ledger`);
    return;
  }
  // Another value of the same taint is no removal.
  if (mark.taint && after.taints.some((taint) => keyOf(taint) === mark.key)) return;
  for (const policy of set?.policies ?? []) {
    const held = memory?.policies[policy.metadata.name];
    if (held === undefined || !applies(policy, base)) continue;
    const isHeld = holds(held.marks, mark);
    const { paused, mode } = policy.spec;
    const isWanted = paused || (mode === 'Enforce' && wantedMarks(policy).some(isSame(mark)));
    const tally = account.tallies.get(policy.metadata.name);
    if (isHeld && isWanted && (paused || !tally?.hasRecovered)) {
      books.broken(`keeps: ${what}, though policy ${policy.metadata.name} holds it and its check has not recovered`);
    }
  }
}

function holds(marks: Readonly<Record<string, Readonly<Record<string, string>>>>, mark: Mark): boolean {
  return Object.entries(marks).some(([effect, fields]) => markOf(effect, fields).text === mark.text);
}
