import type { Taint } from './admission.ts';
import { invalid } from './api-error.ts';
import { EVENTS, LEASES, NODES, type Resource } from './resources.ts';
import type { KubeObject, StatusCause } from './types.ts';

const NAME = /^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$/;

const MAX_NAME_LENGTH = 253;

/** Of a label or annotation: an optional DNS subdomain, then the name. */
const KEY = /^([a-z0-9]([-a-z0-9.]*[a-z0-9])?\/)?[A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?$/;

const LABEL_VALUE = /^([A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?)?$/;

/** Of all annotations of an object together. */
const MAX_ANNOTATION_BYTES = 256 * 1024;

const TAINT_EFFECTS = ['NoSchedule', 'PreferNoSchedule', 'NoExecute'];

/** @throws ApiError 422 for what the real server refuses too, as far as an agent or its user could get there. */
export function validate(resource: Resource, object: KubeObject): void {
  const problems = [...metadataProblems(object)];
  if (resource === NODES) problems.push(...taintProblems(object));
  if (resource === LEASES) problems.push(...leaseProblems(object));
  if (resource === EVENTS) problems.push(...eventProblems(object));
  if (problems.length > 0) throw invalid(resource, object.metadata.name, problems);
}

function* metadataProblems({ metadata }: KubeObject): Generator<StatusCause> {
  const { name, ownerReferences = [], labels = {}, annotations = {} } = metadata;
  if (!NAME.test(name)) yield problem('metadata.name', `Invalid value: "${name}": a lowercase RFC 1123 subdomain`);
  if (name.length > MAX_NAME_LENGTH) {
    yield problem('metadata.name', `Invalid value: "${name}": must be no more than ${MAX_NAME_LENGTH} bytes`);
  }
  for (const [index, { uid }] of ownerReferences.entries()) {
    if (!uid) yield problem(`metadata.ownerReferences[${index}].uid`, 'Invalid value: "": uid must not be empty');
  }
  for (const [key, value] of Object.entries(labels)) {
    if (!KEY.test(key)) yield problem('metadata.labels', `Invalid value: "${key}": a qualified name`);
    if (!LABEL_VALUE.test(value)) yield problem('metadata.labels', `Invalid value: "${value}": a valid label`);
  }
  let bytes = 0;
  for (const [key, value] of Object.entries(annotations)) {
    const isKey = KEY.test(key.toLowerCase());
    if (!isKey) yield problem('metadata.annotations', `Invalid value: "${key}": a qualified name`);
    bytes += Buffer.byteLength(key) + Buffer.byteLength(value);
  }
  if (bytes > MAX_ANNOTATION_BYTES) {
    const why = `Too long: may not be more than ${MAX_ANNOTATION_BYTES} bytes`;
    yield problem('metadata.annotations', why, 'FieldValueTooLong');
  }
}

function* taintProblems(node: KubeObject): Generator<StatusCause> {
  const taints = (node.spec?.taints ?? []) as Taint[];
  const seen = new Set<string>();
  for (const [index, { key, effect }] of taints.entries()) {
    const at = `metadata.taints[${index}]`;
    const identity = `${key} ${effect}`;
    if (!key) yield problem(`${at}.key`, 'Invalid value: "": name part must be non-empty');
    if (!TAINT_EFFECTS.includes(effect)) {
      yield problem(`${at}.effect`, `Unsupported value: "${effect}"`, 'FieldValueNotSupported');
    }
    if (seen.has(identity)) yield problem(at, 'taints must be unique by key and effect pair', 'FieldValueDuplicate');
    seen.add(identity);
  }
}

function* leaseProblems({ spec }: KubeObject): Generator<StatusCause> {
  const { leaseDurationSeconds: seconds } = spec ?? {};
  if (seconds === undefined || Number(seconds) > 0) return;
  yield problem('spec.leaseDurationSeconds', `Invalid value: ${seconds}: must be greater than 0`);
}

/** Events about cluster-scoped objects live in namespace default. */
function* eventProblems({ involvedObject, metadata }: KubeObject): Generator<StatusCause> {
  const { namespace = '' } = (involvedObject ?? {}) as { namespace?: string };
  if (metadata.namespace === (namespace || 'default')) return;
  yield problem('involvedObject.namespace', `Invalid value: "${namespace}": does not match event.namespace`);
}

function problem(field: string, message: string, reason = 'FieldValueInvalid'): StatusCause {
  return { reason, message, field };
}
