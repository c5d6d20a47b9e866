import type { Resource } from './resources.ts';
import type { KubeStatus, StatusCause, StatusDetails } from './types.ts';

/** A refusal, with the Status a real API server would send. */
export class ApiError extends Error {
  readonly status: KubeStatus;
  readonly retryAfterSeconds: number | undefined;

  constructor(code: number, reason: string | undefined, message: string, details: StatusDetails = {}, next?: string) {
    super(message);
    this.retryAfterSeconds = details.retryAfterSeconds;
    this.status = {
      kind: 'Status',
      apiVersion: 'v1',
      metadata: next === undefined ? {} : { continue: next },
      status: 'Failure',
      message,
      ...(reason === undefined ? {} : { reason }),
      ...(Object.keys(details).length === 0 ? {} : { details }),
      code,
    };
  }
}

export function badRequest(message: string): ApiError {
  return new ApiError(400, 'BadRequest', message);
}

export function notFound(resource: Resource, name: string): ApiError {
  const message = `${qualified(resource)} "${name}" not found`;
  return new ApiError(404, 'NotFound', message, detailsOf(resource, name));
}

/** The path is none of ours, or the resource is not served. */
export function noSuchPath(): ApiError {
  return new ApiError(404, 'NotFound', 'the server could not find the requested resource');
}

export function alreadyExists(resource: Resource, name: string): ApiError {
  const message = `${qualified(resource)} "${name}" already exists`;
  return new ApiError(409, 'AlreadyExists', message, detailsOf(resource, name));
}

export function conflict(resource: Resource, name: string, why: string): ApiError {
  const message = `Operation cannot be fulfilled on ${qualified(resource)} "${name}": ${why}`;
  return new ApiError(409, 'Conflict', message, detailsOf(resource, name));
}

/** The 409 of a deletion that meant another object. Unlike everywhere else, it names the kind. */
export function preconditionFailed({ kind, group }: Resource, name: string, asked: string, found: string): ApiError {
  const subject = group === '' ? kind : `${kind}.${group}`;
  const why = `${asked} does not match the ${found}. The object might have been deleted and then recreated`;
  const details = { name, ...(group === '' ? {} : { group }), kind };
  return new ApiError(409, 'Conflict', `Operation cannot be fulfilled on ${subject} "${name}": ${why}`, details);
}

export function forbidden(resource: Resource, name: string, why: string, causes?: readonly StatusCause[]): ApiError {
  const message = `${qualified(resource)} "${name}" is forbidden: ${why}`;
  return new ApiError(403, 'Forbidden', message, { ...detailsOf(resource, name), ...(causes ? { causes } : {}) });
}

/** 422 with what is wrong with which fields. */
export function invalid(resource: Resource, name: string, causes: readonly StatusCause[]): ApiError {
  const { kind, group } = resource;
  const subject = group === '' ? kind : `${kind}.${group}`;
  const why = causes.map(({ field, message }) => `${field}: ${message}`).join(', ');
  const details = { name, ...(group === '' ? {} : { group }), kind, causes };
  return new ApiError(422, 'Invalid', `${subject} "${name}" is invalid: ${why}`, details);
}

/** 410: the version asked for is no longer in the history. */
export function expired(message: string, next?: string): ApiError {
  return new ApiError(410, 'Expired', message, {}, next);
}

function qualified({ plural, group }: Resource): string {
  return group === '' ? plural : `${plural}.${group}`;
}

function detailsOf({ plural, group }: Resource, name: string): StatusDetails {
  return { name, ...(group === '' ? {} : { group }), kind: plural };
}
