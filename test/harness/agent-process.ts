import { spawn } from 'node:child_process';
import { existsSync, readFileSync, statSync } from 'node:fs';
import { dirname } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { denoPermissions } from './deno-permissions.ts';
import { waitFor } from './wait-for.ts';

const BUNDLE = fileURLToPath(new URL('../../dist/agent.mjs', import.meta.url));
const EXECUTABLE = fileURLToPath(new URL('../../dist/nsc', import.meta.url));
const BIN = fileURLToPath(new URL('../../node_modules/.bin', import.meta.url));

/** What runs the bundle; the executable has it built in. */
export const RUNTIMES = ['node', 'deno', 'executable'] as const;
export type Runtime = (typeof RUNTIMES)[number];

/** Any free port. */
const METRICS_ADDRESS = '127.0.0.1:0';

export interface AgentOptions {
  readonly nodeName: string;
  readonly policyDir: string;
  readonly kubeconfig: string;
  readonly runtime?: Runtime;
  /** More arguments of `nsc run`. */
  readonly args?: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
  /** Called with every line as it is written. */
  readonly onLine?: (line: string) => void;
}

/** A real agent, the bundled program in a process of its own. */
export interface AgentProcess {
  readonly pid: number;
  /** What it wrote so far, stdout and stderr, a line each. */
  readonly lines: readonly string[];
  readonly exit: Promise<{ readonly code: number | null; readonly signal: NodeJS.Signals | null }>;
  /** The first line that matches, at or after `from`. */
  waitForLine(pattern: RegExp, options?: { readonly from?: number; readonly deadlineMs?: number }): Promise<string>;
  /** Where it serves HTTP, as host:port. @throws Error before it has said so. */
  httpAddress(): string;
  /** A page of its HTTP server. */
  get(path: '/metrics' | '/healthz' | '/readyz'): Promise<{ readonly status: number; readonly body: string }>;
  kill(signal: NodeJS.Signals): void;
}

/** For a test's `skip`: why it cannot run on this runtime, or false. */
export function skipWithoutRuntime(runtime: Runtime): string | false {
  if (runtime !== 'executable') return false;
  const upToDate = existsSync(EXECUTABLE) && statSync(EXECUTABLE).mtimeMs >= statSync(BUNDLE).mtimeMs;
  return upToDate ? false : 'dist/nsc is missing or older than dist/agent.mjs: run `make executable` first';
}

/**
 * The command line that runs the program on a runtime.
 *
 * @param permissions for Deno, which has none without them
 */
export function nscCommand(
  runtime: Runtime = 'node',
  permissions: readonly string[] = [],
): readonly [string, ...string[]] {
  if (!existsSync(BUNDLE)) throw new Error(`${BUNDLE} is not there: run \`make build\` first`);
  switch (runtime) {
    case 'node':
      return [process.execPath, BUNDLE];
    case 'deno':
      return [`${BIN}/deno`, 'run', ...permissions, BUNDLE];
    case 'executable':
      return [EXECUTABLE];
    default:
      return runtime satisfies never;
  }
}

/** Starts an agent. It is killed when this process ends; a test that starts one should kill it itself. */
export function startAgent({
  nodeName,
  policyDir,
  kubeconfig,
  runtime,
  args = [],
  env,
  onLine,
}: AgentOptions): AgentProcess {
  const permissions = runtime === 'deno' ? denoPermissionsOf({ policyDir, kubeconfig }) : [];
  const [program, ...first] = nscCommand(runtime, permissions);
  const flags = ['--node-name', nodeName, '--policy-dir', policyDir, '--kubeconfig', kubeconfig];
  const child = spawn(program, [...first, 'run', ...flags, '--metrics-address', METRICS_ADDRESS, ...args], {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { PATH: process.env.PATH, HOME: process.env.HOME, ...env },
  });
  const lines: string[] = [];
  for (const stream of [child.stdout, child.stderr]) {
    createInterface({ input: stream }).on('line', (line) => {
      lines.push(line);
      onLine?.(line);
    });
  }
  const exit = new Promise<{ code: number | null; signal: NodeJS.Signals | null }>((resolve, reject) => {
    child.once('error', reject);
    child.once('close', (code, signal) => resolve({ code, signal }));
  });
  const killChild = () => child.kill('SIGKILL');
  // A suite runs many agents, each with a listener of its own.
  process.setMaxListeners(0);
  process.once('exit', killChild);
  void exit.finally(() => process.off('exit', killChild)).catch(() => {});

  const httpAddress = () => {
    const started = lines.find((line) => line.includes('agent started')) ?? '';
    const address = /http"?[=:]"?([\d.:]+)/.exec(started)?.[1];
    if (address === undefined) throw new Error('the agent has not said yet where it serves HTTP');
    return address;
  };

  return {
    pid: child.pid ?? 0,
    lines,
    exit,
    httpAddress,
    async waitForLine(pattern, { from = 0, deadlineMs = 15_000 } = {}) {
      const found = () => lines.slice(from).find((line) => pattern.test(line));
      try {
        return await waitFor(found, { what: `a log line that matches ${pattern}`, deadlineMs });
      } catch (cause) {
        throw new Error(`${(cause as Error).message}; the log:\n${lines.slice(-200).join('\n')}`, { cause });
      }
    },
    async get(path) {
      const response = await fetch(`http://${httpAddress()}${path}`);
      return { status: response.status, body: await response.text() };
    },
    kill: (signal) => child.kill(signal),
  };
}

/** What the documentation says, for an agent whose check's script is beside its policy directory. */
function denoPermissionsOf({ policyDir, kubeconfig }: Pick<AgentOptions, 'policyDir' | 'kubeconfig'>): string[] {
  const { clusters } = JSON.parse(readFileSync(kubeconfig, 'utf8'));
  return denoPermissions('run', {
    NSC: dirname(BUNDLE),
    POLICIES: policyDir,
    CHECKS: dirname(policyDir),
    CREDENTIALS: kubeconfig,
    API_SERVER: new URL(clusters[0].cluster.server).host,
    METRICS: METRICS_ADDRESS,
  });
}
