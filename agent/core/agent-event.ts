import type { LeftOutside } from './left-outside.ts';
import type { ConditionsPatch, NodeView } from './node.ts';
import type { DrainEnd } from './orders/drain-order.ts';
import type { NodeCheckPolicy, PolicyLoad } from './policy.ts';
import type { SlotsAnswer } from './slot.ts';
import type { Toleration } from './taint.ts';
import type { RunOutcome } from './verdict.ts';

/** Everything that an agent hears of. */
export type AgentEvent =
  /** @see PolicyLoad; `errors` are its errors as people read them, a line each */
  | { readonly kind: 'PoliciesRead'; readonly load: PolicyLoad; readonly errors: readonly string[] }
  /** By the watch, a read or the answer to a write. `knownBefore`: of a read, the version that was known as it began. */
  | { readonly kind: 'NodeSeen'; readonly node: NodeView; readonly knownBefore?: string | null }
  /** The API server says that there is no Node of our name. */
  | { readonly kind: 'NodeGone' }
  | { readonly kind: 'RunStarted'; readonly policy: NodeCheckPolicy }
  | { readonly kind: 'RunEnded'; readonly policy: NodeCheckPolicy; readonly outcome: RunOutcome }
  /** Processes of the run before are left, so this one was left out. `isHung`: what that run says was heard already. */
  | { readonly kind: 'RunSkipped'; readonly policy: NodeCheckPolicy; readonly isHung: boolean }
  /** What checks have left running outside of their process groups, by policy; all of it, as it was found last. */
  | { readonly kind: 'LeftOutsideSeen'; readonly left: ReadonlyMap<string, LeftOutside> }
  | { readonly kind: 'ConditionsWritten'; readonly patch: ConditionsPatch }
  /** A call did not succeed and will be made again. `loop`: of a write to the Node, which. */
  | { readonly kind: 'Failed'; readonly message: string; readonly loop?: 'effects' }
  /** A defect of this program; `text` says which, in one line. */
  | { readonly kind: 'BugMet'; readonly text: string; readonly stack: string }
  | { readonly kind: 'SlotsAnswered'; readonly answer: SlotsAnswer }
  | { readonly kind: 'DrainEnded'; readonly end: DrainEnd }
  | { readonly kind: 'TolerationsRead'; readonly tolerations: readonly Toleration[] }
  /** The pod of an agent that acts instead of this one was looked at. */
  | { readonly kind: 'RivalLooked'; readonly id: string; readonly isGone: boolean }
  /** The Node was to be read again, and could not be; why is told by an event of its own. */
  | { readonly kind: 'LookFailed' }
  /** Time has passed. */
  | { readonly kind: 'Tick' };
