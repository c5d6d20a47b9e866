import { badRequest, expired } from './api-error.ts';
import { apiVersionOf, type Resource } from './resources.ts';
import { selectorOf } from './selectors.ts';
import type { Store } from './store.ts';
import type { KubeList, KubeObject } from './types.ts';
import { invalidVersion } from './watch.ts';

const CONTINUE_EXPIRED =
  'The provided continue parameter is too old to display a consistent list result. You can start a new list without ' +
  'the continue parameter, or use the continue token in this response to retrieve the remainder of the results. ' +
  'Continuing with the provided token results in an inconsistent list - objects that were created, modified, or ' +
  'deleted between the time the first chunk was returned and now may show up in the list.';

/** Where a chunked list goes on: after which key, in the state of which version; -1 is the present one. */
interface Position {
  readonly v: 'meta.k8s.io/v1';
  readonly rv: number;
  readonly start: string;
}

/**
 * GET on a collection, in chunks when `limit` is given; every chunk shows the version of the first.
 * @throws ApiError 400 for a bad query, 410 for a continue token whose version is forgotten.
 */
export function listObjects(
  store: Store,
  resource: Resource,
  namespace: string | undefined,
  query: URLSearchParams,
): KubeList {
  const matches = selectorOf(resource, query);
  const asked = query.get('resourceVersion') ?? '';
  if (!/^[0-9]*$/.test(asked)) throw badRequest(`invalid resource version: ${invalidVersion(asked)}`);
  const limit = Number(query.get('limit') ?? 0);
  const position = parseContinue(query.get('continue') ?? '');
  const version = position === undefined || position.rv === -1 ? store.version : position.rv;
  const all = store.listAt(version, resource, namespace);
  if (all === undefined)
    throw expired(CONTINUE_EXPIRED, encode({ v: 'meta.k8s.io/v1', rv: -1, start: position?.start ?? '' }));

  const after = position?.start;
  const rest = all.filter((object) => (after === undefined || keyOf(object) > after) && matches(object));
  const items = limit > 0 ? rest.slice(0, limit) : rest;
  const last = items.at(-1);
  const remaining = rest.length - items.length;
  return {
    kind: `${resource.kind}List`,
    apiVersion: apiVersionOf(resource),
    metadata: {
      resourceVersion: String(version),
      ...(remaining > 0 && last ? { continue: encode({ v: 'meta.k8s.io/v1', rv: version, start: keyOf(last) }) } : {}),
      // The real server does not count what a selector leaves.
      ...(remaining > 0 && !isSelective(query) ? { remainingItemCount: remaining } : {}),
    },
    items: items.map(({ kind: _, apiVersion: __, ...object }) => object as KubeObject),
  };
}

function keyOf({ metadata: { namespace, name } }: KubeObject): string {
  return `${namespace ?? ''}/${name}`;
}

function isSelective(query: URLSearchParams): boolean {
  return Boolean(query.get('labelSelector') || query.get('fieldSelector'));
}

function encode(position: Position): string {
  return Buffer.from(JSON.stringify(position)).toString('base64url');
}

function parseContinue(token: string): Position | undefined {
  if (token === '') return undefined;
  try {
    return JSON.parse(Buffer.from(token, 'base64url').toString());
  } catch {
    throw badRequest('continue key is not valid');
  }
}
