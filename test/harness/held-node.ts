/** What an agent leaves on a Node, as anybody can read it. */

export const LEDGER = 'node-svc-checker/ledger';
export const DRAIN_STATE = 'node-svc-checker-drain-state';
export const POLICY_REPORT = 'node-svc-checker/policy';
export const AGENT = 'node-svc-checker/agent';
export const OWN_CONDITIONS = 'node-svc-checker/conditions';

/** A condition in a Node's status. */
export interface Condition {
  readonly type: string;
  readonly status: string;
  readonly reason?: string;
  readonly message?: string;
  readonly lastHeartbeatTime?: string;
  readonly lastTransitionTime?: string;
}

/** Of a Node what these tests look at. */
export interface NodeObject {
  readonly metadata: { readonly resourceVersion: string; readonly annotations?: Readonly<Record<string, string>> };
  readonly spec: {
    readonly unschedulable?: boolean;
    readonly taints?: readonly { readonly key: string; readonly value?: string; readonly effect: string }[];
  };
  readonly status?: { readonly conditions?: readonly Condition[] };
}

export function conditionOf({ status }: Pick<NodeObject, 'status'>, type: string): Condition | undefined {
  return status?.conditions?.find((condition) => condition.type === type);
}

/** The types of the conditions that an agent says are its own. */
export function ownConditionsOf({ metadata }: NodeObject): string[] {
  return JSON.parse(metadata.annotations?.[OWN_CONDITIONS] ?? '[]');
}

export function isCordoned({ spec }: NodeObject): boolean {
  return spec.unschedulable === true;
}

/** In an episode: the ledger is there, whatever it says. */
export function isHeld({ metadata }: NodeObject): boolean {
  return metadata.annotations?.[LEDGER] !== undefined;
}

/** Neither cordoned nor in an episode. */
export function isReleased(node: NodeObject): boolean {
  return !isCordoned(node) && !isHeld(node);
}

/** The agent has said on the Node which policy is in force. */
export function isReportedOn({ metadata }: NodeObject): boolean {
  return metadata.annotations?.[POLICY_REPORT] !== undefined;
}

/** The ledger, as tests look at it; empty when there is none. */
// biome-ignore lint/suspicious/noExplicitAny: what a test expects of it, it says itself
export function ledgerOf({ metadata }: Pick<NodeObject, 'metadata'> | { metadata: any }): any {
  return readLedgerText(metadata.annotations?.[LEDGER]);
}

/** With the owner of the cordon, the taints with theirs, and of the drains the first one's memory, or null. */
// biome-ignore lint/suspicious/noExplicitAny: the same
export function readLedgerText(text: string | undefined): any {
  if (text === undefined) return {};
  const ledger = JSON.parse(text);
  const marks: { effect: string; mark: object; owner: string }[] = ledger.marks ?? [];
  const holds: { drain: { state: string; since: string } | null }[] = Object.values(ledger.policies ?? {});
  const drain = holds.find((hold) => hold.drain !== null)?.drain ?? null;
  return {
    ...ledger,
    cordon: marks.find(({ effect }) => effect === 'cordon')?.owner ?? null,
    taints: marks.filter(({ effect }) => effect === 'taint').map(({ mark, owner }) => ({ ...mark, owner })),
    drain: drain && { state: drain.state, since: drain.since },
  };
}

/** Without the taints of the control plane itself. */
export function taintsOf({ spec }: NodeObject): NonNullable<NodeObject['spec']['taints']> {
  return (spec.taints ?? []).filter(({ key }) => !key.startsWith('node.kubernetes.io/'));
}
