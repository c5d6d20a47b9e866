import type { NodeProblem } from '../core/status.ts';

type ReportProblem = Exclude<
  NodeProblem['reason'],
  'AgentNotRunning' | 'AgentRestarted' | 'UnreadableLedger' | 'DrainActiveWithoutLedger'
>;

/** What is wrong with what a node's agent reports, as the end of a line that begins with the node. */
export const REPORT_PROBLEMS: Readonly<Record<ReportProblem, string>> = {
  InvalidFiles: 'its newest files are invalid',
  NothingInForce: 'no policy is in force there',
  InternalError: 'its agent has met a defect of its own program, to be reported',
  CheckUnknown: 'its check says nothing',
  NoReport: 'no report: does an agent run there?',
  UnreadableReport: 'its report cannot be read',
};
