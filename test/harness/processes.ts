import { type ChildProcess, spawn } from 'node:child_process';
import { closeSync, openSync, readFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';

/** A child process of the harness, its output in a log file. */
export interface ManagedProcess {
  readonly name: string;
  readonly pid: number;
  /** Resolves when it ended, whoever ended it. */
  readonly exited: Promise<void>;
  hasExited(): boolean;
  /** The last lines it logged, for error messages. */
  logTail(): string;
  /** Sends a signal, for example SIGSTOP for an API server that hangs. */
  signal(signal: NodeJS.Signals): void;
  /** SIGKILL, and waits for the end. */
  kill(): Promise<void>;
}

/** Starts children that cannot outlive this process. */
export interface Supervisor {
  start(name: string, path: string, args: readonly string[]): ManagedProcess;
  /** Ends every child and removes the directory. */
  end(): Promise<void>;
}

// Its stdin closes however this process ends, SIGKILL included. A line is +pid or -pid: one more to end, one that has.
const WATCHDOG = `
trap '' INT TERM HUP
pids=
while read -r line; do
  case $line in
    +*) pids="$pids \${line#+}" ;;
    -*) pids=$(printf '%s\\n' $pids | grep -vx -- "\${line#-}") ;;
  esac
done
for pid in $pids; do kill -9 "$pid" 2>/dev/null; done
for try in 1 2 3 4 5 6 7 8 9; do rm -rf "$0" 2>/dev/null && break; sleep 0.1; done
`;

/** @param dir where logs go; it is removed at the end. */
export function startSupervisor(dir: string): Supervisor {
  const watchdog = spawn('sh', ['-c', WATCHDOG, dir], { detached: true, stdio: ['pipe', 'ignore', 'ignore'] });
  const gone = exitOf(watchdog);
  watchdog.unref();
  const { stdin } = watchdog;
  if ('unref' in stdin && typeof stdin.unref === 'function') stdin.unref();
  return {
    start(name, path, args) {
      const managed = startProcess(name, path, args, join(dir, `${name}.log`));
      stdin.write(`+${managed.pid}\n`);
      void managed.exited.then(() => stdin.writable && stdin.write(`-${managed.pid}\n`));
      return managed;
    },
    async end() {
      // Held by nothing else, the event loop would end before the watchdog does.
      watchdog.ref();
      stdin.end();
      await gone;
    },
  };
}

function startProcess(name: string, path: string, args: readonly string[], logPath: string): ManagedProcess {
  const log = openSync(logPath, 'a');
  const child = spawn(path, args, { stdio: ['ignore', log, log] });
  closeSync(log);
  const gone = exitOf(child);
  if (child.pid === undefined) throw new Error(`cannot start ${path}`);
  child.unref();
  return {
    name,
    pid: child.pid,
    exited: gone,
    hasExited: () => child.exitCode !== null || child.signalCode !== null,
    logTail: () => readFileSync(logPath, 'utf8').split('\n').slice(-15).join('\n'),
    signal: (signal) => void child.kill(signal),
    async kill() {
      child.ref();
      child.kill('SIGKILL');
      await gone;
    },
  };
}

/** Has a child not outlive this process, unless that is killed by SIGKILL: a run that is interrupted sends SIGTERM. */
export function endWithThisProcess(child: ChildProcess): void {
  const end = () => child.kill('SIGKILL');
  const exit = () => process.exit(143);
  // A suite runs many, each with listeners of its own.
  process.setMaxListeners(0);
  process.once('exit', end);
  process.once('SIGTERM', exit);
  child.once('close', () => {
    process.off('exit', end);
    process.off('SIGTERM', exit);
  });
}

function exitOf(child: ChildProcess): Promise<void> {
  return new Promise((resolve) => {
    child.once('exit', () => resolve());
    child.once('error', () => resolve());
  });
}

/** A TCP port of 127.0.0.1 that was free a moment ago. */
export function freePort(): Promise<number> {
  const { promise, resolve, reject } = Promise.withResolvers<number>();
  const server = createServer();
  server.once('error', reject);
  server.listen(0, '127.0.0.1', () => {
    const address = server.address();
    server.close(() => resolve(typeof address === 'object' && address !== null ? address.port : 0));
  });
  return promise;
}
