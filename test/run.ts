// Runs the tests: all of them, or those of a suite or of globs, `node test/run.ts e2e`, `node test/run.ts 'test/deploy/*.test.ts'`.
// Those on a real API server share one control plane.
import { globSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { Readable } from 'node:stream';
import { run } from 'node:test';
import { spec } from 'node:test/reporters';
import { fileURLToPath } from 'node:url';
import { skipWithoutControlPlane } from './harness/binaries.ts';
import { leftOut } from './harness/left-out.ts';
import { startSharedControlPlane } from './harness/shared-control-plane.ts';

/** Files that mostly wait, for a check's next run or for a controller, leave a processor to others. */
const AT_ONCE = 4 * availableParallelism();
/** Each file runs in a process of its own, and the longest begin first: none is left running alone at the end. */
const E2E = ['test/e2e/*.test.ts', 'test/faults/*.test.ts'];
const PARTS = ['test/*.test.ts', 'test/!(e2e|faults|soak)/*.test.ts', '{simulator,agent,schema}/**/*.test.ts'];
const SUITES: Readonly<Record<string, readonly string[]>> = { all: [...E2E, ...PARTS], parts: PARTS, e2e: E2E };
/** Of each of them Node strips the types and compiles what it imports, which others import too. */
const COMPILED = fileURLToPath(new URL('../node_modules/.cache/node-svc-checker-tests', import.meta.url));

const args = process.argv.slice(2);
const files = filesOf(SUITES[args[0] ?? 'all'] ?? args);
const interrupted = new AbortController();
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => interrupted.abort());
process.env.NODE_COMPILE_CACHE ??= COMPILED;
const stop = skipWithoutControlPlane() ? async () => {} : await startSharedControlPlane();
try {
  const { passed, skipped } = await runAll(files);
  if (!passed) process.exitCode = 1;
  for (const line of leftOut(skipped)) console.log(line);
} finally {
  await stop();
}

/** @throws Error when a glob matches none: a suite that was moved is not left out unsaid */
function filesOf(globs: readonly string[]): string[] {
  const found = globs.flatMap((glob) => {
    const matches = globSync(glob).sort();
    if (matches.length === 0) throw new Error(`no test file matches ${glob}`);
    return matches;
  });
  return [...new Set(found)];
}

/** @returns whether all tests passed, and why those were skipped that were */
async function runAll(files: readonly string[]): Promise<{ passed: boolean; skipped: string[] }> {
  let passed = false;
  const skipped: string[] = [];
  const tests = run({ files, concurrency: AT_ONCE, signal: interrupted.signal });
  tests.on('test:summary', ({ file, success }) => {
    if (file === undefined) passed = success;
  });
  tests.on('test:pass', ({ skip }) => {
    if (typeof skip === 'string') skipped.push(skip);
  });
  for await (const text of Readable.from(tests).compose(new spec())) process.stdout.write(text);
  return { passed, skipped };
}
