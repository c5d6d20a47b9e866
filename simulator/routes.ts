import { ApiError, badRequest, noSuchPath, notFound } from './api-error.ts';
import type { Cluster, Target } from './cluster.ts';
import { type Eviction, evictPod } from './eviction.ts';
import { listObjects } from './list.ts';
import { type Presentation, presentationOf, presentList, presentObject } from './present.ts';
import { type DeleteOptions, deleteObject } from './remove.ts';
import { PODS, RESOURCES, type Resource } from './resources.ts';
import type { KubeObject, KubeStatus, ObjectDraft } from './types.ts';
import { parseWatch, type WatchRequest } from './watch.ts';
import { createObject, patchObject, replaceObject } from './write.ts';

/** One request, read completely. */
export interface ApiRequest {
  readonly method: string;
  readonly pathname: string;
  readonly query: URLSearchParams;
  readonly accept: string;
  readonly contentType: string;
  readonly body: string;
}

/** What to send: one body, or a watch. */
export type Answer = { readonly code: number; readonly body: unknown } | { readonly watch: WatchRequest };

/** Serves one request. @throws ApiError with the Status to send. */
export function answerRequest(cluster: Cluster, request: ApiRequest): Answer {
  const place = placeOf(request.pathname);
  const presentation = presentationOf(request.accept);
  return place.name === undefined
    ? onCollection(cluster, place, request, presentation)
    : onObject(cluster, { ...place, name: place.name }, request, presentation);
}

/** A place in the URL space: a collection, an object or its subresource. */
interface Place {
  readonly resource: Resource;
  readonly namespace: string | undefined;
  readonly name: string | undefined;
  readonly subresource: string | undefined;
}

function placeOf(path: string): Place {
  const parts = path
    .split('/')
    .filter((part) => part !== '')
    // Most have nothing to decode, and decoding is slow.
    .map((part) => (part.includes('%') ? decodeURIComponent(part) : part));
  const [root, ...rest] = parts;
  const group = root === 'api' ? '' : rest.shift();
  const version = rest.shift();
  if (root !== 'api' && root !== 'apis') throw noSuchPath();
  const isInNamespace = rest[0] === 'namespaces' && rest.length > 2 && rest[2] !== 'status';
  const namespace = isInNamespace ? rest[1] : undefined;
  const [plural, name, subresource, ...more] = isInNamespace ? rest.slice(2) : rest;
  const resource = RESOURCES.find((one) => one.group === group && one.version === version && one.plural === plural);
  const misplaced = resource?.namespaced ? name !== undefined && !isInNamespace : isInNamespace;
  if (resource === undefined || misplaced || more.length > 0) throw noSuchPath();
  return { resource, namespace, name, subresource };
}

function onCollection(cluster: Cluster, place: Place, request: ApiRequest, presentation: Presentation): Answer {
  const { resource, namespace } = place;
  const { query } = request;
  if (request.method === 'GET') {
    if (isWatch(query)) return { watch: parseWatch(resource, namespace, query, presentation) };
    return { code: 200, body: presentList(listObjects(cluster.store, resource, namespace, query), presentation) };
  }
  const isPlaced = !resource.namespaced || namespace !== undefined;
  if (request.method !== 'POST' || !isPlaced) throw methodNotAllowed();
  const created = createObject(cluster, resource, namespace, parseBody(request) as ObjectDraft);
  return { code: 201, body: presentObject(created, presentation) };
}

function onObject(
  cluster: Cluster,
  place: Place & { readonly name: string },
  request: ApiRequest,
  presentation: Presentation,
): Answer {
  const { resource, subresource } = place;
  if (resource === PODS && subresource === 'eviction') {
    if (request.method !== 'POST') throw methodNotAllowed();
    return { code: 201, body: evictPod(cluster, place, parseBody(request) as Eviction) };
  }
  if (subresource !== undefined && !(subresource === 'status' && resource.hasStatus)) throw noSuchPath();
  const body = serveObject(cluster, place, request);
  return { code: 200, body: isStatus(body) ? body : presentObject(body, presentation) };
}

function isStatus(body: KubeObject | KubeStatus): body is KubeStatus {
  return body.kind === 'Status';
}

function serveObject(cluster: Cluster, place: Place & Target, request: ApiRequest): KubeObject | KubeStatus {
  const { resource, namespace, name, subresource } = place;
  const part = subresource === 'status' ? 'status' : 'object';
  switch (request.method) {
    case 'GET': {
      const found = cluster.store.get(resource, namespace, name);
      if (!found) throw notFound(resource, name);
      return found;
    }
    case 'PUT':
      return replaceObject(cluster, place, part, parseBody(request) as KubeObject);
    case 'PATCH': {
      const type = request.contentType.split(';')[0]?.trim() ?? '';
      return patchObject(cluster, place, part, type, parseBody(request));
    }
    case 'DELETE':
      if (subresource !== undefined) throw methodNotAllowed();
      return deleteObject(cluster, place, deleteOptions(request));
    default:
      throw methodNotAllowed();
  }
}

/** From the body, or for the grace period from the query. */
function deleteOptions(request: ApiRequest): DeleteOptions {
  const inBody = request.body === '' ? {} : (parseBody(request) as DeleteOptions);
  const inQuery = request.query.get('gracePeriodSeconds');
  return inQuery === null ? inBody : { gracePeriodSeconds: Number(inQuery), ...inBody };
}

export function isWatch(query: URLSearchParams): boolean {
  return ['true', '1'].includes(query.get('watch') ?? '');
}

/** null is taken for an empty object, as the real server does. */
function parseBody({ body }: ApiRequest): object {
  let parsed: unknown;
  try {
    parsed = JSON.parse(body) ?? {};
  } catch {
    parsed = undefined;
  }
  if (typeof parsed !== 'object' || parsed === null) throw badRequest('the body of the request is no JSON object');
  return parsed;
}

function methodNotAllowed(): ApiError {
  return new ApiError(405, 'MethodNotAllowed', 'the server does not allow this method on the requested resource');
}
