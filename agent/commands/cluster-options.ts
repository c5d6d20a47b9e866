import type { Options } from 'yargs';

/** Which cluster a command talks to, as kubectl has it. */
export const CLUSTER_OPTIONS = {
  kubeconfig: {
    type: 'string',
    requiresArg: true,
    describe: 'How to reach the API server',
    defaultDescription: '$KUBECONFIG, the service account, ~/.kube/config',
  },
  context: {
    type: 'string',
    requiresArg: true,
    describe: 'Context of the kubeconfig to use instead of its current one',
  },
} as const satisfies Record<string, Options>;
