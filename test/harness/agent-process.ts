import { spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import { nscCommand, type Runtime } from './nsc-command.ts';
import { endWithThisProcess } from './processes.ts';
import { waitFor } from './wait-for.ts';

/** Any free port. */
const METRICS_ADDRESS = '127.0.0.1:0';

export interface AgentOptions {
  readonly nodeName: string;
  readonly policyDir: string;
  readonly kubeconfig: string;
  /** That of NSC_RUNTIME when absent. */
  readonly runtime?: Runtime | undefined;
  /** Another bundle than dist/agent.mjs, for Node.js. */
  readonly bundle?: string | undefined;
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
  waitForLine(pattern: RegExp, options?: { readonly from?: number }): Promise<string>;
  /** Where it serves HTTP, as host:port. @throws Error before it has said so. */
  httpAddress(): string;
  /** A page of its HTTP server. */
  get(path: '/metrics' | '/healthz' | '/readyz'): Promise<{ readonly status: number; readonly body: string }>;
  kill(signal: NodeJS.Signals): void;
}

/** Starts an agent. It is killed when this process ends; a test that starts one should kill it itself. */
export function startAgent({
  nodeName,
  policyDir,
  kubeconfig,
  runtime,
  bundle,
  args = [],
  env,
  onLine,
}: AgentOptions): AgentProcess {
  const flags = ['--node-name', nodeName, '--policy-dir', policyDir, '--kubeconfig', kubeconfig];
  const run = ['run', ...flags, '--metrics-address', METRICS_ADDRESS, ...args];
  const [program, ...all] = nscCommand(run, { runtime, bundle });
  const child = spawn(program, all, {
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
  endWithThisProcess(child);

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
    async waitForLine(pattern, { from = 0 } = {}) {
      const found = () => lines.slice(from).find((line) => pattern.test(line));
      try {
        return await waitFor(found, { what: `a log line that matches ${pattern}` });
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
