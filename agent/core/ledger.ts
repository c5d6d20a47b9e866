import type { NodeView } from './node.ts';
import { LEDGER_ANNOTATION } from './node.ts';
import type { Taint } from './policy.ts';

/**
 * Whose an effect on the node is. `Theirs`: it was there before we wanted it. `Released`: a person (or `nsc release`)
 * took ours away, and it stays away until no policy wants it any more.
 */
export type Owner = 'Ours' | 'Theirs' | 'Released';

export type LedgerTaint = Taint & { readonly owner: Owner };

/** What one failing policy holds on the node. */
export type Hold = {
  /** RFC 3339, when the policy took hold of the node. */
  readonly since: string;
  readonly cordon: boolean;
  readonly taint: Taint | null;
  readonly drain: boolean;
};

/** How far the drain of an episode is. */
export type DrainMemory = {
  /** GaveUp is tried again while the policy fails; Drained never is, nor is Released, which `nsc release` took back. */
  readonly state: 'Draining' | 'Drained' | 'GaveUp' | 'Released';
  /** RFC 3339, when the cordon landed from which the drain's timeout runs. */
  readonly since: string;
};

/** The memory of an episode, kept in an annotation of the Node, so that no restart loses it. */
export type Ledger = {
  /** UID of the Node it was written for: another Node of that name has another life. */
  readonly nodeUid: string;
  /** RFC 3339, when the episode began. */
  readonly since: string;
  /** By policy name: who holds what. */
  readonly policies: Readonly<Record<string, Hold>>;
  /** null while no policy wants the node cordoned. */
  readonly cordon: Owner | null;
  readonly taints: readonly LedgerTaint[];
  /** null while no policy wants the node drained. */
  readonly drain: DrainMemory | null;
};

export type LedgerReading =
  | { readonly readable: true; readonly ledger: Ledger | null }
  /** An annotation is there and we cannot tell what it says, so nothing on the node may be touched. */
  | { readonly readable: false; readonly problem: string };

/** What the policy of that name holds; null when it holds nothing. */
export function holdOf(ledger: Ledger | null, policy: string): Hold | null {
  // A policy may be named `constructor`.
  return ledger !== null && Object.hasOwn(ledger.policies, policy) ? (ledger.policies[policy] ?? null) : null;
}

const VERSION = 1;

/** Reads the ledger of a Node; one written for another UID counts as none. */
export function readLedger(node: Pick<NodeView, 'uid' | 'annotations'>): LedgerReading {
  const text = node.annotations[LEDGER_ANNOTATION];
  if (text === undefined) return { readable: true, ledger: null };
  try {
    const value: unknown = JSON.parse(text);
    if (!isRecord(value)) throw new Error('must be an object');
    if (value.version !== VERSION)
      throw new Error(`version must be ${VERSION}, found ${JSON.stringify(value.version)}`);
    const ledger = toLedger(value);
    return { readable: true, ledger: ledger.nodeUid === node.uid ? ledger : null };
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    return { readable: false, problem: `annotation ${LEDGER_ANNOTATION} cannot be read: ${reason}` };
  }
}

/** Whether pods are evicted, or will be tried again. A person's uncordon stops a drain, too. */
export function drainGoesOn({ drain, cordon }: Ledger): boolean {
  return (drain?.state === 'Draining' || drain?.state === 'GaveUp') && cordon !== 'Released';
}

/** Whether anything of ours keeps workloads from the node, or takes them from it. */
export function isDisrupting(ledger: Ledger | null): boolean {
  if (ledger === null) return false;
  const { cordon, taints } = ledger;
  return cordon === 'Ours' || taints.some(({ owner }) => owner === 'Ours') || drainGoesOn(ledger);
}

/** The annotation's text; the same ledger always gives the same text. */
export function writeLedger(ledger: Ledger): string {
  const policies = Object.fromEntries(Object.entries(ledger.policies).sort(([a], [b]) => (a < b ? -1 : 1)));
  return JSON.stringify({ version: VERSION, ...ledger, policies });
}

function toLedger(value: Record<string, unknown>): Ledger {
  return {
    nodeUid: string(value.nodeUid, 'nodeUid'),
    since: string(value.since, 'since'),
    policies: Object.fromEntries(Object.entries(record(value.policies, 'policies')).map(([k, v]) => [k, toHold(v, k)])),
    cordon: value.cordon === null ? null : owner(value.cordon, 'cordon'),
    taints: array(value.taints, 'taints').map((entry, i) => {
      const taint = record(entry, `taints[${i}]`);
      return { ...toTaint(taint, `taints[${i}]`), owner: owner(taint.owner, `taints[${i}].owner`) };
    }),
    drain: value.drain === null ? null : toDrain(record(value.drain, 'drain')),
  };
}

function toHold(value: unknown, name: string): Hold {
  const hold = record(value, `policies.${name}`);
  return {
    since: string(hold.since, `policies.${name}.since`),
    cordon: hold.cordon === true,
    taint: hold.taint === null ? null : toTaint(record(hold.taint, `policies.${name}.taint`), `policies.${name}.taint`),
    drain: hold.drain === true,
  };
}

function toDrain(value: Record<string, unknown>): DrainMemory {
  const { state } = value;
  if (state !== 'Draining' && state !== 'Drained' && state !== 'GaveUp' && state !== 'Released')
    throw new Error(`drain.state must be Draining, Drained, GaveUp or Released, found ${JSON.stringify(state)}`);
  return { state, since: string(value.since, 'drain.since') };
}

function toTaint(value: Record<string, unknown>, path: string): Taint {
  const effect = value.effect;
  if (effect !== 'NoSchedule' && effect !== 'PreferNoSchedule' && effect !== 'NoExecute')
    throw new Error(`${path}.effect must be a taint effect, found ${JSON.stringify(effect)}`);
  return { key: string(value.key, `${path}.key`), value: string(value.value, `${path}.value`), effect };
}

function owner(value: unknown, path: string): Owner {
  if (value === 'Ours' || value === 'Theirs' || value === 'Released') return value;
  throw new Error(`${path} must be Ours, Theirs or Released, found ${JSON.stringify(value)}`);
}

function string(value: unknown, path: string): string {
  if (typeof value === 'string') return value;
  throw new Error(`${path} must be a string, found ${JSON.stringify(value)}`);
}

function record(value: unknown, path: string): Record<string, unknown> {
  if (isRecord(value)) return value;
  throw new Error(`${path} must be an object, found ${JSON.stringify(value)}`);
}

function array(value: unknown, path: string): unknown[] {
  if (Array.isArray(value)) return value;
  throw new Error(`${path} must be a list, found ${JSON.stringify(value)}`);
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
