/** A Kubernetes Event on our Node. Reasons are stable: people and alerts match on them. */
export type NodeEvent = {
  readonly type: 'Normal' | 'Warning';
  readonly reason:
    | 'CheckFailing'
    | 'CheckRecovered'
    | 'NodeCordoned'
    | 'NodeTainted'
    | 'DrainStarted'
    | 'DrainSucceeded'
    | 'DrainFailed'
    | 'NodeReleased'
    | 'BudgetDenied'
    | 'PolicyReloaded'
    | 'PolicyInvalid';
  readonly message: string;
};
