import type { Check } from '../core/policy.ts';
import { LAUNCHERS } from './launcher.ts';

const REASONS: Readonly<Record<string, string>> = {
  EACCES: 'is not executable (permission denied)',
  EPERM: 'may not be executed (operation not permitted)',
  ENOTDIR: 'not found: a part of the path is not a directory',
  ELOOP: 'not found: too many symbolic links',
  ENAMETOOLONG: 'not found: the path is too long',
  ENOEXEC: 'is neither a program nor a script that begins with #! and its interpreter',
  ETXTBSY: 'is just being written',
  E2BIG: 'its arguments and environment are too long',
  EAGAIN: 'no more processes can be started (limit reached)',
  ENOMEM: 'not enough memory to start it',
  EMFILE: 'the agent has too many open files to start it',
  ENFILE: 'the machine has too many open files to start it',
};

/**
 * Says why a check could not be started, as a sentence that begins with the path of what was to be executed.
 *
 * `error` is what spawn threw or reported; one without an error code already is such a sentence.
 */
export function explainStartError(error: unknown, check: Pick<Check, 'command' | 'runIn'>): string {
  const { code, message } = error as NodeJS.ErrnoException;
  if (code === undefined) return message;
  const executed = LAUNCHERS[check.runIn] ?? check.command[0];
  if (code === 'ENOENT') {
    return `${executed}: not found${executed.includes('/') ? '' : ' in its PATH'}, or its interpreter is missing`;
  }
  return `${executed}: ${REASONS[code] ?? message}`;
}
