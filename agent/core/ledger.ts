import { markEffect } from './effects/list.ts';
import type { LedgerMark, Mark, Owner } from './effects/mark.ts';
import type { NodeView } from './node.ts';
import { LEDGER_ANNOTATION } from './node.ts';
import type { DrainRules } from './orders/drain-rules.ts';
import type { LabelSelectorRequirement } from './policy.ts';
import { rememberLast } from './remember-last.ts';
import { visibleLine } from './words.ts';

/** What one failing policy holds on the node. */
export type Hold = {
  /** RFC 3339, when the policy took hold of the node. */
  readonly since: string;
  /** By effect: what it wants of each. */
  readonly marks: Readonly<Record<string, Mark>>;
  /** null while it wants no drain. */
  readonly drain: DrainMemory | null;
  /**
   * The reason that the policy gave for the exit code, and what the check said, when the policy took hold; absent: none. For
   * people: they go out with a write that has to be made anyway, and stay as they are until the hold ends.
   */
  readonly mapped?: string;
  readonly words?: string;
};

/** How far the drain of a policy is. */
export type DrainMemory = {
  /** GaveUp is tried again while the policy fails; Drained never is, nor is Stopped, which `nsc release` took back. */
  readonly state: 'Draining' | 'Drained' | 'GaveUp' | 'Stopped';
  /** RFC 3339, by the API server's clock: when the cordon landed from which the drain's timeout runs. */
  readonly since: string;
  /** Which pods it is about: a policy that says more by now is drained anew. null: not known, from an older ledger. */
  readonly rules: DrainRules | null;
};

/** The memory of an episode, kept in an annotation of the Node, so that no restart loses it. */
export type Ledger = {
  /** UID of the Node it was written for: another Node of that name has another life. */
  readonly nodeUid: string;
  /** RFC 3339, when the episode began. */
  readonly since: string;
  /** By policy name: who holds what. */
  readonly policies: Readonly<Record<string, Hold>>;
  /** Every mark that a policy holds, and whose it is. */
  readonly marks: readonly LedgerMark[];
};

export type LedgerReading =
  | { readonly readable: true; readonly ledger: Ledger | null }
  /** An annotation is there and we cannot tell what it says, so nothing on the node may be touched. */
  | { readonly readable: false; readonly problem: string };

const VERSION = 2;
/** Knew one drain for all policies. */
const OLDER_VERSION = 1;
/** As the schema has it for `exitCodes.reasons`. */
const REASON = /^[A-Z][A-Za-z0-9]{0,62}$/;

/** What the policy of that name holds; null when it holds nothing. */
export function holdOf(ledger: Ledger | null, policy: string): Hold | null {
  // A policy may be named `constructor`.
  return ledger !== null && Object.hasOwn(ledger.policies, policy) ? (ledger.policies[policy] ?? null) : null;
}

/** null when nothing is in it. */
export function holdUnlessEmpty(hold: Hold): Hold | null {
  return Object.keys(hold.marks).length > 0 || hold.drain !== null ? hold : null;
}

/** The marks of one effect. */
export function marksOf(ledger: Ledger | null, effect: string): readonly LedgerMark[] {
  return ledger?.marks.filter((each) => each.effect === effect) ?? [];
}

/** Whose the cordon is; null while no policy wants one. */
export function cordonOwner(ledger: Ledger | null): Owner | null {
  return marksOf(ledger, 'cordon')[0]?.owner ?? null;
}

/** The drains of an episode, each with the policy that wants it. */
export function drainsOf(ledger: Ledger | null): readonly (DrainMemory & { readonly policy: string })[] {
  return Object.entries(ledger?.policies ?? {}).flatMap(([policy, { drain }]) =>
    drain === null ? [] : [{ ...drain, policy }],
  );
}

/** Whether pods are evicted for this drain, or will be tried again. A person's uncordon stops it, too. */
export function drainGoesOn(ledger: Ledger, { state }: Pick<DrainMemory, 'state'>): boolean {
  return (state === 'Draining' || state === 'GaveUp') && cordonOwner(ledger) !== 'TakenAway';
}

