import type { LoggedRequest } from '../server.ts';
import type { Simulator } from '../simulator.ts';

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
  readonly requests: number;
}

export function snapshotNode(simulator: Simulator, name: string): NodeSnapshot {
  return {
    node: readNode(simulator, name),
    pods: podsOn(simulator, name),
    patches: patchesOf(simulator, name).length,
    requests: requestsOf(simulator, name).length,
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
  readonly cordon?: unknown;
  readonly taints?: unknown;
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

/** The Events on a node, oldest first. */
export function eventsOn(simulator: Simulator, nodeName: string): { reason: string; at: Date }[] {
  return simulator
    .list('Event')
    .filter((event) => involvedNode(event) === nodeName)
    .sort((a, b) => Number(a.metadata.resourceVersion) - Number(b.metadata.resourceVersion))
    .map((event) => ({ reason: String(event.reason), at: new Date(String(event.lastTimestamp)) }));
}

/** Every request a node's agent has made. Agents are told apart by the Node each request is about. */
export function requestsOf(simulator: Simulator, nodeName: string): LoggedRequest[] {
  return simulator.requests.filter(
    (request) => request.userAgent.startsWith('node-svc-checker/') && isAbout(request, nodeName),
  );
}

/** The writes to a Node's object that the API server accepted, from whomever. */
export function patchesOf(simulator: Simulator, nodeName: string): LoggedRequest[] {
  return simulator.requests.filter(
    ({ method, path, status }) => method === 'PATCH' && status === 200 && pathOf(path) === `/api/v1/nodes/${nodeName}`,
  );
}

function isAbout({ path, body, method }: LoggedRequest, nodeName: string): boolean {
  const { searchParams } = new URL(path, 'http://simulator');
  if (pathOf(path) === `/api/v1/nodes/${nodeName}`) return true;
  const selector = searchParams.get('fieldSelector');
  if (selector === `metadata.name=${nodeName}` || selector === `spec.nodeName=${nodeName}`) return true;
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
