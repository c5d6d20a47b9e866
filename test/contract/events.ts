import assert from 'node:assert/strict';
import { assertRefused, type Rule } from './target.ts';

const EVENTS = '/api/v1/namespaces/default/events';

function eventAbout(name: string, uid: string, more: object = {}) {
  const now = new Date().toISOString().replace(/\.\d+Z$/, 'Z');
  return {
    metadata: { generateName: `${name}.` },
    involvedObject: { kind: 'Node', name, uid, apiVersion: 'v1' },
    reason: 'CheckFailing',
    message: 'storage-daemon failed 4 times',
    type: 'Warning',
    source: { component: 'node-svc-checker', host: name },
    firstTimestamp: now,
    lastTimestamp: now,
    count: 1,
    ...more,
  };
}

export const EVENT_RULES: readonly Rule[] = [
  {
    rule: 'an Event about a Node is accepted in namespace default and found by what it is about',
    async holds({ api }) {
      const created = await api.request('POST', EVENTS, { body: eventAbout('evented', 'evented') });
      assert.equal(created.status, 201);
      const selector = encodeURIComponent('involvedObject.kind=Node,involvedObject.name=evented,reason=CheckFailing');
      const found = await api.requestOk<{ items: unknown[] }>('GET', `/api/v1/events?fieldSelector=${selector}`);
      assert.equal(found.items.length, 1);
    },
  },
  {
    rule: 'a refusal names the Event: 409 AlreadyExists when it is there, 404 NotFound when it is counted up and is not',
    async holds(target) {
      const body = eventAbout('named', 'named', { metadata: { name: 'named.1' } });
      await target.api.requestOk('POST', EVENTS, { body });
      const taken = { code: 409, reason: 'AlreadyExists', details: { name: 'named.1', kind: 'events' } };
      await assertRefused(target, 'POST', EVENTS, { body }, taken);
      const gone = { code: 404, reason: 'NotFound', details: { name: 'named.2', kind: 'events' } };
      await assertRefused(target, 'PATCH', `${EVENTS}/named.2`, { body: { count: 2 } }, gone);
    },
  },
  {
    rule: 'an Event about a Node is 422 Invalid in another namespace',
    async holds(target) {
      const path = '/api/v1/namespaces/kube-public/events';
      const body = eventAbout('misplaced', 'misplaced');
      await assertRefused(target, 'POST', path, { body }, { code: 422, reason: 'Invalid' });
    },
  },
  {
    rule: 'an Event about a pod belongs into the namespace of the pod',
    async holds(target) {
      const involvedObject = { kind: 'Pod', name: 'podded', namespace: 'kube-public' };
      const body = eventAbout('podded', 'podded', { involvedObject });
      await assertRefused(target, 'POST', EVENTS, { body }, { code: 422, reason: 'Invalid' });
      await target.api.requestOk('POST', '/api/v1/namespaces/kube-public/events', { body });
    },
  },
  {
    rule: 'an Event can be counted up by a merge patch',
    async holds({ api }) {
      const { metadata } = await api.requestOk('POST', EVENTS, { body: eventAbout('counted', 'counted') });
      const patched = await api.requestOk('PATCH', `${EVENTS}/${metadata.name}`, { body: { count: 2 } });
      assert.equal(patched.count, 2);
      assert.equal(patched.reason, 'CheckFailing');
    },
  },
];
