import assert from 'node:assert/strict';
import type { ApiClient, ApiResponse, KubeStatus, Method, RequestOptions } from '../harness/api-client.ts';
import type { WatchStream } from '../harness/watch-stream.ts';

/** What a rule is tried on: one API server, real or simulated, without any controller or kubelet. */
export interface Target {
  readonly api: ApiClient;
  /** Forgets history, so that older versions are too old. */
  forgetHistory(): Promise<void>;
}

/** One thing about API servers that the agent relies on. Rules share the server, so each names its objects itself. */
export interface Rule {
  /** The rule, as a sentence. */
  readonly rule: string;
  readonly holds: (target: Target) => Promise<void>;
}

/** What of an error Status is contract; of its message only what operators look for. */
export interface Refusal {
  readonly code: number;
  readonly message?: RegExp;
  readonly reason?: string | undefined;
  readonly details?: KubeStatus['details'];
}

/** Asserts that a request is refused with exactly this status code and reason, and at least these details. */
export async function assertRefused(
  { api }: Target,
  method: Method,
  path: string,
  options: RequestOptions,
  expected: Refusal,
): Promise<ApiResponse<KubeStatus>> {
  const answer = await api.request<KubeStatus>(method, path, options);
  const { code, reason, details, message } = expected;
  assert.equal(answer.status, code, `${method} ${path}: ${JSON.stringify(answer.body)}`);
  const { kind, apiVersion, status } = answer.body;
  assert.deepEqual({ kind, apiVersion, status }, { kind: 'Status', apiVersion: 'v1', status: 'Failure' });
  assert.equal(answer.body.code, code);
  assert.equal(answer.body.reason, reason);
  if (message) assert.match(answer.body.message ?? '', message);
  if (details) assert.partialDeepStrictEqual(answer.body.details, details);
  return answer;
}

/** Opens a watch for a test and closes it whatever happens. */
export async function watching(
  api: ApiClient,
  path: string,
  test: (watch: WatchStream) => Promise<void>,
  accept?: string,
): Promise<void> {
  const watch = await api.watch(path, accept === undefined ? {} : { accept });
  try {
    assert.equal(watch.status, 200);
    await test(watch);
  } finally {
    watch.close();
  }
}
