import type { NodeChange, NodeView } from '../node.ts';
import type { Actions } from '../policy.ts';

/**
 * One thing that an effect puts on a node and takes away again: the cordon, a taint. Its fields identify it and say its
 * value; all are plain text, so that the ledger can keep any of them.
 */
export type Mark = Readonly<Record<string, string>>;

/**
 * Whose a mark on the node is. `Theirs`: it was there before we wanted it, or a person has changed ours. `TakenAway`: a
 * person (or `nsc release`) took ours away, and it stays away until no policy wants it any more.
 */
export type Owner = 'Ours' | 'Theirs' | 'TakenAway';

/** What the ledger remembers of a mark that some policy wants. */
export type LedgerMark = { readonly effect: string; readonly mark: Mark; readonly owner: Owner };

/** What can become of a mark. */
export type MarkTurn =
  /** We put it there, or gave it another value. */
  | 'Put'
  /** We took back what was ours. */
  | 'TakenBack'
  /** It was there already, put by somebody else, or a person changed ours: it stays when we recover. */
  | 'Found'
  /** A person took ours away; we leave it so until the next episode. */
  | 'TakenAway';

/** How a turn of a mark is told. */
export type MarkWords = {
  /** The `action` of the metric nsc_node_actions_total. */
  readonly action: string;
  readonly level: 'info' | 'warn';
  /** The line of the log. */
  line(mark: Mark, node: string): string;
  /** Absent: no Event. */
  readonly event?: { readonly reason: string; message(mark: Mark, node: string): string };
};

/** An effect that consists of marks. Everything that is to be known of one stands in one of these. */
export type MarkEffect = {
  /** In the ledger, in metrics and for people. */
  readonly name: string;
  /** The fields of its marks, in the order in which they are written down. */
  readonly fields: readonly string[];
  /** Of these the ones that say which mark it is; the others are its value. */
  readonly identity: readonly string[];
  /** Of these the ones that take no other values than some; absent: none. */
  readonly choices?: Readonly<Record<string, readonly string[]>>;
  /** What the actions of a failing policy want; null: nothing. */
  wanted(actions: Actions): Mark | null;
  /** Those on the node, whoever put them there. */
  found(node: NodeView): readonly Mark[];
  /** Puts marks on the node, in place of others with the same identity, and takes marks from it. */
  change(node: NodeView, put: readonly Mark[], taken: readonly Mark[]): NodeChange;
  /** What a person took away counts as that until no policy wants it, though somebody has put it there again. */
  readonly isTakenAwayForGood: boolean;
  /** Whether it may not come before the end of its own policy's drain. */
  waitsForDrain(mark: Mark): boolean;
  /** As people write it: `cordon`, `taint sick=true:NoSchedule`. */
  describe(mark: Mark): string;
  /** What `nsc release` says of taking it back: `uncordon`, `uncordoned`. */
  undo(mark: Mark): { readonly plan: string; readonly done: string };
  readonly words: Readonly<Record<MarkTurn, MarkWords>>;
};

/** Whether two marks of an effect are about the same thing on the node, whatever their values. */
export function isSameMark({ identity }: Pick<MarkEffect, 'identity'>, a: Mark, b: Mark): boolean {
  return identity.every((field) => a[field] === b[field]);
}

/** Whether two marks of an effect are the same in everything. */
export function isEqualMark({ fields }: Pick<MarkEffect, 'fields'>, a: Mark, b: Mark): boolean {
  return fields.every((field) => a[field] === b[field]);
}
