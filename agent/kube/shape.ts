import { KubeError } from './kube-error.ts';

/** Of an answer that is not what was asked for, in a message. */
const MAX_FOUND_CHARACTERS = 120;

/** What every object of the API has. */
export type Metadata = {
  readonly name: string;
  readonly uid: string;
  readonly resourceVersion: string;
  readonly namespace?: string;
  readonly labels?: Readonly<Record<string, string>>;
  readonly annotations?: Readonly<Record<string, string>>;
};

export type Page = {
  readonly metadata: { readonly resourceVersion: string; readonly continue?: string };
  readonly items: readonly unknown[];
};

export type WatchEvent = {
  readonly type: 'ADDED' | 'MODIFIED' | 'DELETED' | 'BOOKMARK' | 'ERROR';
  readonly object: object;
};

/**
 * An answer with a good status that is not what was asked for, such as a proxy's page. It is as good as no answer: a
 * write may or may not have happened, and nothing is gone for all that it says.
 *
 * @param required `a Node with metadata.uid`
 */
export function oddAnswer(attempt: string, required: string, found: unknown): KubeError {
  const text = (typeof found === 'string' ? found : (JSON.stringify(found) ?? 'nothing')).trim().replace(/\s+/g, ' ');
  const excerpt = text.length > MAX_FOUND_CHARACTERS ? `${text.slice(0, MAX_FOUND_CHARACTERS)}…` : text;
  const problem = `the API server must answer with ${required}, found ${excerpt || 'an empty answer'}`;
  return new KubeError(`could not ${attempt}: ${problem}`, { status: null, answer: problem });
}

/** @throws KubeError when the text is no JSON */
export function parseAnswer(text: string, attempt: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    throw oddAnswer(attempt, 'JSON', text);
  }
}

/**
 * An object as it is answered; only its metadata are looked at.
 *
 * @param kind for messages: `Node`
 * @throws KubeError when it is none
 */
export function requireObject<T extends object>(
  value: unknown,
  kind: string,
  attempt: string,
): T & { readonly metadata: Metadata } {
  const metadata = isFields(value) ? value.metadata : undefined;
  const isObject =
    isFields(metadata) &&
    [metadata.name, metadata.uid, metadata.resourceVersion].every((field) => typeof field === 'string' && field) &&
    [metadata.labels, metadata.annotations].every((field) => field === undefined || field === null || isFields(field));
  if (!isObject) throw oddAnswer(attempt, `a ${kind} with metadata.name, uid and resourceVersion`, value);
  return value as T & { readonly metadata: Metadata };
}

/**
 * The very object that a call is about, as reading, creating or changing it is answered.
 *
 * @throws KubeError when it is anything else, be it an object of another name
 */
export function requireNamed<T extends object>(
  value: unknown,
  kind: string,
  name: string,
  attempt: string,
): T & { readonly metadata: Metadata } {
  const object = requireObject<T & { readonly kind?: unknown }>(value, kind, attempt);
  if (object.kind !== kind || object.metadata.name !== name) throw oddAnswer(attempt, `${kind} ${name}`, value);
  return object;
}

/**
 * What the API server says when it has deleted or evicted an object: a Status of success, or that object as it ends.
 *
 * @throws KubeError when it is anything else
 */
export function requireDone(value: unknown, kind: string, name: string, attempt: string): void {
  if (isFields(value) && value.kind === 'Status') {
    if (value.status !== 'Success') throw oddAnswer(attempt, 'a Status of success', value);
  } else requireNamed(value, kind, name, attempt);
}

/**
 * A field that is a list of objects, or absent.
 *
 * @throws KubeError when it is anything else
 */
export function requireList<T extends object>(value: unknown, field: string, attempt: string): readonly T[] {
  if (value === undefined || value === null) return [];
  if (!Array.isArray(value) || !value.every(isFields)) throw oddAnswer(attempt, `a list in ${field}`, value);
  return value as readonly T[];
}

/**
 * A field that is a list of words, or absent.
 *
 * @throws KubeError when it is anything else
 */
export function requireTexts(value: unknown, field: string, attempt: string): readonly string[] {
  if (value === undefined || value === null) return [];
  const isTexts = Array.isArray(value) && value.every((each) => typeof each === 'string');
  if (!isTexts) throw oddAnswer(attempt, `a list of words in ${field}`, value);
  return value;
}

/**
 * A page of a list: what it does not have is not there only if it is one.
 *
 * @param kind of the list: `NodeList`; `List` for any
 * @throws KubeError when it is none
 */
export function requirePage(value: unknown, kind: string, attempt: string): Page {
  const { metadata, items } = (isFields(value) ? value : {}) as Partial<Page>;
  const isPage =
    isFields(value) &&
    String(value.kind).endsWith(kind) &&
    typeof metadata?.resourceVersion === 'string' &&
    metadata.resourceVersion !== '' &&
    // An empty list of metadata has null.
    (Array.isArray(items) || items === null);
  if (!isPage) throw oddAnswer(attempt, `a ${kind} with metadata.resourceVersion and items`, value);
  return { metadata, items: items ?? [] };
}

/** @throws KubeError when a watch sent something else */
export function requireEvent(value: unknown, attempt: string): WatchEvent {
  const isEvent =
    isFields(value) &&
    ['ADDED', 'MODIFIED', 'DELETED', 'BOOKMARK', 'ERROR'].includes(String(value.type)) &&
    isFields(value.object);
  if (!isEvent) throw oddAnswer(attempt, 'watch events', value);
  return value as WatchEvent;
}

function isFields(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
