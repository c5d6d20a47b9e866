import { stringify } from 'yaml';
import type { NodeCheckPolicy, NodeDisruptionBudget } from '../core/policy.ts';
import { toPrintable } from './format-error.ts';
import { MANIFEST_BOUNDS } from './limits.ts';
import type { Origin, ValidPolicies } from './load-policies.ts';
import { parseYaml } from './parse-yaml.ts';
import { formatPath, type Path, positionOf } from './problem.ts';
import { compareNames } from './revision.ts';
import { decodeSource } from './source-text.ts';
import { walk } from './tree.ts';

type PolicyObject = NodeCheckPolicy | NodeDisruptionBudget;

/** Comments are aligned as long as their lines stay within so many columns. */
const MAX_COLUMNS = 100;
/** Unless the names of files are so long that hardly a line could be aligned. */
const MIN_COLUMN = 40;

/**
 * Every policy and budget as YAML, in file order, defaults filled in. Behind each value stands where it was written, as
 * `# FILE:LINE`, or `# default`. The text is a policy file itself, and as such means the same.
 */
export function explainPolicies(load: ValidPolicies): string {
  const placed = [...load.set.policies, ...load.set.budgets].map((document) => ({
    document,
    origin: load.originsOf(document).get('$') ?? { file: '', line: 0, column: 0 },
  }));
  placed.sort((a, b) => compareNames(a.origin.file, b.origin.file) || a.origin.line - b.origin.line);
  return placed.map(({ document }) => explain(document, load)).join('---\n');
}

function explain(document: PolicyObject, load: ValidPolicies): string {
  const lines = toLines(document);
  const valueLines = linesByPath(lines);
  const [origins, removals] = [load.originsOf(document), load.removalsOf(document)];
  const isWritten = (part: Part) => origins.has(part.path);
  const comments = new Map<number, string>();
  const unseen = new Map(removals);
  for (const part of partsOf(document)) {
    // Of what has parts only those are told, unless none of them was written, as in `drain: {}`.
    if (part.parts.length > 0 && (!isWritten(part) || part.parts.some(isWritten))) continue;
    const line = (valueLines.get(part.path) ?? 0) - (part.parts.length > 0 ? 1 : 0);
    comments.set(line, originText(origins.get(part.path), removals.get(part.path)));
    unseen.delete(part.path);
  }
  const removed = [...unseen].map(([path, origin]) => `# ${toPrintable(path)}: removed at ${placeText(origin)}`);
  return [...removed, ...withComments(lines, comments), ''].join('\n');
}

/** Each scalar on one line, and in quotes where YAML 1.1 would take it for something else. */
function toLines(document: PolicyObject): string[] {
  const text = stringify(document, {
    blockQuote: false,
    compat: 'yaml-1.1',
    doubleQuotedMinMultiLineLength: Number.MAX_SAFE_INTEGER,
    lineWidth: 0,
    singleQuote: false,
  });
  return text.trimEnd().split('\n');
}

/** The index of the line where the value of each JSON path begins; found by reading what was printed. */
function linesByPath(lines: readonly string[]): Map<string, number> {
  const decoded = decodeSource('printed', new TextEncoder().encode(lines.join('\n')));
  if ('problem' in decoded) throw new Error(`a policy as printed ${decoded.problem.requirement}`);
  const byPath = new Map<string, number>();
  // It may have some more lines than what somebody wrote.
  for (const { root } of parseYaml(decoded.source, MANIFEST_BOUNDS)) {
    for (const { node, path } of root ? walk(root) : []) byPath.set(formatPath(path), positionOf(node.place).line - 1);
  }
  return byPath;
}

/** A value somewhere in a document, with those directly in it. */
type Part = { readonly path: string; readonly parts: readonly Part[] };

/** Every part of a document, those within others first. */
function partsOf(document: PolicyObject): Part[] {
  const all: Part[] = [];
  const visit = (value: unknown, path: Path): Part => {
    const children = typeof value === 'object' && value !== null ? Object.entries(value) : [];
    const parts = children.map(([name, child]) => visit(child, [...path, Array.isArray(value) ? Number(name) : name]));
    const part = { path: formatPath(path), parts };
    all.push(part);
    return part;
  };
  visit(document, []);
  return all;
}

function withComments(lines: readonly string[], comments: ReadonlyMap<number, string>): string[] {
  const longest = Math.max(0, ...[...comments.values()].map(({ length }) => length));
  const room = Math.max(MAX_COLUMNS - longest - '  # '.length, MIN_COLUMN);
  const widths = lines.filter((_, index) => comments.has(index)).map(({ length }) => length);
  const column = Math.max(0, ...widths.filter((width) => width <= room));
  return lines.map((line, index) => {
    const comment = comments.get(index);
    return comment === undefined ? line : `${line.padEnd(column)}  # ${comment}`;
  });
}

function originText(origin: Origin | undefined, removal: Origin | undefined): string {
  if (origin) return placeText(origin);
  return removal ? `default, null at ${placeText(removal)}` : 'default';
}

function placeText({ file, line }: Origin): string {
  return toPrintable(`${file}:${line}`);
}