/** Whether anything of ours keeps workloads from the node, or takes them from it. */
export function isDisrupting(ledger: Ledger | null): boolean {
  if (ledger === null) return false;
  return (
    ledger.marks.some(({ owner }) => owner === 'Ours') || drainsOf(ledger).some((drain) => drainGoesOn(ledger, drain))
  );
}

/** Reads the ledger of a Node; one written for another UID counts as none. */
export function readLedger(node: Pick<NodeView, 'uid' | 'annotations'>): LedgerReading {
  const text = node.annotations[LEDGER_ANNOTATION];
  if (text === undefined) return { readable: true, ledger: null };
  const reading = readText(text);
  return reading.readable && reading.ledger?.nodeUid !== node.uid ? { readable: true, ledger: null } : reading;
}

/** Of whatever Node it is. */
const readText = rememberLast((text): LedgerReading => {
  try {
    return { readable: true, ledger: parseLedger(JSON.parse(text)) };
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    return { readable: false, problem: `annotation ${LEDGER_ANNOTATION} cannot be read: ${reason}` };
  }
});

/** The ledger of a Node; null also where it cannot be read. */
export function ledgerOf(node: Pick<NodeView, 'uid' | 'annotations'> | null): Ledger | null {
  const reading = node && readLedger(node);
  return reading?.readable ? reading.ledger : null;
}

/** The annotation's text; the same ledger always gives the same text. */
export function writeLedger({ nodeUid, since, policies, marks }: Ledger): string {
  const sorted = Object.entries(policies)
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([name, { since, marks, drain, mapped, words }]) => [name, { since, marks, drain, mapped, words }]);
  return JSON.stringify({ version: VERSION, nodeUid, since, policies: Object.fromEntries(sorted), marks });
}

function parseLedger(value: unknown): Ledger {
  const ledger = record(value, 'it');
  if (ledger.version === OLDER_VERSION) return parseLedger(upgraded(ledger));
  if (ledger.version !== VERSION) {
    throw new Error(`version must be ${OLDER_VERSION} or ${VERSION}, found ${JSON.stringify(ledger.version)}`);
  }
  const policies = Object.entries(record(ledger.policies, 'policies'));
  return {
    nodeUid: string(ledger.nodeUid, 'nodeUid'),
    since: string(ledger.since, 'since'),
    policies: Object.fromEntries(policies.map(([name, hold]) => [name, toHold(hold, `policies.${name}`)])),
    marks: array(ledger.marks, 'marks').map((entry, i) => toLedgerMark(entry, `marks[${i}]`)),
  };
}

function toLedgerMark(value: unknown, path: string): LedgerMark {
  const { effect, mark, owner } = record(value, path);
  if (owner !== 'Ours' && owner !== 'Theirs' && owner !== 'TakenAway') {
    throw new Error(`${path}.owner must be Ours, Theirs or TakenAway, found ${JSON.stringify(owner)}`);
  }
  return { effect: string(effect, `${path}.effect`), mark: toMark(effect as string, mark, `${path}.mark`), owner };
}

function toHold(value: unknown, path: string): Hold {
  const { since, marks, drain, mapped, words } = record(value, path);
  const entries = Object.entries(record(marks, `${path}.marks`));
  return {
    since: string(since, `${path}.since`),
    marks: Object.fromEntries(
      entries.map(([effect, mark]) => [effect, toMark(effect, mark, `${path}.marks.${effect}`)]),
    ),
    drain: drain === null ? null : toDrain(record(drain, `${path}.drain`), `${path}.drain`),
    ...toSaid(mapped, words),
  };
}

/** What is for people alone: it counts as absent where it is not as we write it. */
function toSaid(mapped: unknown, words: unknown): Pick<Hold, 'mapped' | 'words'> {
  const isReason = typeof mapped === 'string' && REASON.test(mapped);
  // Anybody may have written there.
  const line = typeof words === 'string' ? visibleLine(words) : '';
  return { ...(isReason && { mapped }), ...(line !== '' && { words: line }) };
}

function toMark(effect: string, value: unknown, path: string): Mark {
  const mark = record(value, path);
  const { fields, choices = {} } = markEffect(effect);
  return Object.fromEntries(fields.map((field) => [field, oneOf(mark[field], choices[field], `${path}.${field}`)]));
}

