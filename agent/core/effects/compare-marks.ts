import { cordonOwner, type Hold, type Ledger } from '../ledger.ts';
import { joinChanges, type NodeChange, type NodeView } from '../node.ts';
import { MARK_EFFECTS } from './list.ts';
import { isEqualMark, isSameMark, type LedgerMark, type Mark, type MarkEffect, type Owner } from './mark.ts';

export type MarksComparison = {
  /** Every mark that a policy holds, and whose it is once the change has landed. */
  readonly marks: readonly LedgerMark[];
  readonly change: NodeChange;
};

/**
 * Compares the marks that policies hold with those on the node, by what the ledger remembers of whose they are.
 *
 * @param holds by policy name; a mark that several hold counts once, with the first one's value
 * @param frozen names of policies for which nothing may be put on the node
 */
export function compareMarks(
  node: NodeView,
  before: Ledger | null,
  holds: Readonly<Record<string, Hold>>,
  frozen: ReadonlySet<string>,
): MarksComparison {
  const compared = MARK_EFFECTS.map((effect) => compareEffect(effect, node, before, holds, frozen));
  return {
    marks: compared.flatMap(({ marks }) => marks),
    change: joinChanges(compared.map(({ change }) => change)),
  };
}

function compareEffect(
  effect: MarkEffect,
  node: NodeView,
  before: Ledger | null,
  holds: Readonly<Record<string, Hold>>,
  frozen: ReadonlySet<string>,
): MarksComparison {
  const remembered = (before?.marks ?? []).filter((each) => each.effect === effect.name);
  const onNode = effect.found(node);
  const find = (mark: Mark) => ({
    memory: remembered.find((each) => isSameMark(effect, each.mark, mark)),
    found: onNode.find((each) => isSameMark(effect, each, mark)),
  });
  // A person's uncordon ends for the whole episode what takes pods from the node.
  const mayEvict = node.ready && node.unschedulable && cordonOwner(before) !== 'TakenAway';
  const marks: LedgerMark[] = [];
  const put: Mark[] = [];
  for (const mark of wantedMarks(effect, holds, frozen, mayEvict, find)) {
    const { memory, found } = find(mark);
    const owner = ownerOf(effect, memory, found);
    const isOurs = owner === 'Ours';
    marks.push({ effect: effect.name, mark: isOurs || memory === undefined ? mark : memory.mark, owner });
    if (isOurs && (found === undefined || !isEqualMark(effect, found, mark))) put.push(mark);
  }
  const taken = remembered
    .filter(({ mark, owner }) => owner === 'Ours' && !marks.some((each) => isSameMark(effect, each.mark, mark)))
    .map(({ mark }) => mark)
    .filter((mark) => onNode.some((each) => isEqualMark(effect, each, mark)));
  return { marks, change: put.length + taken.length === 0 ? {} : effect.change(node, put, taken) };
}

/**
 * Each mark once. One that is new waits for its own policy's drain, and after that as long as nothing may be evicted; and
 * while the policy is paused.
 */
function wantedMarks(
  effect: MarkEffect,
  holds: Readonly<Record<string, Hold>>,
  frozen: ReadonlySet<string>,
  mayEvict: boolean,
  find: (mark: Mark) => { memory: LedgerMark | undefined; found: Mark | undefined },
): Mark[] {
  const wanted: Mark[] = [];
  for (const [policy, { marks, drain }] of Object.entries(holds)) {
    const mark = marks[effect.name];
    if (mark === undefined || wanted.some((each) => isSameMark(effect, each, mark))) continue;
    const { memory, found } = find(mark);
    const isNew = memory === undefined && found === undefined;
    const waits = effect.waitsForDrain(mark) && drain !== null && (drain.state !== 'Drained' || !mayEvict);
    if (isNew && (waits || frozen.has(policy))) continue;
    wanted.push(frozen.has(policy) && memory !== undefined ? memory.mark : mark);
  }
  return wanted;
}

function ownerOf(effect: MarkEffect, memory: LedgerMark | undefined, found: Mark | undefined): Owner {
  if (memory === undefined) return found === undefined ? 'Ours' : 'Theirs';
  if (found === undefined || (memory.owner === 'TakenAway' && effect.isTakenAwayForGood)) return 'TakenAway';
  // A mark of ours that a person gave another value is that person's now.
  return memory.owner === 'Ours' && isEqualMark(effect, found, memory.mark) ? 'Ours' : 'Theirs';
}
