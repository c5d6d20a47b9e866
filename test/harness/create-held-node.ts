import { type Ledger, writeLedger } from '../../agent/core/ledger.ts';
import type { ApiClient, KubeObject } from './api-client.ts';
import { isCordoned, isHeld, type NodeObject, taintsOf } from './held-node.ts';
import { createNode, type NewNode, type Taint } from './nodes.ts';

/** The taint of a held node. */
export const SICK = { key: 'sick', value: 'true', effect: 'NoSchedule' } as const;

/**
 * Creates a Node as an agent leaves it that cordoned and tainted it for the policy `disk`, and drained it. It is the
 * ledger alone that says so: no agent runs.
 */
export async function createHeldNode(
  api: ApiClient,
  name: string,
  { ledger, annotations, taints = [], ...node }: NewNode & { readonly ledger?: Partial<Ledger> } = {},
): Promise<KubeObject> {
  const { metadata } = await createNode(api, name, { unschedulable: true, ...node, taints: [...taints, SICK] });
  const since = ledger?.since ?? '2026-01-01T00:00:00Z';
  const whole: Ledger = {
    nodeUid: metadata.uid,
    since,
    policies: { disk: { since, marks: { cordon: {}, taint: SICK }, drain: { state: 'Drained', since, rules: null } } },
    marks: [
      { effect: 'cordon', mark: {}, owner: 'Ours' },
      { effect: 'taint', mark: SICK, owner: 'Ours' },
    ],
    ...ledger,
  };
  const held = {
    'node-svc-checker/ledger': writeLedger(whole),
    'node-svc-checker-drain-state': 'drainActive',
    ...annotations,
  };
  return api.requestOk('PATCH', `/api/v1/nodes/${name}`, { body: { metadata: { annotations: held } } });
}

/** Whether nothing was taken back of what `createHeldNode` put on it, beside the taints it was given. */
export function isAsHeld(node: NodeObject, taints: readonly Taint[] = []): boolean {
  const keys = taintsOf(node).map(({ key }) => key);
  return isCordoned(node) && isHeld(node) && keys.join() === [...taints, SICK].map(({ key }) => key).join();
}
