import type { Options } from 'yargs';

/** Where checks run that do not run in the agent's container. */
export const HOST_OPTIONS = {
  'host-root': {
    type: 'string',
    requiresArg: true,
    default: '/host',
    describe: "Where the host's root is mounted, for checks with runIn: Host",
  },
  'host-pid': {
    type: 'number',
    requiresArg: true,
    default: 1,
    describe: 'Whose namespaces checks with runIn: HostNamespaces enter',
  },
} as const satisfies Record<string, Options>;
