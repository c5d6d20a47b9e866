import type { LeftBehind } from '../check/left-behind.ts';
import type { Failing } from '../core/foresee.ts';
import { describeHold } from '../core/holds.ts';
import { printableJson } from './printable-json.ts';
import type { Tried, TriedCheck } from './try-check.ts';

/** One line of JSON, in whose strings everything that does not show is escaped. */
export function formatTriedJson(all: readonly TriedCheck[], nodeName: string): string {
  const isHealthy = all.every(({ runs }) => runs.every(({ judgement }) => judgement.status === 'Healthy'));
  return printableJson({ valid: true, healthy: isHealthy, node: nodeName, checks: all.map(toJson) });
}

function toJson({ policy, source, runs, leftOut, foresight }: TriedCheck): object {
  const { check, mode, paused, nodeSelector } = policy.spec;
  return {
    policy: policy.metadata.name,
    source,
    command: check.command,
    runIn: check.runIn,
    mode,
    paused,
    nodeSelector: nodeSelector ?? null,
    runs: runs.map(runToJson),
    leftOut,
    agent: agentToJson(foresight),
  };
}

function runToJson({ judgement, outcome, left, isGone }: Tried): object {
  const { status, reason, mapped, words } = judgement;
  const { ended, durationMs, stdout, stdoutEnd, stdoutBytes, stderr, stderrEnd, stderrBytes } = outcome;
  return {
    verdict: status,
    reason,
    mapped,
    words,
    ended: ended.kind,
    exitCode: ended.kind === 'Exited' ? ended.code : null,
    signal: ended.kind === 'Signaled' ? ended.signal : null,
    durationMs: Math.round(durationMs),
    stdout: { text: stdout, end: stdoutEnd ?? null, bytes: stdoutBytes },
    stderr: { text: stderr, end: stderrEnd ?? null, bytes: stderrBytes },
    left: { ...left, isGone } satisfies LeftBehind & { isGone: boolean },
  };
}

function agentToJson({
  health,
  turns,
  endsAgent,
  failing,
  failingAgain,
  wanted,
  condition,
  withheld,
  budgets,
}: TriedCheck['foresight']): object {
  const { failures, successes } = health;
  return {
    failures,
    successes,
    failing: health.failing,
    turns: turns.map(({ run, failing, afterFirstMs }) => ({ run, failing, secondsAfterFirst: afterFirstMs / 1000 })),
    endsAgent,
    fails: failing && failingToJson(failing),
    failsAgain: failingAgain && failingToJson(failingAgain),
    would: wanted && describeHold(wanted),
    condition,
    withheld,
    budgets,
  };
}

function failingToJson({ run, inARow, afterFirstMs, afterMs, everyMs }: Failing): object {
  return {
    atRun: run,
    inARow,
    secondsAfterFirst: afterFirstMs / 1000,
    secondsInForce: Math.round(afterMs) / 1000,
    everySeconds: everyMs / 1000,
  };
}
