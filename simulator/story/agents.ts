import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { type LogEntry, NOTHING_READ, parseLogLine, type Reading, readEntry } from './agent-log.ts';
import type { StoryFiles } from './files.ts';

const BUNDLE = fileURLToPath(new URL('../../dist/agent.mjs', import.meta.url));

/** An agent ends within 3 s of SIGTERM; one that does not is killed. */
const STOP_WITHIN_MS = 4_000;

/** A real agent: the program that is shipped, in a process of its own. */
export interface StoryAgent {
  readonly nodeName: string;
  readonly pid: number;
  /** Every entry of its log so far. */
  readonly log: readonly LogEntry[];
  /** What the log says so far. */
  readonly reading: Reading;
  /** host:port of its metrics; undefined until it listens. */
  readonly httpAddress: string | undefined;
  /** Ends it; settles when it is gone. */
  stop(): Promise<void>;
}

export interface AgentListener {
  /** Called with each entry, before the reading takes it in. */
  onEntry(nodeName: string, before: Reading, entry: LogEntry): void;
  /** It ended, and nobody had asked it to. */
  onDeath(nodeName: string, how: string): void;
}

/** @throws Error when the bundle was not made yet. */
export function checkBundle(): void {
  if (!existsSync(BUNDLE)) throw new Error(`${BUNDLE} must be there, found none; run \`make build\` first`);
}

export function startAgent(nodeName: string, files: StoryFiles, listener: AgentListener): StoryAgent {
  const child = spawn(
    process.execPath,
    [
      BUNDLE,
      'run',
      ...['--node-name', nodeName],
      ...['--policy-dir', files.policyDir],
      ...['--kubeconfig', files.kubeconfig],
      ...['--metrics-address', '127.0.0.1:0'],
      ...['--log-format', 'json'],
    ],
    // Not ours: in a pod, POD_NAME and the like would change what the agent does.
    { stdio: ['ignore', 'pipe', 'pipe'], env: { PATH: process.env.PATH } },
  );
  const log: LogEntry[] = [];
  let reading = NOTHING_READ;
  let stopping = false;

  for (const stream of [child.stdout, child.stderr]) {
    createInterface({ input: stream }).on('line', (line) => {
      const entry = parseLogLine(line);
      const before = reading;
      log.push(entry);
      reading = readEntry(before, entry);
      listener.onEntry(nodeName, before, entry);
    });
  }
  const gone = endOf(child).then((how) => {
    if (!stopping) listener.onDeath(nodeName, how);
  });

  return {
    nodeName,
    pid: child.pid ?? 0,
    log,
    get reading() {
      return reading;
    },
    get httpAddress() {
      const started = log.find(({ msg }) => msg === 'agent started');
      return started && String(started.http);
    },
    async stop() {
      stopping = true;
      child.kill('SIGTERM');
      const late = setTimeout(() => child.kill('SIGKILL'), STOP_WITHIN_MS);
      await gone;
      clearTimeout(late);
    },
  };
}

/** Settles once the process is gone and its output is read, with how it ended. Whatever ends us ends the process too. */
function endOf(child: ChildProcess): Promise<string> {
  const kill = () => child.kill('SIGKILL');
  process.once('exit', kill);
  return new Promise((resolve) => {
    child.once('error', (error) => resolve(error.message));
    child.once('close', (code, signal) => {
      process.off('exit', kill);
      resolve(signal === null ? `exit code ${code}` : `signal ${signal}`);
    });
  });
}
