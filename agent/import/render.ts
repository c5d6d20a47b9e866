import { Document, isMap, isScalar, isSeq, type Node, type YAMLMap } from 'yaml';
import type { Draft, Explained, Imported } from './draft.ts';
import { formatNotes } from './notes.ts';
import { printable } from './printable.ts';

/** Columns of a comment, its indentation not counted. */
const COMMENT_WIDTH = 100;

/** Where in a policy the comment for a field stands. */
const PATHS: Readonly<Record<Explained, readonly string[]>> = {
  mode: ['spec', 'mode'],
  nodeCondition: ['spec', 'nodeCondition'],
  command: ['spec', 'check', 'command'],
  runIn: ['spec', 'check', 'runIn'],
  periodSeconds: ['spec', 'check', 'periodSeconds'],
  timeoutSeconds: ['spec', 'check', 'timeoutSeconds'],
  failureThreshold: ['spec', 'check', 'failureThreshold'],
  successThreshold: ['spec', 'check', 'successThreshold'],
  onStderr: ['spec', 'check', 'onStderr'],
  onTimeout: ['spec', 'check', 'onTimeout'],
  exitCodes: ['spec', 'check', 'exitCodes'],
  unknown: ['spec', 'check', 'exitCodes', 'unknown'],
};

/**
 * The policies as YAML, a document each, every decision in a comment where it was taken.
 *
 * @param schema path or URL at which editors find the schema
 */
export function renderPolicies({ drafts, notes }: Pick<Imported, 'drafts' | 'notes'>, schema: string): string {
  const end = notes.length === 0 ? '' : `\n${toLines(['Beside these policies:', ...toItems(notes)]).join('\n')}\n`;
  return drafts.map((draft) => renderPolicy(draft, schema)).join('---\n') + end;
}

function renderPolicy({ name, about, check, nodeCondition, why, notes }: Draft, schema: string): string {
  const document = new Document({
    apiVersion: 'node-svc-checker/v1',
    kind: 'NodeCheckPolicy',
    metadata: { name },
    spec: { mode: 'Observe', check, ...(nodeCondition !== undefined && { nodeCondition }) },
  });
  setFlow(document.getIn(PATHS.command, true));
  setFlow(document.getIn(PATHS.unknown, true));
  setFlow(document.getIn([...PATHS.exitCodes, 'reasons'], true));
  for (const [field, path] of Object.entries(PATHS) as [Explained, readonly string[]][]) {
    const text = why[field];
    if (text !== undefined) commentBefore(document, path, text);
  }
  document.commentBefore = ` yaml-language-server: $schema=${printable(schema)}`;
  const left = notes.length === 0 ? [] : ['Not in it:', ...toItems(notes)];
  if (document.contents) document.contents.commentBefore = toComment([about, ...left]);
  return document.toString({ lineWidth: 0, flowCollectionPadding: false });
}

function setFlow(node: unknown): void {
  if (isSeq(node) || isMap(node)) node.flow = true;
  // Where it begins and ends is not to be guessed.
  for (const item of isSeq(node) ? node.items : []) {
    if (isScalar(item) && /\s/.test(String(item.value))) item.type = 'QUOTE_DOUBLE';
  }
}

function commentBefore(document: Document, path: readonly string[], text: string): void {
  const parent = document.getIn(path.slice(0, -1), true) as YAMLMap<Node, Node>;
  const pair = parent.items.find(({ key }) => isScalar(key) && key.value === path.at(-1));
  if (pair) pair.key.commentBefore = toComment([text]);
}

function toItems(notes: Draft['notes']): string[] {
  return formatNotes(notes).map((line) => `- ${line}`);
}

function toComment(texts: readonly string[]): string {
  return toLines(texts)
    .map((line) => line.slice(1))
    .join('\n');
}

/** Comment lines of {@link COMMENT_WIDTH} columns at most, where words allow it. */
function toLines(texts: readonly string[]): string[] {
  return texts.flatMap((text) => {
    const lines: string[] = [];
    let line = '#';
    for (const word of printable(text).split(' ')) {
      if (line.length + word.length > COMMENT_WIDTH && line !== '#') {
        lines.push(line);
        line = text.startsWith('- ') ? '#  ' : '#';
      }
      line += ` ${word}`;
    }
    return [...lines, line];
  });
}
