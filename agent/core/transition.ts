import type { Mark, MarkTurn } from './effects/mark.ts';
import type { Health } from './health.ts';
import type { Withheld } from './holds.ts';
import type { LeftOutside } from './left-outside.ts';
import type { ConditionChange, NodeCondition } from './node.ts';
import type { NodeCheckPolicy, PolicySet } from './policy.ts';
import type { Said } from './said.ts';
import type { BudgetDenial } from './slot.ts';
import type { RunOutcome, Verdict } from './verdict.ts';

/** One thing that became of the node by a write, ours or somebody's. */
export type NodeTransition =
  | { readonly kind: 'MarkTurned'; readonly turn: MarkTurn; readonly effect: string; readonly mark: Mark }
  | { readonly kind: 'DrainStarted'; readonly policy: string }
  | { readonly kind: 'DrainSucceeded'; readonly policy: string }
  | { readonly kind: 'DrainFailed'; readonly policy: string; readonly problems: readonly string[] }
  /** No policy holds anything on the node any more. */
  | { readonly kind: 'GivenBack' };

/** Everything that is told: in the log, as an Event, by a metric, as a condition. */
export type Transition =
  | NodeTransition
  | { readonly kind: 'CheckStarted'; readonly policy: NodeCheckPolicy }
  /** The run before has not ended. */
  | { readonly kind: 'CheckSkipped'; readonly policy: NodeCheckPolicy }
  | {
      readonly kind: 'CheckEnded';
      readonly policy: NodeCheckPolicy;
      readonly outcome: RunOutcome;
      readonly verdict: Verdict;
      readonly health: Health;
    }
  /** A drain that is remembered as failed gave up once more, and other things were in its way. */
  | { readonly kind: 'DrainFailsAnew'; readonly policy: string; readonly problems: readonly string[] }
  /** The check wrote to stderr under `onStderr: Fatal`: the agent ends. */
  | {
      readonly kind: 'CheckFatal';
      readonly policy: NodeCheckPolicy;
      readonly outcome: RunOutcome;
      readonly complaint: string;
    }
  | {
      readonly kind: 'CheckFailing';
      readonly policy: NodeCheckPolicy;
      /** With which it began to fail. */
      readonly verdict: Said;
    }
  | {
      readonly kind: 'CheckRecovered';
      readonly policy: string;
      /** CountsAnew: the check or its thresholds are others by now, and as it is it has not failed often enough. */
      readonly because: 'Healthy' | 'AppliesNoMore' | 'CountsAnew';
      /** What the check said when it was healthy again; empty: nothing, or it is not. */
      readonly words: string;
    }
  /** So many runs of the check in a row have said nothing. */
  | { readonly kind: 'CheckUnknown'; readonly policy: string; readonly why: string }
  /** That is over. */
  | {
      readonly kind: 'CheckKnown';
      readonly policy: string;
      readonly because: 'Speaks' | 'AppliesNoMore' | 'CountsAnew';
    }
  /** A check begins to leave processes outside of its group. */
  | { readonly kind: 'ProcessesLeftBehind'; readonly policy: string; readonly left: LeftOutside }
  /** A budget begins to deny what some policy wants. */
  | { readonly kind: 'SlotDenied'; readonly denial: BudgetDenial }
  /** What a policy wants begins to be withheld for this reason. */
  | { readonly kind: 'Withheld'; readonly withheld: Withheld }
  | { readonly kind: 'PolicyInForce'; readonly set: PolicySet }
  /** Another revision is in force than the one that the Node was last told of, by this life of the agent or an earlier one. */
  | { readonly kind: 'PolicyReloaded'; readonly revision: string }
  | {
      readonly kind: 'PolicyInvalid';
      readonly errors: readonly string[];
      /** The revision that stays in force; null: none. */
      readonly inForce: string | null;
    }
  /** Nobody can tell what on the Node is ours, so nothing is touched. */
  | { readonly kind: 'Unreadable'; readonly problem: string }
  | { readonly kind: 'NodeGone' }
  | { readonly kind: 'NodeReplaced'; readonly uid: string }
  | { readonly kind: 'ConditionWritten'; readonly change: ConditionChange }
  | { readonly kind: 'ConditionRemoved'; readonly type: string }
  /** A condition that a policy asks for is somebody else's. */
  | { readonly kind: 'ConditionForeign'; readonly condition: NodeCondition }
  /** Nobody can tell which conditions are ours, so none is touched. */
  | { readonly kind: 'ConditionsUnreadable'; readonly problem: string }
  /** Another agent of this node started later, and acts. */
  | { readonly kind: 'StandingBy'; readonly rival: string }
  | { readonly kind: 'TookOver' }
  /** Something with the API server did not succeed and will be tried again. */
  | { readonly kind: 'Trouble'; readonly message: string; readonly attempted: readonly NodeTransition[] }
  /** A defect of this program was met, for the first time or again. */
  | { readonly kind: 'InternalError'; readonly text: string; readonly stack: string; readonly isNews: boolean };
