import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { text } from 'node:stream/consumers';
import { requireBinary } from './binaries.ts';

/** What `promtool check metrics` has to say about a scrape, a line each; empty when it is fine. */
export async function lintMetrics(scrape: string): Promise<readonly string[]> {
  const child = spawn(requireBinary('promtool'), ['check', 'metrics'], { stdio: ['pipe', 'pipe', 'pipe'] });
  child.stdin.end(scrape);
  const [out, err, [code]] = await Promise.all([text(child.stdout), text(child.stderr), once(child, 'close')]);
  const lines = `${out}${err}`.split('\n').filter(Boolean);
  if (code !== 0 && lines.length === 0) throw new Error(`promtool ended with ${code}`);
  return lines;
}
