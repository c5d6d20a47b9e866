import type { Exit, Output } from './check-process.ts';
import { LOOKER } from './look-in-child.ts';

/** What launchers exit with: coreutils' chroot and env 125 to 127, util-linux' nsenter and BusyBox' tools 1, 126 and 127. */
const FAILURE_CODES: readonly (number | null)[] = [1, 125, 126, 127];

/**
 * Returns the message of a tool, `chroot` say, that could not do its part or could not execute the check's command;
 * undefined if the check itself ran.
 *
 * A check may exit with the same codes, but the launchers also write nothing to stdout and begin stderr with their
 * name. A check that does just that is taken for its launcher: wrongly Unknown, where the other mistake would be
 * wrongly Failed, on every node at once.
 */
export function readLauncherFailure(tools: readonly string[], exit: Exit, output: Output): string | undefined {
  if (output.stdoutBytes > 0) return undefined;
  const [line = ''] = output.stderr.split('\n', 1);
  // A shell executes them by their paths, and then they call themselves so.
  const [, tool = '', message] = /^(?:\/\S*\/)?([\w-]+): (.*)$/.exec(line) ?? [];
  if (!tools.includes(tool)) return undefined;
  // A shell that may start no process ends with a code of its own.
  if (tool === LOOKER) return exit.code === 0 ? undefined : message;
  return FAILURE_CODES.includes(exit.code) ? line : undefined;
}
