import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createCluster } from '../../simulator/simulated-cluster.ts';
import { VirtualClock } from '../../simulator/virtual-clock.ts';
import { adviceFor, KubeError } from './kube-error.ts';
import { createPodApi, evictionAnswer } from './pod-api.ts';

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

test('the pods of a drain are known within three seconds of the end of any trouble', async () => {
  const clock = new VirtualClock();
  const cluster = createCluster({ clock });
  const stopping = new AbortController();
  const rule = cluster.faults.add({ fault: { kind: 'status', code: 500 }, path: /pods/ });
  let lists = 0;
  const listener = { onList: () => void lists++, onPod() {}, onGone() {}, onProblem() {} };
  void createPodApi(cluster.connect('agent'), 'node-1').watch(listener, stopping.signal);
  await clock.run(120_000);
  assert.ok(rule.hits >= 40 && rule.hits < 90, `${rule.hits} tries`);
  rule.remove();
  await clock.run(123_100);
  assert.equal(lists, 1);
  stopping.abort();
});
