import type { Check } from '../core/policy.ts';
import type { Exit, Output } from './check-process.ts';
import { LAUNCHERS } from './launcher.ts';

/** What launchers exit with: coreutils' chroot 125 to 127, util-linux' nsenter and BusyBox' tools 1, 126 and 127. */
const FAILURE_CODES: readonly (number | null)[] = [1, 125, 126, 127];

/**
 * Returns the message of a `chroot` or `nsenter` that could not do its part or could not execute the check's command;
 * undefined if the check itself ran.
 *
 * A check may exit with the same codes, but the launchers also write nothing to stdout and begin stderr with their
 * name. A check that does just that is taken for its launcher: wrongly Unknown, where the other mistake would be
 * wrongly Failed, on every node at once.
 */
export function readLauncherFailure(runIn: Check['runIn'], exit: Exit, output: Output): string | undefined {
  const launcher = LAUNCHERS[runIn];
  if (launcher === undefined || !FAILURE_CODES.includes(exit.code)) return undefined;
  if (output.stdoutBytes > 0 || !output.stderr.startsWith(`${launcher}: `)) return undefined;
  return output.stderr.split('\n', 1)[0];
}
