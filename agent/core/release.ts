import { drainGoesOn, type Ledger, type LedgerTaint, type Owner, readLedger, writeLedger } from './ledger.ts';
import { DRAIN_STATE_ANNOTATION, LEDGER_ANNOTATION, type NodePatch, type NodeView } from './node.ts';
import type { Taint } from './policy.ts';
import { sameTaint } from './taint.ts';

/** One thing that releasing a node does to it. */
export type ReleaseStep =
  | { readonly kind: 'Uncordon' }
  | { readonly kind: 'RemoveTaint'; readonly taint: Taint }
  /** An agent's drain stops, if it goes on still, and the node says that it is not being drained. */
  | { readonly kind: 'EndDrain' };

export type Release =
  /** Nobody can tell what is ours, so nothing may be touched. */
  | { readonly kind: 'Unreadable'; readonly problem: string }
  /** No agent has ever held this Node, or it has given it back. */
  | { readonly kind: 'NotHeld' }
  /** The node is in an episode, and nothing that was done to it is ours, or not any more. */
  | { readonly kind: 'NothingOurs' }
  | { readonly kind: 'Release'; readonly patch: NodePatch; readonly steps: readonly ReleaseStep[] };

/**
 * The one write that takes back everything that the ledger says is ours.
 *
 * The ledger stays, with our effects as `Released`: for an agent that runs it is as if a person had taken them away, so
 * it does not take the node again in this episode, and cleans up at its end.
 */
export function releaseNode(node: NodeView): Release {
  const reading = readLedger(node);
  if (!reading.readable) return { kind: 'Unreadable', problem: reading.problem };
  const before = reading.ledger;
  if (before === null) return { kind: 'NotHeld' };

  const ours = before.taints.filter((taint) => taint.owner === 'Ours' && hasTaint(node, taint));
  const uncordons = before.cordon === 'Ours' && node.unschedulable;
  const endsDrain = drainGoesOn(before) || node.annotations[DRAIN_STATE_ANNOTATION] === 'drainActive';
  const after: Ledger = {
    ...before,
    cordon: releasedCordon(before, node),
    taints: before.taints.map((taint) => releasedTaint(taint, node)),
    drain: before.drain && { ...before.drain, state: 'Released' },
  };
  const ledger = writeLedger(after);
  const steps: ReleaseStep[] = [
    ...(uncordons ? [{ kind: 'Uncordon' as const }] : []),
    ...ours.map(({ key, value, effect }) => ({ kind: 'RemoveTaint' as const, taint: { key, value, effect } })),
    ...(endsDrain ? [{ kind: 'EndDrain' as const }] : []),
  ];
  if (steps.length === 0 && ledger === writeLedger(before)) return { kind: 'NothingOurs' };
  const patch: NodePatch = {
    resourceVersion: node.resourceVersion,
    annotations: { [LEDGER_ANNOTATION]: ledger, ...(endsDrain && { [DRAIN_STATE_ANNOTATION]: 'drainNotActive' }) },
    ...(uncordons && { unschedulable: null }),
    ...(ours.length > 0 && { taints: node.taints.filter((taint) => !ours.some((own) => sameTaint(own, taint))) }),
  };
  return { kind: 'Release', patch, steps };
}

function releasedCordon({ cordon }: Ledger, node: NodeView): Owner | null {
  return cordon === 'Ours' || (cordon === 'Theirs' && !node.unschedulable) ? 'Released' : cordon;
}

/** What is there with another value, or again, is a person's. */
function releasedTaint({ owner, ...taint }: LedgerTaint, node: NodeView): LedgerTaint {
  const isFound = node.taints.some((found) => sameTaint(found, taint));
  const isOurs = owner === 'Ours' && hasTaint(node, taint);
  return { ...taint, owner: isFound && !isOurs ? 'Theirs' : 'Released' };
}

function hasTaint({ taints }: NodeView, { key, value, effect }: Taint): boolean {
  return taints.some((found) => found.key === key && found.effect === effect && (found.value ?? '') === value);
}
