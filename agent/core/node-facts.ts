import type { DrainEnds } from './effects/drain.ts';
import { MARK_EFFECTS } from './effects/list.ts';
import { isEqualMark, isSameMark, type LedgerMark, type MarkTurn } from './effects/mark.ts';
import { type DrainMemory, drainsOf, type Ledger, readLedger } from './ledger.ts';
import type { NodeView } from './node.ts';
import type { NodeTransition } from './transition.ts';

/** What of a node is told when it changes. */
export type NodeFacts = {
  readonly uid: string;
  readonly isHeld: boolean;
  /** Those of the ledger. */
  readonly marks: readonly (LedgerMark & { readonly isOnNode: boolean })[];
  /** By policy. */
  readonly drains: ReadonlyMap<string, DrainMemory>;
};

/** null where the ledger cannot be read. */
export function factsOf(node: NodeView): NodeFacts | null {
  const reading = readLedger(node);
  return reading.readable ? factsOfLedger(node, reading.ledger) : null;
}

function factsOfLedger(node: NodeView, ledger: Ledger | null): NodeFacts {
  const marks = (ledger?.marks ?? []).map((each) => ({ ...each, isOnNode: isOnNode(node, each) }));
  const drains = new Map(drainsOf(ledger).map((drain) => [drain.policy, drain]));
  return { uid: node.uid, isHeld: ledger !== null, marks, drains };
}

/**
 * What has become of a node since it was last told of. It compares what is with what was told, so that nothing is lost
 * when a write has landed and its answer has not come.
 *
 * @param now also says of every mark of `before` whether it is on the node still
 * @param ends how drains ended, with why
 */
export function nodeTransitions(before: NodeFacts, now: NodeFacts, node: NodeView, ends: DrainEnds): NodeTransition[] {
  if (before.uid !== now.uid) return [];
  return [
    ...MARK_EFFECTS.flatMap((effect) => {
      const of = (facts: NodeFacts) => facts.marks.filter((each) => each.effect === effect.name);
      const turned = of(now).flatMap((each) => {
        const known = of(before).find(({ mark }) => isSameMark(effect, mark, each.mark));
        const turn = turnOf(
          known?.owner ?? null,
          each.owner,
          known !== undefined && isEqualMark(effect, known.mark, each.mark),
        );
        return turn === null ? [] : [{ kind: 'MarkTurned' as const, turn, effect: effect.name, mark: each.mark }];
      });
      const takenBack = of(before)
        .filter(({ owner, isOnNode: was }) => owner === 'Ours' && was)
        .filter(({ mark }) => !of(now).some((each) => isSameMark(effect, each.mark, mark)))
        .filter(({ mark }) => !effect.found(node).some((each) => isSameMark(effect, each, mark)))
        .map(({ mark }) => ({ kind: 'MarkTurned' as const, turn: 'TakenBack' as const, effect: effect.name, mark }));
      return [...turned, ...takenBack];
    }),
    ...[...now.drains].flatMap(([policy, drain]) => drainTransition(policy, before.drains.get(policy), drain, ends)),
    ...(before.isHeld && !now.isHeld ? [{ kind: 'GivenBack' as const }] : []),
  ];
}

function turnOf(before: LedgerMark['owner'] | null, now: LedgerMark['owner'], isEqual: boolean): MarkTurn | null {
  if (before === now && (isEqual || now !== 'Ours')) return null;
  switch (now) {
    case 'Ours':
      return 'Put';
    case 'Theirs':
      return 'Found';
    case 'TakenAway':
      return 'TakenAway';
    default:
      return now satisfies never;
  }
}

function drainTransition(
  policy: string,
  before: DrainMemory | undefined,
  { state, since }: DrainMemory,
  ends: DrainEnds,
): NodeTransition[] {
  const wasAnother =
    before === undefined || before.since !== since || (before.state === 'Drained' && state === 'Draining');
  const started: NodeTransition[] = wasAnother && state !== 'Stopped' ? [{ kind: 'DrainStarted', policy }] : [];
  if (!wasAnother && before.state === state) return [];
  if (state === 'Drained') return [...started, { kind: 'DrainSucceeded', policy }];
  if (state !== 'GaveUp') return started;
  const end = Object.hasOwn(ends, policy) ? ends[policy] : undefined;
  return [...started, { kind: 'DrainFailed', policy, problems: end?.since === since ? end.problems : [] }];
}

function isOnNode(node: NodeView, { effect: name, mark }: LedgerMark): boolean {
  const effect = MARK_EFFECTS.find((each) => each.name === name);
  return effect?.found(node).some((each) => isEqualMark(effect, each, mark)) ?? false;
}
