import { markEffect } from './effects/list.ts';
import { isEqualMark, isSameMark, type LedgerMark, type Mark } from './effects/mark.ts';
import { drainGoesOn, drainsOf, type Ledger, readLedger, writeLedger } from './ledger.ts';
import {
  type ConditionsPatch,
  DRAIN_STATE_ANNOTATION,
  joinChanges,
  LEDGER_ANNOTATION,
  type NodeChange,
  type NodePatch,
  type NodeView,
  ownAnnotations,
} from './node.ts';
import { forgetConditions } from './node-conditions.ts';

/** One thing that releasing a node does to it. */
export type ReleaseStep =
  | { readonly kind: 'TakeBack'; readonly effect: string; readonly mark: Mark }
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
 * The ledger stays, with our marks as `TakenAway`: for an agent that runs it is as if a person had taken them away, so
 * it does not take the node again in this episode, and cleans up at its end.
 */
export function releaseNode(node: NodeView): Release {
  const reading = readLedger(node);
  if (!reading.readable) return { kind: 'Unreadable', problem: reading.problem };
  const before = reading.ledger;
  if (before === null) return { kind: 'NotHeld' };

  const { change, steps } = takeBack(before, node);
  const endsDrain = steps.some(({ kind }) => kind === 'EndDrain');
  const ledger = writeLedger({
    ...before,
    policies: Object.fromEntries(
      Object.entries(before.policies).map(([name, hold]) => [
        name,
        { ...hold, drain: hold.drain && { ...hold.drain, state: 'Stopped' as const } },
      ]),
    ),
    marks: before.marks.map((each) => releasedMark(each, node)),
  });
  if (steps.length === 0 && ledger === writeLedger(before)) return { kind: 'NothingOurs' };
  const annotations = {
    [LEDGER_ANNOTATION]: ledger,
    ...(endsDrain && { [DRAIN_STATE_ANNOTATION]: 'drainNotActive' }),
  };
  const patch = { resourceVersion: node.resourceVersion, change: joinChanges([change, { metadata: { annotations } }]) };
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
  const { change, steps } = reading.ledger === null ? { change: {}, steps: [] } : takeBack(reading.ledger, node);
  const annotations = Object.fromEntries(names.map((name) => [name, null]));
  return {
    kind: 'Release',
    conditions: conditions.patch,
    patch: { resourceVersion: node.resourceVersion, change: joinChanges([change, { metadata: { annotations } }]) },
    steps: [
      ...steps,
      ...(conditions.patch === null ? [] : [{ kind: 'RemoveConditions' as const, types: conditions.patch.remove }]),
      { kind: 'RemoveAnnotations', names },
    ],
  };
}

/** Of what the ledger says is ours, all that is there still. */
function takeBack(ledger: Ledger, node: NodeView): { change: NodeChange; steps: readonly ReleaseStep[] } {
  const ours = ledger.marks.filter((each) => each.owner === 'Ours' && isOnNode(each, node));
  const changes = [...Map.groupBy(ours, ({ effect }) => effect)].map(([effect, marks]) =>
    markEffect(effect).change(
      node,
      [],
      marks.map(({ mark }) => mark),
    ),
  );
  const goesOn = drainsOf(ledger).some((drain) => drainGoesOn(ledger, drain));
  const endsDrain = goesOn || node.annotations[DRAIN_STATE_ANNOTATION] === 'drainActive';
  return {
    change: joinChanges(changes),
    steps: [
      ...ours.map(({ effect, mark }) => ({ kind: 'TakeBack' as const, effect, mark })),
      ...(endsDrain ? [{ kind: 'EndDrain' as const }] : []),
    ],
  };
}

/** What is there with another value, or again, is a person's. */
function releasedMark(each: LedgerMark, node: NodeView): LedgerMark {
  const effect = markEffect(each.effect);
  const isFound = effect.found(node).some((found) => isSameMark(effect, found, each.mark));
  const isOurs = each.owner === 'Ours' && isOnNode(each, node);
  return { ...each, owner: isFound && !isOurs ? 'Theirs' : 'TakenAway' };
}

function isOnNode({ effect: name, mark }: LedgerMark, node: NodeView): boolean {
  const effect = markEffect(name);
  return effect.found(node).some((found) => isEqualMark(effect, found, mark));
}
