import { resolve } from 'node:path';
import type { Options } from 'yargs';

/** Where checks run that do not run in the agent's container. */
export const HOST_OPTIONS = {
  'host-root': {
    type: 'string',
    requiresArg: true,
    default: '/host',
    coerce: resolveRoot,
    describe: "Where the host's root is mounted, for checks with runIn: Host",
  },
  'host-pid': {
    type: 'number',
    requiresArg: true,
    default: 1,
    describe: 'Whose namespaces checks with runIn: HostNamespaces enter',
  },
} as const satisfies Record<string, Options>;

/**
 * From the directory of the caller, since checks start in another.
 *
 * @throws Error for an empty one, as of a variable that is not set
 */
function resolveRoot(path: string): string {
  if (path === '') throw new Error('--host-root must be a directory, found ""');
  return resolve(path);
}
