import type { LoggedRequest } from '../exchange.ts';
import type { Simulator } from '../simulator.ts';

/** On the Lease that is a slot: the name of its budget. */
const BUDGET_LABEL = 'node-svc-checker/budget';

export interface Taint {
  readonly key: string;
  readonly value?: string;
  readonly effect: string;
}

/** A Node as the simulator stores it, as far as the story looks. */
export interface StoredNode {
  readonly metadata: {
    readonly uid: string;
    readonly resourceVersion: string;
    readonly labels?: Readonly<Record<string, string>>;
    readonly annotations?: Readonly<Record<string, string>>;
  };
  readonly spec: { readonly unschedulable?: boolean; readonly taints?: readonly Taint[] };
}

/** @throws Error when there is none. */
export function readNode(simulator: Simulator, name: string): StoredNode {
  const node = simulator.read('Node', name);
  if (node === undefined) throw new Error(`there is no Node ${name} any more`);
  return node as unknown as StoredNode;
}

/** What can be compared with later. */
export interface NodeSnapshot {
  readonly node: StoredNode;
  readonly pods: readonly string[];
  /** How many there had been. */
  readonly patches: number;
  /** Those about it. */
  readonly requests: number;
}

export function snapshotNode(simulator: Simulator, name: string): NodeSnapshot {
  return {
    node: readNode(simulator, name),
    pods: podsOn(simulator, name),
    patches: patchesOf(simulator, name).length,
    requests: requestsAbout(simulator, name).length,
  };
}

/** Put there by the control plane (the simulator plays it) because a node is cordoned. */
const CONTROL_PLANE_TAINT = 'node.kubernetes.io/unschedulable';

/** The taints that no control plane would have put there by itself. */
export function taintsOf({ spec }: StoredNode): readonly Taint[] {
  return (spec.taints ?? []).filter(({ key }) => key !== CONTROL_PLANE_TAINT);
}

/** What the story reads of it. */
interface Ledger {
  readonly nodeUid?: unknown;
  readonly marks?: unknown;
  readonly policies?: Readonly<Record<string, unknown>>;
}

/** The agent's own memory of what it did to the node; undefined when it holds nothing. */
export function ledgerOf({ metadata }: StoredNode): Ledger | undefined {
  const text = metadata.annotations?.['node-svc-checker/ledger'];
  return text === undefined ? undefined : JSON.parse(text);
}

/** Namespaced names of the pods that run on a node. */
export function podsOn(simulator: Simulator, nodeName: string): string[] {
  return simulator
    .list('Pod')
    .filter(({ spec, status }) => spec?.nodeName === nodeName && status?.phase === 'Running')
    .map(({ metadata }) => `${metadata.namespace}/${metadata.name}`);
}

/** A Lease that lets a node be disrupted under a budget. */
export interface StoredSlot {
  readonly lease: string;
  readonly budget: string | undefined;
  readonly holder: unknown;
}

/** The slots of all budgets. The Leases that kubelets keep are none. */
export function slotsOf(simulator: Simulator): StoredSlot[] {
  return simulator
    .list('Lease')
    .filter(({ metadata }) => BUDGET_LABEL in (metadata.labels ?? {}))
    .map(({ metadata, spec }) => ({
      lease: metadata.name,
      budget: metadata.labels?.[BUDGET_LABEL],
      holder: spec?.holderIdentity,
    }));
}

/** An Event as far as the story looks. */
export interface StoredEvent {
  readonly reason: string;
  readonly message: string;
  /** When it last happened. */
  readonly at: Date;
}

/** The Events on a node, oldest first. */
export function eventsOn(simulator: Simulator, nodeName: string): StoredEvent[] {
  return simulator
    .list('Event')
    .filter((event) => involvedNode(event) === nodeName)
    .sort((a, b) => Number(a.metadata.resourceVersion) - Number(b.metadata.resourceVersion))
    .map(({ reason, message, lastTimestamp }) => ({
      reason: String(reason),
      message: String(message),
      at: new Date(String(lastTimestamp)),
    }));
}

/** Every request the agents have made. */
export function requestsOfAgents(simulator: Simulator): LoggedRequest[] {
  return simulator.requests.filter(({ userAgent }) => userAgent.startsWith('node-svc-checker/'));
}

/** Whether an agent looks for Leases: some time after its start it does so once more, and then every few minutes. */
export function isLookForLeases({ method, path }: LoggedRequest): boolean {
  return method === 'GET' && pathOf(path).startsWith(LEASES);
}

/**
 * Every request about a Node: its agent makes them. What is asked on behalf of a budget (reads of Leases, lists of cordoned
 * nodes) is about no Node, and may come from any agent.
 */
export function requestsAbout(simulator: Simulator, nodeName: string): LoggedRequest[] {
  return requestsOfAgents(simulator).filter((request) => isAbout(request, nodeName));
}

/** The writes to a Node's object that the API server accepted, from whomever. */
export function patchesOf(simulator: Simulator, nodeName: string): LoggedRequest[] {
  return simulator.requests.filter((request) => describeWrite(request) === `patch Node ${nodeName}`);
}

/** The writes of agents to Nodes and Leases that the API server accepted, in its order, as `create Lease …`. */
export function writesOf(simulator: Simulator): string[] {
  return requestsOfAgents(simulator)
    .map(describeWrite)
    .filter((write) => write !== null);
}

const LEASES = '/apis/coordination.k8s.io/v1/namespaces/default/leases';

function describeWrite({ method, path, body, status }: LoggedRequest): string | null {
  if (status === undefined || status >= 300) return null;
  const [, node] = /^\/api\/v1\/nodes\/([^/]+)$/.exec(pathOf(path)) ?? [];
  if (method === 'PATCH' && node !== undefined) return `patch Node ${node}`;
  if (method === 'POST' && pathOf(path) === LEASES) return `create Lease ${JSON.parse(body).metadata.name}`;
  if (method === 'DELETE' && path.startsWith(`${LEASES}/`))
    return `delete Lease ${pathOf(path).slice(LEASES.length + 1)}`;
  return null;
}

function isAbout(request: LoggedRequest, nodeName: string): boolean {
  const { path, body, method } = request;
  if (isLookForLeases(request)) return false;
  const { searchParams } = new URL(path, 'http://simulator');
  if (pathOf(path) === `/api/v1/nodes/${nodeName}`) return true;
  const selector = searchParams.get('fieldSelector');
  if (selector === `metadata.name=${nodeName}` || selector === `spec.nodeName=${nodeName}`) return true;
  if (path.startsWith(`${LEASES}/`)) return pathOf(path).endsWith(`-${nodeName}`);
  if (method === 'POST' && path === LEASES) return JSON.parse(body).spec.holderIdentity === nodeName;
  // Events are named after their Node; on creation the name is in the body only.
  if (path.includes(`/events/${nodeName}.`)) return true;
  return method === 'POST' && path.endsWith('/events') && involvedNode(JSON.parse(body)) === nodeName;
}

function pathOf(path: string): string {
  return new URL(path, 'http://simulator').pathname;
}

function involvedNode({ involvedObject }: Readonly<Record<string, unknown>>): string | undefined {
  const { kind, name } = (involvedObject ?? {}) as { kind?: string; name?: string };
  return kind === 'Node' ? name : undefined;
}
