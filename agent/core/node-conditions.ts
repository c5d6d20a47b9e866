import {
  type ConditionState,
  checkStates,
  drainStates,
  isOurWriting,
  LIFECYCLE_TYPES,
  saysFatal,
} from './condition-states.ts';
import { readLedger } from './ledger.ts';
import {
  CONDITIONS_ANNOTATION,
  type ConditionChange,
  type ConditionsPatch,
  type NodeCondition,
  type NodePatch,
  type NodeView,
} from './node.ts';
import type { Roster } from './roster.ts';

/** One write towards the conditions as they should be. */
export type ConditionStep =
  /** Which conditions are ours: before the first one is written, and after the last one is gone. */
  { readonly kind: 'Own'; readonly patch: NodePatch } | { readonly kind: 'Write'; readonly patch: ConditionsPatch };

export type ConditionComparison =
  /** Nobody can tell which conditions are ours, so none may be touched. */
  | { readonly kind: 'Unreadable'; readonly problem: string }
  | {
      readonly kind: 'Compared';
      /** The next write; null when all is as it should be. */
      readonly step: ConditionStep | null;
      /** Conditions that a policy asks for and somebody else has written: left alone. */
      readonly foreign: readonly NodeCondition[];
    };

/**
 * Compares the conditions that the policies ask for with those of the Node, and returns the next write.
 *
 * Level-triggered, as `compareNode` is. What is ours stands in an annotation that is written before the first condition
 * and removed after the last, so an agent that dies in between is repaired by the next comparison. A condition in that
 * list which has a reason that is not ours was written by somebody else since, and is theirs.
 *
 * @param now RFC 3339
 */
export function compareConditions(node: NodeView, roster: Roster, now: string): ConditionComparison {
  const reading = readOwned(node);
  if (!reading.readable) return { kind: 'Unreadable', problem: reading.problem };
  const ledger = readLedger(node);
  // Told by the comparison of the node: nothing is done or undone.
  if (!ledger.readable) return { kind: 'Compared', step: null, foreign: [] };

  const found = new Map(node.conditions.map((condition) => [condition.type, condition]));
  const ours = oursAmong(reading.owned, node);
  const asked = new Map([...checkStates(roster, ours), ...drainStates(roster, ledger.ledger)]);
  const foreign = [...asked.keys()].flatMap((type) => (ours.has(type) ? [] : (found.get(type) ?? [])));
  const wanted = withoutForeign(asked, foreign);

  const set = [...wanted].flatMap(([type, state]) => changeOf(type, state, ours.get(type), now));
  const remove = [...ours.keys()].filter((type) => !wanted.has(type));
  const owned = new Set([...set.map(({ type }) => type), ...ours.keys()]);
  for (const [type, state] of wanted) if (state === 'Kept' && reading.owned.has(type)) owned.add(type);

  const claims = [...owned].some((type) => !reading.owned.has(type));
  if (!claims && set.length + remove.length > 0) {
    const { uid, resourceVersion } = node;
    return { kind: 'Compared', step: { kind: 'Write', patch: { uid, resourceVersion, set, remove } }, foreign };
  }
  const text = owned.size === 0 ? null : JSON.stringify([...owned].sort());
  if (text === (node.annotations[CONDITIONS_ANNOTATION] ?? null)) return { kind: 'Compared', step: null, foreign };
  const change = { metadata: { annotations: { [CONDITIONS_ANNOTATION]: text } } };
  const patch = { resourceVersion: node.resourceVersion, change };
  return { kind: 'Compared', step: { kind: 'Own', patch }, foreign };
}

/**
 * The write after which none of the Node's conditions is ours, for when no agent will run there any more. What names them
 * has to go after it, so that whoever is interrupted can go on.
 */
export function forgetConditions(
  node: NodeView,
):
  | { readonly readable: true /** null when none is ours. */; readonly patch: ConditionsPatch | null }
  | { readonly readable: false; readonly problem: string } {
  const reading = readOwned(node);
  if (!reading.readable) return reading;
  const { uid, resourceVersion } = node;
  const remove = [...oursAmong(reading.owned, node).keys()];
  return { readable: true, patch: remove.length === 0 ? null : { uid, resourceVersion, set: [], remove } };
}

/** None where one of a pair is somebody else's: ours beside it would contradict it, or be taken for theirs. */
function withoutForeign(
  asked: ReadonlyMap<string, ConditionState>,
  foreign: readonly NodeCondition[],
): ReadonlyMap<string, ConditionState> {
  const types = foreign.map(({ type }) => type);
  const left = types.some((type) => LIFECYCLE_TYPES.includes(type)) ? [...types, ...LIFECYCLE_TYPES] : types;
  return new Map([...asked].filter(([type]) => !left.includes(type)));
}

function changeOf(
  type: string,
  state: ConditionState,
  before: NodeCondition | undefined,
  now: string,
): readonly ConditionChange[] {
  if (state === 'Kept' || (before && saysTheSame(before, state))) return [];
  return [{ type, ...state, now, isTransition: before?.status !== state.status }];
}

/** Other words alone are not written, but of a check that ends the agent: only they say so, once in a life. */
function saysTheSame(before: NodeCondition, state: Exclude<ConditionState, 'Kept'>): boolean {
  if (before.status !== state.status || before.reason !== state.reason) return false;
  return before.message === state.message || !(saysFatal(before) || saysFatal(state));
}

/** By type, the conditions of the Node that are ours. */
function oursAmong(owned: ReadonlySet<string>, { conditions }: NodeView): ReadonlyMap<string, NodeCondition> {
  const ours = conditions.filter((condition) => owned.has(condition.type) && isOurWriting(condition));
  return new Map(ours.map((condition) => [condition.type, condition]));
}

type OwnedReading =
  | { readonly readable: true; readonly owned: ReadonlySet<string> }
  | { readonly readable: false; readonly problem: string };

/** The types that the annotation says are ours. */
function readOwned({ annotations }: NodeView): OwnedReading {
  const text = annotations[CONDITIONS_ANNOTATION];
  if (text === undefined) return { readable: true, owned: new Set() };
  try {
    const value: unknown = JSON.parse(text);
    if (Array.isArray(value) && value.every((type) => typeof type === 'string')) {
      return { readable: true, owned: new Set(value) };
    }
  } catch {
    // Falls through: what is no JSON is no list either.
  }
  const problem = `annotation ${CONDITIONS_ANNOTATION} must be a JSON list of condition types, found ${text.slice(0, 100)}`;
  return { readable: false, problem };
}
