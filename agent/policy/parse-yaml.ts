import { Composer, type Document, isScalar, Lexer, Parser } from 'yaml';
import { buildTree } from './build-tree.ts';
import { type DocumentBounds, MAX_ERRORS, POLICY_BOUNDS } from './limits.ts';
import { type Problem, shorten } from './problem.ts';
import type { SourceText } from './source-text.ts';
import type { TreeNode } from './tree.ts';

/** What stands between two `---`. */
export type ParsedDocument = {
  /** Null if there is no value to look at: the document is empty or could not be read. */
  readonly root: TreeNode | null;
  readonly problems: readonly Problem[];
};

/**
 * Reads a YAML 1.2 stream (JSON is a part of YAML), document by document.
 *
 * Stricter than YAML where a file would mean more than it shows: no duplicate keys, no merge keys, no tags but those
 * of the core schema, only strings as keys. The rest of a file is not read after a document that breaks a bound.
 */
export function* parseYaml(source: SourceText, bounds = POLICY_BOUNDS): Generator<ParsedDocument> {
  // Duplicate keys are found while the tree is built: the composer's own search takes quadratic time.
  const composer = new Composer({ version: '1.2', strict: true, uniqueKeys: false, resolveKnownTags: false });
  for (const document of composeDocuments(composer, source, bounds)) {
    if ('requirement' in document) {
      yield { root: null, problems: [document] };
      return;
    }
    yield readDocument(document, source, bounds);
    if (document.errors.length > MAX_ERRORS) return;
  }
}

/** The documents of the stream, up to the first broken bound. */
function* composeDocuments(
  composer: Composer,
  source: SourceText,
  bounds: DocumentBounds,
): Generator<Document.Parsed | Problem> {
  for (const token of parseTokens(source, bounds)) {
    if ('requirement' in token) {
      yield* composer.end();
      return yield token;
    }
    yield* composer.next(token);
  }
  // Forced, because errors outside of all documents would go unseen if there is none.
  yield* composer.end(true, source.text.length);
}

type Token = Parameters<Composer['next']>[0];

/** One token for each document and some for what stands between them, up to the first broken bound. */
function* parseTokens(source: SourceText, bounds: DocumentBounds): Generator<Token | Problem> {
  const parser = new Parser();
  let size = 0;
  for (const lexeme of new Lexer().lex(source.text)) {
    const place = { source, offset: parser.offset };
    for (const token of parser.next(lexeme)) {
      if (token.type === 'document') size = 0;
      yield token;
    }
    size += 1 + countLineBreaks(lexeme);
    const requirement = brokenBound(parser.stack.length, size, bounds);
    if (requirement) return yield { place, path: [], requirement, found: '' };
  }
  yield* parser.end();
}

/** @param open how many parts of the document are open: itself, its root, and so on down to the current one */
function brokenBound(open: number, size: number, { depth, tokens }: DocumentBounds): string | null {
  if (open > depth + 2) return `must have at most ${depth} levels`;
  if (size > tokens) return `must have at most ${tokens} YAML tokens and lines`;
  return null;
}

function countLineBreaks(lexeme: string): number {
  let count = 0;
  for (let at = lexeme.indexOf('\n'); at !== -1; at = lexeme.indexOf('\n', at + 1)) count++;
  return count;
}

function readDocument(document: Document.Parsed, source: SourceText, bounds: DocumentBounds): ParsedDocument {
  const problems = syntaxProblems(document, source);
  if (problems.length > 0 || isEmpty(document)) return { root: null, problems };
  return buildTree(document.contents, source, bounds);
}

/** Of several errors only the first is told, the others mostly follow from it. A warning is a value nobody meant. */
function syntaxProblems({ errors, warnings, directives, range }: Document.Parsed, source: SourceText): Problem[] {
  const problems = (errors.length > 0 ? errors.slice(0, 1) : warnings).map(({ pos, message }) => ({
    place: { source, offset: Math.min(Math.max(pos[0], 0), source.text.length) },
    path: [],
    requirement: `must be valid YAML (${shorten(message, 200)})`,
    found: '',
  }));
  if (problems.length > 0 || directives.yaml.version === '1.2') return problems;
  const found = `%YAML ${directives.yaml.version}`;
  return [{ place: { source, offset: range[0] }, path: [], requirement: 'must be YAML 1.2', found }];
}

/** True if there are only comments. */
function isEmpty({ contents }: Document.Parsed): boolean {
  if (!contents) return true;
  return isScalar(contents) && contents.source === '' && contents.type === 'PLAIN' && !contents.tag && !contents.anchor;
}
