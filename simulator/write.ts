import { isDeepStrictEqual } from 'node:util';
import { checkNamespace, normalize, withDefaults } from './admission.ts';
import { type ApiError, alreadyExists, badRequest, conflict, invalid, notFound } from './api-error.ts';
import { type Cluster, type Target, timestamp } from './cluster.ts';
import { applyPatch } from './patches.ts';
import { finishDeletion } from './remove.ts';
import { apiVersionOf, NODES, type Resource } from './resources.ts';
import { misshapenField } from './shape.ts';
import type { KubeObject, ObjectDraft, ObjectMeta } from './types.ts';
import { validate } from './validation.ts';

const MODIFIED = 'the object has been modified; please apply your changes to the latest version and try again';

/** Of a name that is generated. */
const SUFFIX_CHARACTERS = 5;

/** POST: creates an object. @throws ApiError 404, 403 (namespace), 409 AlreadyExists, 422. */
export function createObject(
  cluster: Cluster,
  resource: Resource,
  namespace: string | undefined,
  draft: ObjectDraft,
): KubeObject {
  const { store, uuid } = cluster;
  checkDecodable(resource, draft as KubeObject);
  const { generateName, resourceVersion, ...given } = draft.metadata ?? {};
  const name =
    given.name ?? (generateName === undefined ? undefined : `${generateName}${uuid().slice(-SUFFIX_CHARACTERS)}`);
  if (name === undefined) {
    const message = 'Required value: name or generateName is required';
    throw invalid(resource, '', [{ reason: 'FieldValueRequired', message, field: 'metadata.name' }]);
  }
  if (resourceVersion) throw badRequest('resourceVersion should not be set on objects to be created');
  if (given.namespace && given.namespace !== namespace) {
    throw badRequest('the namespace of the provided object does not match the namespace sent on the request');
  }
  checkNamespace(store, resource, namespace, name);
  const metadata = {
    ...given,
    ...(generateName === undefined ? {} : { generateName }),
    name,
    ...(namespace === undefined ? {} : { namespace }),
    uid: uuid(),
    creationTimestamp: timestamp(cluster),
    ...(resource.countsGenerations ? { generation: 1 } : {}),
  } as unknown as ObjectMeta;
  const { kind, apiVersion, status, ...content } = draft;
  const typed = {
    kind: kind ?? resource.kind,
    apiVersion: apiVersion ?? apiVersionOf(resource),
    ...content,
    metadata,
    // A kubelet registers its Node with a status; everybody else's is dropped.
    ...(resource === NODES || !resource.hasStatus ? { status } : {}),
  };
  checkType(resource, typed);
  const object = withDefaults(resource, normalize(resource, typed));
  validate(resource, object);
  if (store.get(resource, namespace, name)) throw alreadyExists(resource, name);
  return store.put(resource, object);
}

/** What part of an object a request may change. */
export type Part = 'object' | 'status';

/**
 * PATCH. What changes nothing writes nothing, and the resourceVersion stays.
 * @throws ApiError 404; 409 for a stale resourceVersion; 400, 415, 422.
 */
export function patchObject(
  cluster: Cluster,
  target: Target,
  part: Part,
  contentType: string,
  patch: unknown,
): KubeObject {
  const { resource, name } = target;
  return changeObject(cluster, target, part, (current) => {
    const patched = applyPatch(contentType, current, patch, resource.mergeKeys) as KubeObject;
    const misshapen = misshapenField(resource, patched);
    if (misshapen) throw invalidField(resource, '', 'patch', `Invalid value: ${misshapen} is of another type`);
    const { uid } = patched.metadata;
    if (uid && uid !== current.metadata.uid) {
      throw invalidField(resource, name, 'metadata.uid', `Invalid value: "${uid}": field is immutable`);
    }
    return patched;
  });
}

/**
 * PUT. One that names no resourceVersion overwrites, where the kind allows that.
 * @throws ApiError 404; 409 for a stale resourceVersion or another uid; 400, 422.
 */
export function replaceObject(cluster: Cluster, target: Target, part: Part, body: KubeObject): KubeObject {
  const { resource, name } = target;
  checkDecodable(resource, body);
  return changeObject(cluster, target, part, (current) => {
    const { resourceVersion, uid } = body.metadata ?? {};
    if (!resourceVersion && !resource.unconditionalUpdate) {
      const why = 'Invalid value: 0: must be specified for an update';
      throw invalidField(resource, name, 'metadata.resourceVersion', why);
    }
    if (uid && uid !== current.metadata.uid) {
      const why = `Precondition failed: UID in precondition: ${uid}, UID in object meta: ${current.metadata.uid}`;
      throw conflict(resource, name, why);
    }
    return body;
  });
}

function changeObject(
  cluster: Cluster,
  target: Target,
  part: Part,
  change: (current: KubeObject) => KubeObject,
): KubeObject {
  const { resource, namespace, name } = target;
  const current = cluster.store.get(resource, namespace, name);
  if (!current) throw notFound(resource, name);
  const asked = change(current);
  checkIdentity(target, current, asked);
  const next = normalize(resource, merge(resource, current, asked, part));
  validate(resource, next);
  if (isDeepStrictEqual(next, current)) return current;
  return finishDeletion(cluster, target, cluster.store.put(resource, next));
}

function checkIdentity({ resource, name }: Target, current: KubeObject, asked: KubeObject): void {
  checkType(resource, asked);
  const { resourceVersion, name: askedName } = asked.metadata ?? {};
  if (askedName !== name) {
    throw badRequest(`the name of the object (${askedName}) does not match the name on the URL (${name})`);
  }
  if (resourceVersion && resourceVersion !== current.metadata.resourceVersion) throw conflict(resource, name, MODIFIED);
}

/** The fields a writer cannot change stay as they are. */
function merge(resource: Resource, current: KubeObject, asked: KubeObject, part: Part): KubeObject {
  const {
    uid,
    resourceVersion,
    creationTimestamp,
    deletionTimestamp,
    deletionGracePeriodSeconds,
    namespace,
    generation,
  } = current.metadata;
  const fixed = { uid, resourceVersion, creationTimestamp, deletionTimestamp, deletionGracePeriodSeconds, namespace };
  const metadata = { ...asked.metadata, ...fixed, ...(resource.countsGenerations ? { generation } : {}) };
  if (part === 'status') return { ...current, metadata, status: asked.status };
  const status = resource.hasStatus ? current.status : asked.status;
  const changed = resource.countsGenerations && !isDeepStrictEqual(normalize(resource, asked).spec, current.spec);
  return {
    ...asked,
    kind: current.kind,
    apiVersion: current.apiVersion,
    metadata: changed ? { ...metadata, generation: Number(generation) + 1 } : metadata,
    status,
  };
}

/** @throws ApiError 400, where a patch would be 422. */
function checkDecodable(resource: Resource, object: KubeObject): void {
  const misshapen = misshapenField(resource, object);
  if (misshapen === undefined) return;
  const { kind, version } = resource;
  throw badRequest(`${kind} in version "${version}" cannot be handled as a ${kind}: ${misshapen} is of another type`);
}

function checkType(resource: Resource, { kind, apiVersion }: KubeObject): void {
  const wanted = apiVersionOf(resource);
  if ((kind ?? resource.kind) === resource.kind && (apiVersion ?? wanted) === wanted) return;
  throw badRequest(`${apiVersion}, Kind=${kind} does not match the expected ${wanted}, Kind=${resource.kind}`);
}

function invalidField(resource: Resource, name: string, field: string, message: string): ApiError {
  return invalid(resource, name, [{ reason: 'FieldValueInvalid', message, field }]);
}
