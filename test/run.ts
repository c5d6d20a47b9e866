// Runs the tests: all of them, or those of a stage or of globs, `node test/run.ts e2e`, `node test/run.ts 'test/deploy/*.test.ts'`.
// Those on a real API server share one control plane.
import { globSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { Readable } from 'node:stream';
import { run } from 'node:test';
import { spec } from 'node:test/reporters';
import { skipWithoutControlPlane } from './harness/binaries.ts';
import { leftOut } from './harness/left-out.ts';
import { startSharedControlPlane } from './harness/shared-control-plane.ts';

interface Stage {
  /** Globs of test files; each file runs in a process of its own, the first ones first. */
  readonly files: readonly string[];
  /** How many of them run at once. */
  readonly atOnce: number;
  /** Whether they use the control plane that all of them share. */
  readonly onControlPlane?: boolean;
}

const PROCESSORS = availableParallelism();
/** Files that mostly wait, for a check's next run or for a controller, leave a processor to others. */
const WAITING = 3 * PROCESSORS;
const PARTS: Stage = {
  files: ['test/laws/*.test.ts', 'test/deno-parts.test.ts', '{agent,schema,simulator}/**/*.test.ts'],
  atOnce: PROCESSORS,
};
/** The longest first, so that none is left running alone at the end. */
const LONG = ['test/e2e/*.test.ts', 'test/faults/*.test.ts'];
const SHORT = ['test/{ship,deploy,monitoring,contract,harness}/**/*.test.ts', 'test/*.test.ts'];
const STAGES: Readonly<Record<string, readonly Stage[]>> = {
  all: [PARTS, { files: [...LONG, ...SHORT], atOnce: WAITING, onControlPlane: true }],
  parts: [PARTS, { files: SHORT, atOnce: WAITING, onControlPlane: true }],
  e2e: [{ files: LONG, atOnce: WAITING, onControlPlane: true }],
};

const args = process.argv.slice(2);
const stages = STAGES[args[0] ?? 'all'] ?? [{ files: args, atOnce: WAITING, onControlPlane: true }];
const reasons: string[] = [];
const ran = new Set<string>();
const interrupted = new AbortController();
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => interrupted.abort());
for (const stage of stages) {
  if (!(await passes(stage)) || interrupted.signal.aborted) {
    process.exitCode = 1;
    break;
  }
}
for (const line of leftOut(reasons)) console.log(line);

/** Runs one stage and reports it. @returns whether all tests passed */
async function passes({ files, atOnce, onControlPlane = false }: Stage): Promise<boolean> {
  const stop = onControlPlane && !skipWithoutControlPlane() ? await startSharedControlPlane() : async () => {};
  try {
    let passed = false;
    const found = files
      .flatMap((pattern) => globSync(pattern).sort())
      .filter((file) => !ran.has(file) && ran.add(file));
    if (found.length === 0) throw new Error(`no test file matches ${files.join(' ')}`);
    const tests = run({ files: found, concurrency: atOnce, signal: interrupted.signal });
    tests.on('test:summary', ({ file, success }) => {
      if (file === undefined) passed = success;
    });
    tests.on('test:pass', ({ skip }) => {
      if (typeof skip === 'string') reasons.push(skip);
    });
    for await (const text of Readable.from(tests).compose(new spec())) process.stdout.write(text);
    return passed;
  } finally {
    await stop();
  }
}
