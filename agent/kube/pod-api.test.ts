import assert from 'node:assert/strict';
import { test } from 'node:test';
import { adviceFor, KubeError } from './kube-error.ts';
import { evictionAnswer } from './pod-api.ts';

const POD = { namespace: 'default', name: 'web' };
const RBAC = '403 pods "web" is forbidden: User "agent" cannot create resource "pods/eviction" in API group ""';
const WEBHOOK = '403 admission webhook "db.example" denied the request: not now';

function answerTo(
  status: number,
  answer: string,
  more: { reason?: string; subject?: { kind: string; name: string } } = {},
) {
  return evictionAnswer(new KubeError(`could not evict: ${answer}`, { status, answer, ...more }), POD);
}

test('a right that is missing keeps the advice what to check', () => {
  const advice = adviceFor(403, 'the kubeconfig');
  assert.notEqual(advice, '');
  assert.equal(answerTo(403, `${RBAC}${advice}`).message, `${RBAC}${advice}`);
});

test('what admission refuses has no advice but its own words', () => {
  assert.equal(answerTo(403, `${WEBHOOK}${adviceFor(403, '')}`).message, WEBHOOK);
});

test('only a Status that names this very pod says that it is gone', () => {
  const notFound = (kind: string, name: string, reason = 'NotFound') =>
    answerTo(404, '404 not found', { reason, subject: { kind, name } }).isNotFound;
  assert.equal(notFound('pods', 'web'), true);
  assert.equal(notFound('pods', 'web-2'), false);
  assert.equal(notFound('namespaces', 'web'), false);
  assert.equal(answerTo(404, '404 no such page').isNotFound, false);
});

test('what is no answer of the API server has no status', () => {
  assert.equal(evictionAnswer(new Error('x'), POD).status, null);
});
