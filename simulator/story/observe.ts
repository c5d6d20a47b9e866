import type { LogEntry } from './agent-log.ts';
import {
  eventsOn,
  type NodeSnapshot,
  patchesOf,
  podsOn,
  readNode,
  requestsAbout,
  taintsOf,
  writesOf,
} from './evidence.ts';
import { POLICY_NAME } from './files.ts';
import type { Stage } from './stage.ts';

/** How each node was once its agent had settled in. */
export type Before = ReadonlyMap<string, NodeSnapshot>;

const LIST = new Intl.ListFormat('en-GB');

/** Nothing was written to these Nodes, and nothing asked about them: a check that stays healthy is free. */
export function verifyUntouched({ simulator, verify }: Stage, before: Before, names: readonly string[]): void {
  verify(
    `no request about ${LIST.format(names)}, and no change`,
    names.map((name) => ({ requests: requestsAbout(simulator, name).length, ...whatMayChange(simulator, name) })),
    names.map((name) => ({ requests: before.get(name)?.requests, ...whatWas(before, name) })),
  );
}

/** @throws Error when the Node was written to, or lost a pod */
export function verifyAsItWas({ simulator, verify }: Stage, before: Before, name: string): void {
  verify(
    `${name} is as it was: no cordon, no taint, every pod runs`,
    whatMayChange(simulator, name),
    whatWas(before, name),
  );
}

function whatMayChange(simulator: Stage['simulator'], name: string) {
  return { pods: podsOn(simulator, name), resourceVersion: readNode(simulator, name).metadata.resourceVersion };
}

function whatWas(before: Before, name: string) {
  const was = before.get(name);
  return { pods: was?.pods, resourceVersion: was?.node.metadata.resourceVersion };
}

/** Whatever was done to the Node is undone. */
export function verifyGivenBack({ simulator, verify }: Stage, before: Before, name: string): void {
  const was = before.get(name)?.node;
  const { spec, metadata } = readNode(simulator, name);
  verify(
    `${name} is as it was, and says that it is not being drained`,
    { spec, labels: metadata.labels, annotations: metadata.annotations },
    {
      spec: was?.spec,
      labels: was?.metadata.labels,
      annotations: { ...was?.metadata.annotations, 'node-svc-checker-drain-state': 'drainNotActive' },
    },
  );
}

type NodePatchBody = { metadata: { resourceVersion?: string }; spec?: Record<string, unknown> };

export function newPatches({ simulator }: Stage, before: Before, name: string): NodePatchBody[] {
  return patchesOf(simulator, name)
    .slice(before.get(name)?.patches)
    .map(({ body }) => JSON.parse(body));
}

/** To Nodes and Leases, by all agents, as `create Lease …`. */
export function newWrites({ simulator }: Stage, before: Before): string[] {
  // Until then there were the policy reports only.
  const reports = [...before.values()].reduce((sum, { patches }) => sum + patches, 0);
  return writesOf(simulator).slice(reports);
}

export function isCordoned({ simulator }: Stage, name: string): boolean {
  return readNode(simulator, name).spec.unschedulable === true;
}

/** By its agent and by the control plane, which takes its own taint away some time after the agent has uncordoned. */
export function isGivenBack(stage: Stage, name: string): boolean {
  const node = readNode(stage.simulator, name);
  return !isCordoned(stage, name) && taintsOf(node).length === 0 && node.spec.taints === undefined;
}

export function annotationsOf({ simulator }: Stage, name: string): Readonly<Record<string, string>> {
  return readNode(simulator, name).metadata.annotations ?? {};
}

export function hasEvent({ simulator }: Stage, name: string, reason: string): boolean {
  return eventsOn(simulator, name).some((event) => event.reason === reason);
}

export function logOf({ agents }: Stage, name: string): readonly LogEntry[] {
  return agents.get(name)?.log ?? [];
}

export function runsOf({ agents }: Stage, name: string): number {
  return agents.get(name)?.reading.runs ?? 0;
}

export function isHealthy({ agents }: Stage, name: string): boolean {
  return agents.get(name)?.reading.checks[POLICY_NAME]?.verdict === 'OK';
}

export function failuresInARow({ agents }: Stage, name: string): number {
  return agents.get(name)?.reading.checks[POLICY_NAME]?.failures ?? 0;
}
