import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { parse } from 'yaml';

/** The chart's directory. */
export const CHART = join(import.meta.dirname, 'node-svc-checker');

/** One value of the chart, as its `# --` comment in values.yaml tells of it. */
export interface DocumentedValue {
  /** Its keys joined by dots, for example `checker.debug`. */
  readonly path: string;
  readonly default: unknown;
  readonly description: string;
}

const BEGIN = '<!-- made from values.yaml by ../generate-readme.ts -->';
const END = '<!-- end -->';

/** The README with the table of values anew. @throws Error when it has no place for the table */
export function withValuesTable(readme: string, values: string): string {
  const [begin, end] = [readme.indexOf(BEGIN), readme.indexOf(END)];
  if (begin < 0 || end < begin)
    throw new Error(`the README must have ${BEGIN} and then ${END}, found ${begin}, ${end}`);
  const rows = documentedValues(values).map(({ path, default: value, description }) => {
    return `| \`${path}\` | \`${JSON.stringify(value)}\` | ${description.replaceAll('|', '\\|')} |`;
  });
  const table = ['| value | default | |', '| --- | --- | --- |', ...rows].join('\n');
  return `${readme.slice(0, begin)}${BEGIN}\n${table}\n${readme.slice(end)}`;
}

/** Every key of values.yaml that has a `# --` comment right above it, in the order of the file. */
export function documentedValues(values: string): DocumentedValue[] {
  const parsed: unknown = parse(values);
  const found: DocumentedValue[] = [];
  const keys: { readonly indent: number; readonly key: string }[] = [];
  let comment: string[] = [];
  for (const line of values.split('\n')) {
    const text = /^ *# ?(.*)/.exec(line)?.[1];
    if (text !== undefined) {
      comment.push(text);
      continue;
    }
    const [, spaces = '', key] = /^( *)([A-Za-z]+):/.exec(line) ?? [];
    if (key !== undefined) {
      while ((keys.at(-1)?.indent ?? -1) >= spaces.length) keys.pop();
      keys.push({ indent: spaces.length, key });
      if (comment[0]?.startsWith('-- ')) {
        const path = keys.map((one) => one.key);
        const description = comment.join(' ').slice('-- '.length);
        found.push({ path: path.join('.'), default: valueAt(parsed, path), description });
      }
    }
    comment = [];
  }
  return found;
}

function valueAt(values: unknown, path: readonly string[]): unknown {
  return path.reduce((value: unknown, key) => (value as Readonly<Record<string, unknown>>)[key], values);
}

async function main(): Promise<void> {
  const readme = join(CHART, 'README.md');
  const [text, values] = await Promise.all([readFile(readme, 'utf8'), readFile(join(CHART, 'values.yaml'), 'utf8')]);
  await writeFile(readme, withValuesTable(text, values));
}

if (import.meta.main) await main();
