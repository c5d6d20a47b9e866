import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';

const NSC = fileURLToPath(new URL('nsc.ts', import.meta.url));

/** One shell in which a document's commands are played. */
export interface ShellOptions {
  readonly cwd: string;
  readonly env?: Readonly<Record<string, string>>;
  /** Milliseconds for all of it; 60 s when absent. */
  readonly deadlineMs?: number;
}

/**
 * Runs the lines of a session that begin with `$ `, with `nsc` as it was built, and asserts that each prints what stands
 * below it, `…` standing for anything.
 */
export async function playSession(session: string, { cwd, env, deadlineMs = 60_000 }: ShellOptions): Promise<void> {
  const steps = [...session.matchAll(/^\$ (.*)\n((?:(?!\$ ).*\n)*)/gm)].map(([, command = '', expected = '']) => ({
    command,
    expected,
  }));
  // A NUL after each command tells where its output ends.
  const script = [
    'exec 2>&1',
    `nsc() { '${process.execPath}' '${NSC}' "$@"; }`,
    ...steps.map(({ command }) => `${command}\nprintf '\\0'`),
  ];
  const printed = await new Promise<string>((resolve, reject) => {
    const options = { cwd, env: { ...process.env, ...env }, timeout: deadlineMs };
    execFile('bash', ['-c', script.join('\n')], options, (error, stdout) => {
      if (error?.killed) reject(new Error(`not done within ${deadlineMs} ms; printed so far:\n${stdout}`));
      else resolve(stdout);
    });
  });
  const outputs = printed.split('\0');
  for (const [index, { command, expected }] of steps.entries()) {
    assert.match(
      outputs[index] ?? '',
      new RegExp(`^${expected.split('…').map(literally).join('[\\s\\S]*')}$`),
      command,
    );
  }
}

function literally(text: string): string {
  return text.replace(/[.*+?^${}()|[\]\\]/g, '\\$&');
}
