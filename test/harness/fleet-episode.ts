import { BUDGET_LABEL } from '../../agent/core/slot.ts';
import type { ApiClient, KubeList } from './api-client.ts';
import type { Fleet } from './fleet.ts';
import type { FleetLaw } from './fleet-law.ts';
import { isReleased, type NodeObject, taintsOf } from './held-node.ts';
import { waitFor } from './wait-for.ts';

const KIND = { apiVersion: 'node-svc-checker/v1', kind: 'NodeCheckPolicy' };
const CHECK = { command: ['/bin/true'], periodSeconds: 1, failureThreshold: 1 };
const TAINT = { key: 'sick', value: 'true', effect: 'NoSchedule' };

/** Nodes labelled `act: taint` are tainted only, which no list of cordoned nodes shows; the others are cordoned, too. */
export function fleetPolicies(): object[] {
  const policy = (act: string, operator: string, actions: object) => ({
    ...KIND,
    metadata: { name: act },
    spec: {
      check: CHECK,
      nodeSelector: { matchExpressions: [{ key: 'act', operator, values: ['taint'] }] },
      actions,
    },
  });
  return [policy('cordons', 'NotIn', { cordon: true, taint: TAINT }), policy('taints', 'In', { taint: TAINT })];
}

/** Heals each node so long after it was disrupted. @returns how to stop that */
export function healAfterTurn({ members }: Fleet, law: FleetLaw, sickMs: number): () => void {
  const timers = new Map<string, NodeJS.Timeout>();
  const look = setInterval(() => {
    for (const { name, heal } of members) {
      if (law.hadTurn.has(name) && !timers.has(name)) timers.set(name, setTimeout(heal, sickMs));
    }
  }, 20);
  return () => {
    clearInterval(look);
    for (const timer of timers.values()) clearTimeout(timer);
  };
}

/** Waits until no Lease, no ledger, no cordon and no taint is left. */
export async function untilNothingIsLeft(api: ApiClient, namespace: string): Promise<void> {
  const leases = `/apis/coordination.k8s.io/v1/namespaces/${namespace}/leases?labelSelector=${BUDGET_LABEL}`;
  let left: string[] = [];
  const look = async () => {
    const held = ((await api.requestOk<KubeList>('GET', leases)).items ?? []).map(({ metadata }) => metadata.name);
    const nodes = ((await api.requestOk<KubeList>('GET', '/api/v1/nodes')).items ?? []).filter((object) => {
      const node = object as unknown as NodeObject;
      return !isReleased(node) || taintsOf(node).length > 0;
    });
    left = [...held, ...nodes.map(({ metadata }) => metadata.name)];
    return left.length === 0;
  };
  await waitFor(look, { what: 'no Lease, ledger, cordon or taint to be left' }).catch((error) => {
    throw new Error(`${error.message}; left: ${left.join(', ')}`);
  });
}
