import { LEASES, NODES, type Resource } from './resources.ts';
import type { KubeObject } from './types.ts';

/**
 * The first field of an object whose JSON type the real server could not decode, among those that an agent writes;
 * undefined when all are well.
 */
export function misshapenField(resource: Resource, object: KubeObject): string | undefined {
  const { metadata, spec } = object;
  const checks: Record<string, boolean> = {
    'metadata.labels': isAbsent(metadata?.labels) || isStringMap(metadata.labels),
    'metadata.annotations': isAbsent(metadata?.annotations) || isStringMap(metadata.annotations),
  };
  if (resource === NODES) {
    checks['spec.unschedulable'] = isAbsent(spec?.unschedulable) || typeof spec?.unschedulable === 'boolean';
    checks['spec.taints'] = isAbsent(spec?.taints) || isListOfStringMaps(spec?.taints);
  }
  if (resource === LEASES) {
    checks['spec.holderIdentity'] = isAbsent(spec?.holderIdentity) || typeof spec?.holderIdentity === 'string';
    checks['spec.leaseDurationSeconds'] = Number.isInteger(spec?.leaseDurationSeconds ?? 0);
  }
  return Object.keys(checks).find((field) => !checks[field]);
}

function isAbsent(value: unknown): boolean {
  return value === undefined || value === null;
}

function isStringMap(value: unknown): boolean {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return false;
  return Object.values(value).every((field) => isAbsent(field) || typeof field === 'string');
}

function isListOfStringMaps(value: unknown): boolean {
  return Array.isArray(value) && value.every(isStringMap);
}
