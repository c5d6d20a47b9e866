import type { Choice, SkipReason } from '../core/orders/eviction-choice.ts';
import { type PodView, podKey } from '../core/orders/pod.ts';
import type { DrainNarrator } from '../core/ports.ts';
import type { Log } from '../telemetry/log.ts';

/** More lines than this about one thing help nobody; the rest is counted. */
const MAX_LINES = 20;

/**
 * Says in the log what a drain does, and at its end what became of every pod.
 *
 * @param tellBug makes an error known if it is a defect of this program, and returns whether it is
 */
export function createDrainNarrator(nodeName: string, log: Log, tellBug: (error: unknown) => boolean): DrainNarrator {
  const several = (level: 'info' | 'warn', message: string, problems: readonly string[]) => {
    for (const problem of problems.slice(0, MAX_LINES)) log({ level, message, fields: { node: nodeName, problem } });
    const more = problems.length - MAX_LINES;
    if (more > 0) log({ level, message, fields: { node: nodeName, more } });
  };
  return {
    drainSkips: (policy, skipped) =>
      log({
        level: 'info',
        message: 'drain leaves pods on the node',
        fields: { node: nodeName, policy, ...countSkips(skipped) },
      }),
    drainEvicts: (pod: PodView) => log({ level: 'info', message: 'evicting pod', fields: { pod: podKey(pod) } }),
    drainDeletes: (pod: PodView) =>
      log({
        level: 'warn',
        message: 'deleting pod, the deadline of the drain has passed',
        fields: { pod: podKey(pod) },
      }),
    drainWaits: (problems) => several('info', 'drain waits', problems),
    drainProblem: (error) => {
      if (tellBug(error)) return;
      const problem = error instanceof Error ? error.message : String(error);
      log({ level: 'warn', message: 'drain goes on after a problem', fields: { node: nodeName, problem } });
    },
    drainEnded({ policy }, { attempt, state, skipped, problems }, tookMs, why) {
      several('warn', 'drain gave up', problems);
      const seconds = Math.round(tookMs / 100) / 10;
      const counts = { evicted: attempt.accepted, ...countSkips(skipped) };
      const fields = { node: nodeName, policy, ...(why !== '' && { why }), ...counts, seconds };
      const message = { Drained: 'drain ended well', GaveUp: 'drain gave up', Aborted: 'drain stopped' }[state];
      log({ level: state === 'GaveUp' ? 'warn' : 'info', message, fields });
    },
  };
}

/** How many pods stay, by reason. */
export function countSkips(skips: Choice['skip']): Partial<Record<SkipReason, number>> {
  const counts: Partial<Record<SkipReason, number>> = {};
  for (const { reason } of skips) counts[reason] = (counts[reason] ?? 0) + 1;
  return counts;
}
