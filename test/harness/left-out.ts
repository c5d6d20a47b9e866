import { BINARIES, howToGet, missingIn } from './binaries.ts';

/**
 * What a run ends with, so that nobody takes it for a whole one: a line for each reason why tests were skipped, that of
 * missing programs last.
 * @param reasons of every skipped test and suite
 */
export function leftOut(reasons: readonly string[]): string[] {
  const missing = new Set(reasons.flatMap(missingIn));
  const others = reasons.filter((reason) => missingIn(reason).length === 0);
  const lines = [...new Set(others)].map((reason) => `left out: ${reason}`);
  if (missing.size === 0) return lines;
  const names = BINARIES.filter((name) => missing.has(name));
  const what = names.includes('kube-apiserver') ? 'the tests on a real API server' : 'some tests';
  return [...lines, `left out: ${what}: ${howToGet(names)}`];
}
