import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const CONTAINERFILE = fileURLToPath(new URL('../../Containerfile', import.meta.url));

export interface Instruction {
  /** In capitals, as `COPY`. */
  readonly name: string;
  /** All that follows, on one line. */
  readonly value: string;
}

/** One stage of the Containerfile: its FROM and what follows it. */
export interface Stage {
  /** After AS; empty for the last one. */
  readonly name: string;
  readonly image: string;
  readonly instructions: readonly Instruction[];
}

export interface Containerfile {
  /** The values of the ARGs before the first stage. */
  readonly defaults: Readonly<Record<string, string>>;
  readonly stages: readonly Stage[];
}

/** Reads the repository's Containerfile; of the language it knows as much as is used there. */
export function readContainerfile(): Containerfile {
  const text = readFileSync(CONTAINERFILE, 'utf8')
    .replaceAll(/^#.*\n/gm, '')
    .replaceAll(/\\\n/g, ' ');
  const instructions = text
    .split('\n')
    .filter((line) => line.trim() !== '')
    .map((line) => ({
      name: line.split(/\s/, 1)[0] ?? '',
      value: line.replace(/^\S+\s+/, '').replaceAll(/\s+/g, ' '),
    }));
  const first = instructions.findIndex(({ name }) => name === 'FROM');
  const defaults = Object.fromEntries(instructions.slice(0, first).map(({ value }) => value.split('=')));
  const stages: { name: string; image: string; instructions: Instruction[] }[] = [];
  for (const instruction of instructions.slice(first)) {
    if (instruction.name !== 'FROM') {
      stages.at(-1)?.instructions.push(instruction);
      continue;
    }
    const words = instruction.value.split(' ').filter((word) => !word.startsWith('--'));
    const image = (words[0] ?? '').replaceAll(/\$\{(\w+)\}/g, (_, name: string) => defaults[name] ?? '');
    stages.push({ name: words[2] ?? '', image, instructions: [] });
  }
  return { defaults, stages };
}

/** What a stage copies from the repository. */
export function sourcesOf({ instructions }: Stage): string[] {
  return instructions
    .filter(({ name, value }) => name === 'COPY' && !value.startsWith('--from='))
    .flatMap(({ value }) => value.split(' ').slice(0, -1));
}
