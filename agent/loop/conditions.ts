import type { NodeView } from '../core/node.ts';
import { type ConditionComparison, compareConditions } from '../core/node-conditions.ts';
import type { Roster } from '../core/roster.ts';
import type { Log } from '../telemetry/log.ts';
import type { ConditionWriterOptions } from './condition-writer.ts';

export type ConditionsOptions = {
  readonly nodeName: string;
  readonly log: Log;
  /** Makes an error known if it is a defect of this program. @returns whether it is */
  readonly tellBug: (error: unknown) => boolean;
  readonly api: ConditionWriterOptions['api'];
  /** null while no policy was ever in force: then nobody can say which conditions should be there. */
  readonly roster: () => Roster | null;
};

/** Decides what is written to the Node's conditions, and says in the log what is and what is not, each thing once. */
export function createConditions({
  nodeName,
  log,
  tellBug,
  api,
  roster,
}: ConditionsOptions): Pick<ConditionWriterOptions, 'api' | 'nextStep' | 'onProblem'> {
  let toldComparison = '';
  let toldProblem: string | null = null;

  return {
    api: {
      ...api,
      async patchConditions(patch) {
        const node = await api.patchConditions(patch);
        for (const { type, status, reason } of patch.set) {
          log({ level: 'info', message: 'condition written', fields: { node: nodeName, type, status, reason } });
        }
        for (const type of patch.remove) {
          log({ level: 'info', message: 'condition removed', fields: { node: nodeName, type } });
        }
        return node;
      },
    },

    nextStep(node: NodeView) {
      const current = roster();
      if (current === null) return null;
      const comparison = compareConditions(node, current, `${new Date().toISOString().slice(0, 19)}Z`);
      tellComparison(comparison);
      return comparison.kind === 'Compared' ? comparison.step : null;
    },

    onProblem(error) {
      if (tellBug(error)) return;
      const message = error instanceof Error ? error.message : error === null ? null : String(error);
      if (message !== null && message !== toldProblem) {
        log({ level: 'warn', message: `${message}; trying again, checks and actions go on` });
      }
      toldProblem = message;
    },
  };

  function tellComparison(comparison: ConditionComparison): void {
    const lines =
      comparison.kind === 'Unreadable'
        ? [`${comparison.problem}; no condition is written or removed until it is corrected or removed`]
        : comparison.foreign.map(
            ({ type, status, reason }) =>
              `condition ${type} (${status}, ${reason}) is somebody else's and left alone; remove it from the Node to have ours there`,
          );
    if (lines.join() === toldComparison) return;
    toldComparison = lines.join();
    const level = comparison.kind === 'Unreadable' ? 'error' : 'warn';
    for (const message of lines) log({ level, message, fields: { node: nodeName } });
  }
}
