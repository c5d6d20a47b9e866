import type { Options } from 'yargs';
import { type Credentials, loadCredentials } from '../kube/credentials.ts';
import { createTransport, type Transport } from '../kube/transport.ts';
import { SYSTEM_CLOCK } from '../loop/clock.ts';
import { VERSION } from '../version.ts';

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

/** Where the slots are. */
export const NAMESPACE_OPTION = {
  namespace: {
    alias: 'n',
    type: 'string',
    requiresArg: true,
    describe: 'Where the agents run, and so the Leases that are their slots',
    defaultDescription: "$POD_NAMESPACE, else the context's",
  },
} as const satisfies Record<string, Options>;

/** Which Nodes. */
export const SELECTOR_OPTION = {
  selector: {
    alias: 'l',
    type: 'string',
    requiresArg: true,
    // The agent runs on Linux only.
    default: 'kubernetes.io/os!=windows',
    describe: 'Label selector of the Nodes that have to report; "" for every Node',
  },
} as const satisfies Record<string, Options>;

/** Options of which the empty text is a value. */
export const MAY_BE_EMPTY: readonly string[] = Object.keys(SELECTOR_OPTION);

/** The API server that a command talks to. */
export type Cluster = {
  readonly transport: Transport;
  /** Where the agents run. */
  readonly namespace: string;
  /** The namespace is that of the pod this runs in, so it is no typing error, nor a context for something else. */
  readonly isOwnNamespace: boolean;
};

/** What the options name. @throws Error when there are no credentials, or they cannot be read */
export function openCluster(options: {
  kubeconfig?: string | undefined;
  context?: string | undefined;
  namespace?: string | undefined;
}): Cluster {
  const credentials: Credentials = loadCredentials(options.kubeconfig, process.env, options.context);
  const own = process.env.POD_NAMESPACE || null;
  return {
    transport: createTransport(credentials, `node-svc-checker/${VERSION}`, () => {}, SYSTEM_CLOCK),
    namespace: options.namespace ?? own ?? credentials.namespace,
    isOwnNamespace: options.namespace === undefined && own !== null,
  };
}
