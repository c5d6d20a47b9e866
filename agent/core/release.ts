import { drainGoesOn, type Ledger, type LedgerTaint, type Owner, readLedger, writeLedger } from './ledger.ts';
import {
  type ConditionsPatch,
  DRAIN_STATE_ANNOTATION,
  LEDGER_ANNOTATION,
  type NodePatch,
  type NodeView,
  ownAnnotations,
} from './node.ts';
import { forgetConditions } from './node-conditions.ts';
import type { Taint } from './policy.ts';
import { sameTaint } from './taint.ts';

/** One thing that releasing a node does to it. */
export type ReleaseStep =
  | { readonly kind: 'Uncordon' }
  | { readonly kind: 'RemoveTaint'; readonly taint: Taint }
  /** An agent's drain stops, if it goes on still, and the node says that it is not being drained. */
  | { readonly kind: 'EndDrain' }
  /** Forgetting alone does these. */
  | { readonly kind: 'RemoveConditions'; readonly types: readonly string[] }
  | { readonly kind: 'RemoveAnnotations'; readonly names: readonly string[] };

export type Release =
  /** Nobody can tell what is ours, so nothing may be touched. */
  | { readonly kind: 'Unreadable'; readonly problem: string }
  /** No agent has ever held this Node, or it has given it back. */
  | { readonly kind: 'NotHeld' }
  /** The node is in an episode, and nothing that was done to it is ours, or not any more. */
  | { readonly kind: 'NothingOurs' }
  | {
      readonly kind: 'Release';
      /** Comes before the patch, which removes what says that they are ours; null: nothing to write. */
      readonly conditions: ConditionsPatch | null;
      readonly patch: NodePatch;
      readonly steps: readonly ReleaseStep[];
    };

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

  const { effects, steps } = takeBack(before, node);
  const endsDrain = steps.some(({ kind }) => kind === 'EndDrain');
  const ledger = writeLedger({
    ...before,
    cordon: releasedCordon(before, node),
    taints: before.taints.map((taint) => releasedTaint(taint, node)),
    drain: before.drain && { ...before.drain, state: 'Released' },
  });
  if (steps.length === 0 && ledger === writeLedger(before)) return { kind: 'NothingOurs' };
  const annotations = {
    [LEDGER_ANNOTATION]: ledger,
    ...(endsDrain && { [DRAIN_STATE_ANNOTATION]: 'drainNotActive' }),
  };
  const patch = { resourceVersion: node.resourceVersion, annotations, ...effects };
  return { kind: 'Release', conditions: null, patch, steps };
}

/**
 * What makes a Node say nothing of us any more: what `releaseNode` takes back, every condition and every annotation.
 *
 * It is for when no agent runs there: one that does would take the node again at its next look, and write its report.
 */
export function forgetNode(node: NodeView): Release {
  const reading = readLedger(node);
  if (!reading.readable) {
    const advice = `undo by hand what agents did there and remove it (kubectl annotate node ${node.name} ${LEDGER_ANNOTATION}-)`;
    return {
      kind: 'Unreadable',
      problem: `${reading.problem}; ${advice}, or use the nsc of the version that wrote it`,
    };
  }
  const conditions = forgetConditions(node);
  if (!conditions.readable) return { kind: 'Unreadable', problem: conditions.problem };
  const names = ownAnnotations(node);
  if (names.length === 0) return { kind: 'NothingOurs' };
  const { effects, steps } = reading.ledger === null ? { effects: {}, steps: [] } : takeBack(reading.ledger, node);
  const annotations = Object.fromEntries(names.map((name) => [name, null]));
  return {
    kind: 'Release',
    conditions: conditions.patch,
    patch: { resourceVersion: node.resourceVersion, annotations, ...effects },
    steps: [
      ...steps,
      ...(conditions.patch === null ? [] : [{ kind: 'RemoveConditions' as const, types: conditions.patch.remove }]),
      { kind: 'RemoveAnnotations', names },
    ],
  };
}

/** Of what the ledger says is ours, all that is there still. */
function takeBack(
  ledger: Ledger,
  node: NodeView,
): { effects: Pick<NodePatch, 'unschedulable' | 'taints'>; steps: readonly ReleaseStep[] } {
  const ours = ledger.taints.filter((taint) => taint.owner === 'Ours' && hasTaint(node, taint));
  const uncordons = ledger.cordon === 'Ours' && node.unschedulable;
  const endsDrain = drainGoesOn(ledger) || node.annotations[DRAIN_STATE_ANNOTATION] === 'drainActive';
  return {
    effects: {
      ...(uncordons && { unschedulable: null }),
      ...(ours.length > 0 && { taints: node.taints.filter((taint) => !ours.some((own) => sameTaint(own, taint))) }),
    },
    steps: [
      ...(uncordons ? [{ kind: 'Uncordon' as const }] : []),
      ...ours.map(({ key, value, effect }) => ({ kind: 'RemoveTaint' as const, taint: { key, value, effect } })),
      ...(endsDrain ? [{ kind: 'EndDrain' as const }] : []),
    ],
  };
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
