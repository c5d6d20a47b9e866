import { existsSync, statSync } from 'node:fs';
import { dirname } from 'node:path';
import { fileURLToPath } from 'node:url';
import { denoPermissionsFor } from './deno-permissions.ts';

const BUNDLE = fileURLToPath(new URL('../../dist/agent.mjs', import.meta.url));
const EXECUTABLE = fileURLToPath(new URL('../../dist/nsc', import.meta.url));
const DENO = fileURLToPath(new URL('../../node_modules/.bin/deno', import.meta.url));

/** What runs the bundle; the executable has it built in. */
export const RUNTIMES = ['node', 'deno', 'executable'] as const;
export type Runtime = (typeof RUNTIMES)[number];

export interface CommandOptions {
  /** That of {@link configuredRuntime} when absent. */
  readonly runtime?: Runtime | undefined;
  /** Another bundle than dist/agent.mjs, for Node.js. */
  readonly bundle?: string | undefined;
  /** What the command will get as its environment, beside PATH and HOME. */
  readonly env?: Readonly<Record<string, string | undefined>> | undefined;
}

/** What runs every agent and command of the tests that name no runtime: NSC_RUNTIME, `node` when that is not set. */
export function configuredRuntime(value = process.env.NSC_RUNTIME || 'node'): Runtime {
  const runtime = RUNTIMES.find((name) => name === value);
  if (runtime === undefined) throw new Error(`NSC_RUNTIME must be one of ${RUNTIMES.join(', ')}, found ${value}`);
  return runtime;
}

/** For a test's `skip`: why it cannot run on this runtime, or false. */
export function skipWithoutRuntime(runtime: Runtime): string | false {
  if (runtime !== 'executable') return false;
  const upToDate = existsSync(EXECUTABLE) && statSync(EXECUTABLE).mtimeMs >= statSync(BUNDLE).mtimeMs;
  return upToDate ? false : 'dist/nsc is missing or older than dist/agent.mjs: run `make executable` first';
}

/**
 * The command line that runs nsc with these arguments, on Deno with no more permissions than the documentation says.
 *
 * @throws Error when what it runs was not built
 */
export function nscCommand(
  args: readonly string[],
  { runtime, bundle, env }: CommandOptions = {},
): [string, ...string[]] {
  if (bundle !== undefined) return [process.execPath, bundle, ...args];
  if (!existsSync(BUNDLE)) throw new Error(`${BUNDLE} is not there: run \`make build\` first`);
  const chosen = runtime ?? configuredRuntime();
  const missing = skipWithoutRuntime(chosen);
  if (missing) throw new Error(missing);
  switch (chosen) {
    case 'node':
      return [process.execPath, BUNDLE, ...args];
    case 'deno':
      return denoCommand(denoPermissionsFor(args, dirname(BUNDLE), env), args);
    case 'executable':
      return [EXECUTABLE, ...args];
    default:
      return chosen satisfies never;
  }
}

/** The command line that runs nsc on Deno with these permissions. */
export function denoCommand(permissions: readonly string[], args: readonly string[]): [string, ...string[]] {
  return [DENO, 'run', ...permissions, BUNDLE, ...args];
}
