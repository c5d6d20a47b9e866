import { ApiError } from './api-error.ts';
import type { BodyAnswer } from './connection.ts';
import type { Fault } from './faults.ts';

/** What a real server says with these codes, where it says the same to everybody. */
const USUAL: Readonly<Record<number, { reason: string; message: string }>> = {
  400: { reason: 'BadRequest', message: 'the server rejected the request' },
  401: { reason: 'Unauthorized', message: 'Unauthorized' },
  403: { reason: 'Forbidden', message: 'forbidden: User "system:serviceaccount:default:agent" cannot do that' },
  404: { reason: 'NotFound', message: 'the server could not find the requested resource' },
  409: { reason: 'Conflict', message: 'the object has been modified; please apply your changes to the latest version' },
  410: { reason: 'Expired', message: 'The resourceVersion for the provided list is too old.' },
  429: { reason: 'TooManyRequests', message: 'Too many requests, please try again later.' },
  500: { reason: 'InternalError', message: 'Internal error occurred: etcdserver: request timed out' },
  503: { reason: 'ServiceUnavailable', message: 'the server is currently unable to handle the request' },
  504: { reason: 'Timeout', message: 'the server was unable to return a response in the time allotted' },
};

/** The error that a fault of kind status answers. */
export function faultAnswer(fault: Extract<Fault, { kind: 'status' }>): BodyAnswer {
  const { code, retryAfterSeconds, plainText, html } = fault;
  const reason = fault.reason ?? USUAL[code]?.reason;
  const message = fault.message ?? USUAL[code]?.message ?? 'fault';
  if (html) return { code, body: page(code, message), contentType: 'text/html', retryAfterSeconds };
  if (plainText) return { code, body: `${message}\n`, retryAfterSeconds };
  const { status } = new ApiError(code, reason, message, retryAfterSeconds === undefined ? {} : { retryAfterSeconds });
  return { code, body: status, retryAfterSeconds };
}

/** As proxies and load balancers answer for themselves. */
function page(code: number, message: string): string {
  const title = `${code} ${message}`;
  return `<html>\r\n<head><title>${title}</title></head>\r\n<body>\r\n<h1>${title}</h1>\r\n</body>\r\n</html>\r\n`;
}
