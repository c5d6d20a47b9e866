import { ledgerOf, readLedger, writeLedger } from '../ledger.ts';
import { LEDGER_ANNOTATION, type NodeView } from '../node.ts';
import type { NodeTaint } from '../taint.ts';

/** What of a node `nsc nodes` writes down, and `nsc plan --nodes` reads. */
export type NodeRecord = Pick<NodeView, 'name' | 'uid' | 'labels' | 'unschedulable' | 'ready' | 'taints'> & {
  /** Names of the policies that hold it, for people: a plan goes by the ledger. */
  readonly held: readonly string[];
  /** As in its annotation; null: its agent holds nothing. */
  readonly ledger: string | null;
};

export type NodesFile = { readonly kind: 'NodeSnapshot'; readonly nodes: readonly NodeRecord[] };

/** More than any Kubernetes cluster has. */
const MAX_NODES = 50_000;
const KIND = 'NodeSnapshot';

/** What of these nodes a plan depends on, by name. */
export function toNodesFile(views: readonly NodeView[]): NodesFile {
  const nodes = views.map((view): NodeRecord => {
    const { name, uid, labels, unschedulable, ready, taints, annotations } = view;
    const held = Object.keys(ledgerOf(view)?.policies ?? {}).sort();
    return { name, uid, labels, unschedulable, ready, taints, held, ledger: annotations[LEDGER_ANNOTATION] ?? null };
  });
  return { kind: KIND, nodes: nodes.sort((a, b) => (a.name < b.name ? -1 : 1)) };
}

/**
 * The same for the eyes of others: nodes have numbers for names, labels and taints that would tell theirs are without it, and what
 * checks said is left out. What a plan says is the same, but for the names.
 */
export function redacted({ kind, nodes }: NodesFile): NodesFile {
  const digits = String(nodes.length).length;
  return {
    kind,
    nodes: nodes.map((node, index) => redactNode(node, `node-${String(index + 1).padStart(digits, '0')}`)),
  };
}

function redactNode(node: NodeRecord, name: string): NodeRecord {
  const hide = (value: string) => (value.includes(node.name) || node.name.startsWith(`${value}.`) ? name : value);
  const labels = Object.entries(node.labels).map(([key, value]) => [key, hide(value)] as const);
  const reading = readLedger(asView(node));
  const ledger = reading.readable ? reading.ledger : null;
  const withoutWords = Object.entries(ledger?.policies ?? {}).map(([policy, { words: _, ...hold }]) => [policy, hold]);
  return {
    ...node,
    name,
    uid: name,
    labels: Object.fromEntries(labels),
    taints: node.taints.map((taint) => (taint.value === undefined ? taint : { ...taint, value: hide(taint.value) })),
    ledger: ledger && writeLedger({ ...ledger, nodeUid: name, policies: Object.fromEntries(withoutWords) }),
  };
}

/**
 * The nodes of a file that `nsc nodes` wrote.
 *
 * @throws Error that says what is required, what was found, and where
 */
export function readNodesFile(text: string): NodeView[] {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    throw new Error(`must be JSON as nsc nodes writes it (${error instanceof Error ? error.message : error})`);
  }
  const { kind, nodes } = record(value, '$');
  if (kind !== KIND) throw wrong('$.kind', JSON.stringify(KIND), kind);
  if (!Array.isArray(nodes)) throw wrong('$.nodes', 'a list', nodes);
  if (nodes.length > MAX_NODES) throw wrong('$.nodes', `at most ${MAX_NODES} nodes`, nodes.length);
  const views = nodes.map((node, index) => asView(readNode(node, `$.nodes[${index}]`)));
  const names = new Set<string>();
  for (const [index, { name }] of views.entries()) {
    if (names.has(name)) throw wrong(`$.nodes[${index}].name`, 'unique', name);
    names.add(name);
  }
  return views;
}

function readNode(value: unknown, path: string): NodeRecord {
  const { name, uid, labels, unschedulable, ready, taints, ledger = null } = record(value, path);
  if (typeof name !== 'string' || name === '') throw wrong(`${path}.name`, 'the name of a node', name);
  if (typeof uid !== 'string') throw wrong(`${path}.uid`, 'text', uid);
  for (const [field, flag] of Object.entries({ unschedulable, ready })) {
    if (typeof flag !== 'boolean') throw wrong(`${path}.${field}`, 'true or false', flag);
  }
  for (const [key, label] of Object.entries(record(labels, `${path}.labels`))) {
    if (typeof label !== 'string') throw wrong(`${path}.labels[${JSON.stringify(key)}]`, 'text', label);
  }
  if (!Array.isArray(taints)) throw wrong(`${path}.taints`, 'a list', taints);
  if (ledger !== null && typeof ledger !== 'string') throw wrong(`${path}.ledger`, 'text or null', ledger);
  const node = {
    name,
    uid,
    labels: labels as NodeRecord['labels'],
    unschedulable: unschedulable === true,
    ready: ready === true,
    taints: taints.map((taint, n) => readTaint(taint, `${path}.taints[${n}]`)),
    ledger,
  };
  const reading = readLedger(asView(node));
  if (!reading.readable) throw new Error(`${path}.ledger: ${reading.problem}`);
  return { ...node, held: Object.keys(reading.ledger?.policies ?? {}) };
}

function readTaint(value: unknown, path: string): NodeTaint {
  const taint = record(value, path);
  for (const field of ['key', 'effect']) {
    if (typeof taint[field] !== 'string') throw wrong(`${path}.${field}`, 'text', taint[field]);
  }
  if (taint.value !== undefined && typeof taint.value !== 'string') throw wrong(`${path}.value`, 'text', taint.value);
  return taint as NodeTaint;
}

function asView({ ledger, ...node }: Omit<NodeRecord, 'held'>): NodeView {
  return {
    ...node,
    resourceVersion: '1',
    annotations: ledger === null ? {} : { [LEDGER_ANNOTATION]: ledger },
    conditions: [],
  };
}

function record(value: unknown, path: string): Readonly<Record<string, unknown>> {
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) {
    return value as Readonly<Record<string, unknown>>;
  }
  throw wrong(path, 'an object', value);
}

function wrong(path: string, required: string, found: unknown): Error {
  const text = JSON.stringify(found) ?? 'nothing';
  return new Error(`${path} must be ${required}, found ${text.length > 100 ? `${text.slice(0, 100)}…` : text}`);
}
