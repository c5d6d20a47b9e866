import assert from 'node:assert/strict';
import type { KubeList, KubeObject } from '../harness/api-client.ts';
import { createNode } from '../harness/nodes.ts';
import { createNamespace, createPod, endPod, type NewPod } from '../harness/pods.ts';
import { assertRefused, type Rule, type Target, watching } from './target.ts';

const PODS = '/api/v1/namespaces/default/pods';

const NODE = 'pod-rules';

/** A running pod on a node, which no kubelet will ever end. */
function podOnNode({ api }: Target, name: string, more: Partial<NewPod> = {}): Promise<KubeObject> {
  return createPod(api, { name, nodeName: NODE, ...more });
}

async function isGone({ api }: Target, name: string): Promise<boolean> {
  return (await api.request('GET', `${PODS}/${name}`)).status === 404;
}

export const POD_RULES: readonly Rule[] = [
  {
    rule: 'a pod begins as Pending, whatever status its creator writes',
    async holds({ api }) {
      const containers = [{ name: 'main', image: 'registry.example/none' }];
      const body = {
        metadata: { name: 'newborn' },
        spec: { containers, nodeName: NODE },
        status: { phase: 'Running' },
      };
      assert.equal((await api.requestOk('POST', PODS, { body })).status?.phase, 'Pending');
    },
  },
  {
    rule: 'the pods of a node are found across namespaces by spec.nodeName, with labels and in chunks',
    async holds({ api }) {
      await createNamespace(api, 'elsewhere');
      const nodeName = 'node-of-pods';
      const labels = { app: 'a' };
      await createPod(api, { name: 'here', nodeName, labels });
      await createPod(api, { name: 'there', namespace: 'elsewhere', nodeName });
      await createPod(api, { name: 'other', nodeName: 'other-node', labels });
      const names = async (query: Record<string, string>) => {
        const { items } = await api.requestOk<KubeList>('GET', `/api/v1/pods?${new URLSearchParams(query)}`);
        return items?.map(({ metadata }) => `${metadata.namespace}/${metadata.name}`);
      };
      const fieldSelector = `spec.nodeName=${nodeName}`;
      assert.deepEqual(await names({ fieldSelector }), ['default/here', 'elsewhere/there']);
      assert.deepEqual(await names({ fieldSelector, labelSelector: 'app=a' }), ['default/here']);
      assert.deepEqual(await names({ fieldSelector, limit: '1' }), ['default/here']);
      const inNamespace = `${fieldSelector},metadata.namespace=elsewhere`;
      assert.deepEqual(await names({ fieldSelector: inNamespace }), ['elsewhere/there']);
      assert.deepEqual(await names({ fieldSelector: `${fieldSelector},status.phase!=Running` }), []);
    },
  },
  {
    rule: 'chunks go on across namespaces, in the order of namespace and name',
    async holds({ api }) {
      const labels = { rule: 'across' };
      for (const namespace of ['across-a', 'across-b']) await createNamespace(api, namespace);
      await createPod(api, { namespace: 'across-a', name: 'z', labels });
      await createPod(api, { namespace: 'across-b', name: 'a', labels });
      const path = '/api/v1/pods?labelSelector=rule%3Dacross&limit=1';
      const first = await api.requestOk<KubeList>('GET', path);
      const token = encodeURIComponent(first.metadata.continue ?? '');
      const second = await api.requestOk<KubeList>('GET', `${path}&continue=${token}`);
      const names = [first, second].map(({ items }) => items?.map(({ metadata }) => metadata.name));
      assert.deepEqual(names, [['z'], ['a']]);
    },
  },
  {
    rule: 'a deleted pod on a node stays, terminating, with the end of its grace as deletionTimestamp',
    async holds(target) {
      await podOnNode(target, 'graceful', { spec: { terminationGracePeriodSeconds: 70 } });
      const before = Date.now();
      const answer = await target.api.requestOk('DELETE', `${PODS}/graceful`);
      assert.equal(answer.kind, 'Pod');
      const { metadata } = await target.api.requestOk('GET', `${PODS}/graceful`);
      assert.equal(metadata.deletionGracePeriodSeconds, 70);
      const endsIn = (Date.parse(metadata.deletionTimestamp ?? '') - before) / 1000;
      assert.ok(endsIn > 65 && endsIn < 80, String(endsIn));
    },
  },
  {
    rule: 'a second deletion shortens the grace, never lengthens it, and 0 ends the pod',
    async holds(target) {
      await podOnNode(target, 'hastened');
      const graceAfter = async (gracePeriodSeconds: number) => {
        const body = { gracePeriodSeconds };
        const { metadata } = await target.api.requestOk('DELETE', `${PODS}/hastened`, { body });
        return metadata.deletionGracePeriodSeconds;
      };
      assert.equal(await graceAfter(20), 20);
      const { metadata } = await target.api.requestOk('GET', `${PODS}/hastened`);
      assert.equal(await graceAfter(20), 20);
      const again = await target.api.requestOk('GET', `${PODS}/hastened`);
      assert.equal(again.metadata.resourceVersion, metadata.resourceVersion);
      assert.equal(await graceAfter(40), 20);
      assert.equal(await graceAfter(5), 5);
      assert.equal(await isGone(target, 'hastened'), false);
      await graceAfter(0);
      assert.equal(await isGone(target, 'hastened'), true);
    },
  },
  {
    rule: 'a deleted pod that is not bound to a node, or has finished, is gone at once',
    async holds(target) {
      await createPod(target.api, { name: 'unbound', phase: 'Pending' });
      await podOnNode(target, 'finished', { phase: 'Succeeded' });
      await podOnNode(target, 'crashed', { phase: 'Failed' });
      for (const name of ['unbound', 'finished', 'crashed']) {
        assert.equal((await target.api.requestOk('DELETE', `${PODS}/${name}`)).kind, 'Pod');
        assert.equal(await isGone(target, name), true, name);
      }
    },
  },
  {
    rule: "a deletion with another pod's uid is 409 Conflict and changes nothing",
    async holds(target) {
      const { metadata } = await podOnNode(target, 'namesake');
      const other = { preconditions: { uid: '11111111-2222-3333-4444-555555555555' } };
      const details = { name: 'namesake', kind: 'Pod' };
      const refusal = { code: 409, reason: 'Conflict', details };
      await assertRefused(target, 'DELETE', `${PODS}/namesake`, { body: other }, refusal);
      const after = await target.api.requestOk('GET', `${PODS}/namesake`);
      assert.equal(after.metadata.resourceVersion, metadata.resourceVersion);
    },
  },
  {
    rule: 'a watch of the pods of a node sees one terminate and end',
    async holds(target) {
      await createNode(target.api, 'watched-pods');
      const { metadata } = await createPod(target.api, { name: 'ending', nodeName: 'watched-pods' });
      const selector = 'fieldSelector=spec.nodeName%3Dwatched-pods';
      await watching(
        target.api,
        `/api/v1/pods?${selector}&resourceVersion=${metadata.resourceVersion}`,
        async (watch) => {
          await target.api.requestOk('DELETE', `${PODS}/ending`);
          const terminating = await watch.next();
          assert.equal(terminating.type, 'MODIFIED');
          assert.ok(terminating.object.metadata.deletionTimestamp);
          await endPod(target.api, 'default', 'ending');
          let last = await watch.next();
          if (last.type === 'MODIFIED') last = await watch.next();
          assert.deepEqual([last.type, last.object.metadata.uid], ['DELETED', metadata.uid]);
        },
      );
    },
  },
  {
    rule: 'a DaemonSet that is not there is 404, one that is there has its uid',
    async holds(target) {
      const path = '/apis/apps/v1/namespaces/default/daemonsets';
      const details = { name: 'nothing', group: 'apps', kind: 'daemonsets' };
      await assertRefused(target, 'GET', `${path}/nothing`, {}, { code: 404, reason: 'NotFound', details });
      const labels = { app: 'daemon' };
      const containers = [{ name: 'main', image: 'registry.example/none' }];
      const spec = { selector: { matchLabels: labels }, template: { metadata: { labels }, spec: { containers } } };
      const created = await target.api.requestOk('POST', path, { body: { metadata: { name: 'daemon' }, spec } });
      const read = await target.api.requestOk('GET', `${path}/daemon`);
      assert.deepEqual([read.kind, read.apiVersion, read.metadata.uid], ['DaemonSet', 'apps/v1', created.metadata.uid]);
    },
  },
];