function toDrain({ state, since, rules }: Record<string, unknown>, path: string): DrainMemory {
  if (state !== 'Draining' && state !== 'Drained' && state !== 'GaveUp' && state !== 'Stopped') {
    throw new Error(`${path}.state must be Draining, Drained, GaveUp or Stopped, found ${JSON.stringify(state)}`);
  }
  return {
    state,
    since: string(since, `${path}.since`),
    rules: rules === null ? null : toRules(rules, `${path}.rules`),
  };
}

function toRules(value: unknown, path: string): DrainRules {
  const { podSelector, namespaces, deleteEmptyDirData, evictUnmanagedPods } = record(value, path);
  const { matchLabels, matchExpressions } = record(podSelector, `${path}.podSelector`);
  const { exclude } = record(namespaces, `${path}.namespaces`);
  return {
    podSelector: {
      ...(matchLabels !== undefined && { matchLabels: strings(matchLabels, `${path}.podSelector.matchLabels`) }),
      ...(matchExpressions !== undefined && {
        matchExpressions: array(matchExpressions, `${path}.podSelector.matchExpressions`).map((each, i) =>
          toRequirement(each, `${path}.podSelector.matchExpressions[${i}]`),
        ),
      }),
    },
    namespaces: {
      exclude: array(exclude, `${path}.namespaces.exclude`).map((name) => string(name, `${path}.namespaces`)),
    },
    deleteEmptyDirData: deleteEmptyDirData === true,
    evictUnmanagedPods: evictUnmanagedPods === true,
  };
}

function toRequirement(value: unknown, path: string): LabelSelectorRequirement {
  const { key, operator, values } = record(value, path);
  return {
    key: string(key, `${path}.key`),
    operator: string(operator, `${path}.operator`) as LabelSelectorRequirement['operator'],
    ...(values !== undefined && {
      values: array(values, `${path}.values`).map((each) => string(each, `${path}.values`)),
    }),
  };
}

function strings(value: unknown, path: string): Record<string, string> {
  const entries = Object.entries(record(value, path));
  return Object.fromEntries(entries.map(([key, each]) => [key, string(each, `${path}.${key}`)]));
}

/** What version 1 said, in the words of this one. */
function upgraded(old: Record<string, unknown>): Record<string, unknown> {
  const word = (value: unknown) => (value === 'Released' ? 'TakenAway' : value);
  const drain = old.drain === null ? null : record(old.drain, 'drain');
  const memory = drain && { ...drain, state: drain.state === 'Released' ? 'Stopped' : drain.state, rules: null };
  const policies = Object.entries(record(old.policies, 'policies')).map(([name, value]) => {
    const hold = record(value, `policies.${name}`);
    const marks = { ...(hold.cordon === true && { cordon: {} }), ...(hold.taint != null && { taint: hold.taint }) };
    return [name, { since: hold.since, marks, drain: hold.drain === true ? memory : null }];
  });
  const taints = array(old.taints, 'taints').map((value, i) => {
    const taint = record(value, `taints[${i}]`);
    return { effect: 'taint', mark: taint, owner: word(taint.owner) };
  });
  const cordon = old.cordon === null ? [] : [{ effect: 'cordon', mark: {}, owner: word(old.cordon) }];
  return { ...old, version: VERSION, policies: Object.fromEntries(policies), marks: [...cordon, ...taints] };
}

function string(value: unknown, path: string): string {
  if (typeof value === 'string') return value;
  throw new Error(`${path} must be a string, found ${JSON.stringify(value)}`);
}

/** @param choices absent: any string */
function oneOf(value: unknown, choices: readonly string[] | undefined, path: string): string {
  const found = string(value, path);
  if (choices === undefined || choices.includes(found)) return found;
  throw new Error(`${path} must be one of ${choices.join(', ')}, found ${JSON.stringify(found)}`);
}

function record(value: unknown, path: string): Record<string, unknown> {
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value as Record<string, unknown>;
  throw new Error(`${path} must be an object, found ${JSON.stringify(value)}`);
}

function array(value: unknown, path: string): unknown[] {
  if (Array.isArray(value)) return value;
  throw new Error(`${path} must be a list, found ${JSON.stringify(value)}`);
}
