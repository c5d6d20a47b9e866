import type { Check } from '../core/policy.ts';
import { findInPath } from './executable.ts';

/** The PATH of a check that sets none. */
export const DEFAULT_PATH = '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin';

/** Where the agent looks for what it needs itself: nowhere that is likely to be mounted from elsewhere. */
export const TOOLS_PATH = '/usr/sbin:/usr/bin:/sbin:/bin';

/** The tool that takes a check to where it runs; none for the agent's own container. */
export const LAUNCHERS = { Container: undefined, Host: 'chroot', HostNamespaces: 'nsenter' } as const;

/** Where checks run on this node, and what they are told about it. */
export type RunOptions = {
  /** For the check's `NODE_NAME`. */
  readonly nodeName: string;
  /** For its `NODE_IP`, which it does not have without one. */
  readonly nodeIp?: string | undefined;
  /** For the check's `NSC_POLICY`. */
  readonly policyName: string;
  /** Where the host's root is mounted; `runIn: Host` changes its root to it. */
  readonly hostRoot: string;
  /** The process whose namespaces `runIn: HostNamespaces` enters: 1, when the agent shares the host's processes. */
  readonly hostPid: number;
};

/** What is to be executed for one run of a check. */
export type Launch = {
  /** What the agent executes, and its arguments. */
  readonly file: string;
  readonly args: readonly string[];
  /** The name it is told it was called by, and begins its messages with. */
  readonly argv0: string;
  /** All of its environment. */
  readonly env: Readonly<Record<string, string>> & { readonly PATH: string };
  /** The check's own executable, as its policy names it. */
  readonly program: string;
  /** The directory, as the agent sees it, that is `/` for the program. */
  readonly root: string;
  /** What is executed before the program, and tells on stderr when it could not be started. */
  readonly tools: readonly string[];
};

/**
 * Says what to execute so that the check's command runs where `runIn` wants it.
 *
 * Rejects if the tool for that is not there. It is looked for in {@link TOOLS_PATH}, because the check's own PATH is
 * meant for the command, and for the host.
 */
export async function prepareLaunch(
  check: Pick<Check, 'command' | 'env' | 'runIn'>,
  options: RunOptions,
): Promise<Launch> {
  const [program, ...args] = check.command;
  const env = {
    PATH: DEFAULT_PATH,
    // The agent's own may be anywhere; tools that want one find the directory that the check runs in.
    HOME: '/',
    NODE_NAME: options.nodeName,
    ...(options.nodeIp && { NODE_IP: options.nodeIp }),
    NSC_POLICY: options.policyName,
    ...Object.fromEntries(check.env.map(({ name, value }) => [name, value])),
  };
  const { runIn } = check;
  const launcher = LAUNCHERS[runIn];
  if (launcher === undefined) return { file: program, args, argv0: program, env, program, root: '/', tools: [] };

  const file = await findInPath(launcher, TOOLS_PATH);
  if (file === undefined) throw new Error(`${launcher}: not found in ${TOOLS_PATH}; runIn: ${runIn} needs it`);
  const { hostRoot, hostPid } = options;
  const launch = { file, argv0: launcher, env, program, tools: [launcher] };
  switch (launcher) {
    case 'chroot':
      return { ...launch, args: [hostRoot, ...check.command], root: hostRoot };
    case 'nsenter': {
      const enter = ['--target', String(hostPid), '--mount', '--uts', '--ipc', '--net', '--pid', '--'];
      return { ...launch, args: [...enter, ...check.command], root: `/proc/${hostPid}/root` };
    }
    default:
      return launcher satisfies never;
  }
}
