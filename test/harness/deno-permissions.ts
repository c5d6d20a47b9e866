import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { codeBlocks } from './code-blocks.ts';

const DOCUMENT = fileURLToPath(new URL('../../docs/runtimes.md', import.meta.url));

/**
 * The arguments of `deno run`, before the program, with which docs/runtimes.md says to run a command of nsc.
 *
 * The document is their one place, so what it says is what the tests run with.
 *
 * @param values of the document's shell variables
 * @throws Error when the document has no such command line, or one with a variable without a value
 */
export function denoPermissions(command: 'run' | 'validate', values: Readonly<Record<string, string>>): string[] {
  const lines = codeBlocks(readFileSync(DOCUMENT, 'utf8'), 'sh').join('').replaceAll('\\\n', ' ').split('\n');
  const words = lines.map((line) => line.trim().split(/\s+/)).find((found) => isLineOf(found, command));
  if (words === undefined) throw new Error(`${DOCUMENT} must say how to run \`nsc ${command}\` on Deno`);
  return words.slice(2, words.findIndex(isProgram)).map((word) =>
    word.replaceAll('"', '').replaceAll(/\$(\w+)/g, (_, name: string) => {
      const value = values[name];
      if (value === undefined) throw new Error(`${DOCUMENT} uses $${name}; known are ${Object.keys(values)}`);
      return value;
    }),
  );
}

function isLineOf(words: readonly string[], command: string): boolean {
  return words[0] === 'deno' && words[1] === 'run' && words[words.findIndex(isProgram) + 1] === command;
}

function isProgram(word: string): boolean {
  return word.endsWith('agent.mjs') || word.endsWith('agent.mjs"');
}
