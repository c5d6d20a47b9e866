import assert from 'node:assert/strict';
import type { ApiClient, KubeList } from '../harness/api-client.ts';
import { createNode, deleteNode } from '../harness/nodes.ts';
import { waitFor } from '../harness/wait-for.ts';
import type { WatchEvent, WatchStream } from '../harness/watch-stream.ts';
import { assertRefused, type Rule, watching } from './target.ts';

const selected = (name: string): string => `/api/v1/nodes?fieldSelector=metadata.name%3D${name}`;

async function versionOf(api: ApiClient, path: string): Promise<string> {
  return (await api.requestOk<KubeList>('GET', path)).metadata.resourceVersion;
}

async function take(watch: WatchStream, count: number): Promise<WatchEvent[]> {
  const events: WatchEvent[] = [];
  while (events.length < count) events.push(await watch.next());
  return events;
}

const typesOf = (events: readonly WatchEvent[]): string[] => events.map(({ type }) => type);

export const WATCH_RULES: readonly Rule[] = [
  {
    rule: "a watch from a list's version shows what happens to the selected Node, its recreation with a new uid too",
    async holds({ api }) {
      const { metadata } = await createNode(api, 'watched');
      const version = await versionOf(api, selected('watched'));
      await watching(api, `${selected('watched')}&resourceVersion=${version}`, async (watch) => {
        await createNode(api, 'watched-not');
        await api.requestOk('PATCH', '/api/v1/nodes/watched', { body: { spec: { unschedulable: true } } });
        await deleteNode(api, 'watched');
        const again = await createNode(api, 'watched', { ready: 'none' });
        const events = await take(watch, 3);
        assert.deepEqual(typesOf(events), ['MODIFIED', 'DELETED', 'ADDED']);
        const [modified, deleted, added] = events.map(({ object }) => object);
        assert.equal(modified?.kind, 'Node');
        assert.equal(modified?.spec?.unschedulable, true);
        assert.equal(deleted?.metadata.uid, metadata.uid);
        assert.equal(deleted?.spec?.unschedulable, true);
        assert.deepEqual(added?.metadata.uid, again.metadata.uid);
        const versions = events.map(({ object }) => Number(object.metadata.resourceVersion));
        assert.deepEqual(
          versions,
          versions.toSorted((a, b) => a - b),
        );
        assert.ok(Number(version) < (versions[0] ?? 0));
      });
    },
  },
  {
    rule: 'a watch shows what happened between its version and its beginning',
    async holds({ api }) {
      const { metadata } = await createNode(api, 'missed');
      await api.requestOk('PATCH', '/api/v1/nodes/missed', { body: { spec: { unschedulable: true } } });
      await deleteNode(api, 'missed');
      await watching(api, `${selected('missed')}&resourceVersion=${metadata.resourceVersion}`, async (watch) => {
        assert.deepEqual(typesOf(await take(watch, 2)), ['MODIFIED', 'DELETED']);
      });
    },
  },
  {
    rule: 'a watch shows its own kind and namespace only',
    async holds({ api }) {
      const labels = { rule: 'kinds' };
      const lease = (namespace: string) => {
        const path = `/apis/coordination.k8s.io/v1/namespaces/${namespace}/leases`;
        return api.requestOk('POST', path, { body: { metadata: { name: 'kinds', labels } } });
      };
      const selector = 'labelSelector=rule%3Dkinds';
      const leases = '/apis/coordination.k8s.io/v1/namespaces/kube-system/leases';
      await watching(api, `/api/v1/nodes?${selector}`, async (nodes) => {
        await watching(api, `${leases}?${selector}`, async (watch) => {
          await lease('kube-public');
          await lease('kube-system');
          await createNode(api, 'kinds', { labels, ready: 'none' });
          const { kind, metadata } = (await watch.next()).object;
          assert.deepEqual([kind, metadata.namespace], ['Lease', 'kube-system']);
          assert.equal((await nodes.next()).object.kind, 'Node');
        });
      });
    },
  },
  {
    rule: 'a watch without a version, or from 0, begins with what is there',
    async holds({ api }) {
      const { metadata } = await createNode(api, 'present');
      for (const start of ['', '&resourceVersion=0']) {
        await watching(api, selected('present') + start, async (watch) => {
          const [event] = await take(watch, 1);
          assert.equal(event?.type, 'ADDED');
          assert.equal(event?.object.metadata.uid, metadata.uid);
          assert.equal(event?.object.kind, 'Node');
        });
      }
    },
  },
  {
    rule: 'watch=true on one object is an ordinary read of it',
    async holds({ api }) {
      await createNode(api, 'single');
      const node = await api.requestOk('GET', '/api/v1/nodes/single?watch=true');
      assert.deepEqual([node.kind, node.metadata.name], ['Node', 'single']);
    },
  },
  {
    rule: 'entering a selector is ADDED, leaving it is DELETED with the last state that matched and the new version',
    async holds({ api }) {
      const { metadata } = await createNode(api, 'moving', { labels: { rule: 'moving' } });
      const filter = 'labelSelector=rule%3Dmoving&fieldSelector=spec.unschedulable%3Dtrue';
      await watching(api, `/api/v1/nodes?${filter}&resourceVersion=${metadata.resourceVersion}`, async (watch) => {
        const patch = (body: object) => api.requestOk('PATCH', '/api/v1/nodes/moving', { body });
        await patch({ spec: { unschedulable: true } });
        await patch({ metadata: { annotations: { a: '1' } } });
        const left = await patch({ metadata: { annotations: { a: '2' } }, spec: { unschedulable: null } });
        await patch({ metadata: { annotations: { a: '3' } } });
        await patch({ spec: { unschedulable: true } });
        const events = await take(watch, 4);
        assert.deepEqual(typesOf(events), ['ADDED', 'MODIFIED', 'DELETED', 'ADDED']);
        const object = events[2]?.object;
        assert.equal(object?.metadata.resourceVersion, left.metadata.resourceVersion);
        assert.equal(object?.spec?.unschedulable, true);
        assert.deepEqual(object?.metadata.annotations, { a: '1' });
      });
    },
  },
  {
    rule: 'a watch of metadata only has PartialObjectMetadata',
    async holds({ api }) {
      await createNode(api, 'partial-watch');
      const accept = 'application/json;as=PartialObjectMetadata;g=meta.k8s.io;v=v1';
      await watching(
        api,
        selected('partial-watch'),
        async (watch) => {
          const { kind, metadata, spec } = (await watch.next()).object;
          assert.deepEqual([kind, metadata.name, spec], ['PartialObjectMetadata', 'partial-watch', undefined]);
        },
        accept,
      );
    },
  },
  {
    rule: 'a watch with bookmarks gets one with kind and version before its time is up, then ends in good order',
    async holds({ api }) {
      const { metadata } = await createNode(api, 'bookmarked');
      const { resourceVersion } = metadata;
      const path = `${selected('bookmarked')}&resourceVersion=${resourceVersion}&allowWatchBookmarks=true&timeoutSeconds=3`;
      await watching(api, path, async (watch) => {
        const { type, object } = await watch.next();
        assert.equal(type, 'BOOKMARK');
        assert.deepEqual([object.kind, object.apiVersion], ['Node', 'v1']);
        assert.ok(Number(object.metadata.resourceVersion) >= Number(resourceVersion));
        assert.equal(object.metadata.name, undefined);
        await waitFor(() => watch.hasEnded(), { what: 'the end of a watch of 3 s' });
        assert.deepEqual(new Set(typesOf(watch.events)), new Set(['BOOKMARK']));
      });
    },
  },
  {
    rule: 'a watch without bookmarks has none and ends in time',
    async holds({ api }) {
      const { metadata } = await createNode(api, 'unmarked');
      const path = `${selected('unmarked')}&resourceVersion=${metadata.resourceVersion}&timeoutSeconds=3`;
      await watching(api, path, async (watch) => {
        await waitFor(() => watch.hasEnded(), { what: 'the end of a watch of 3 s' });
        assert.deepEqual(watch.events, []);
      });
    },
  },
  {
    rule: 'a watch with a bad selector is 400 BadRequest, from a version that is none 500',
    async holds(target) {
      const path = '/api/v1/nodes?watch=true&fieldSelector=spec.podCIDR%3Da';
      await assertRefused(target, 'GET', path, {}, { code: 400, reason: 'BadRequest' });
      for (const version of ['nonsense', '-1']) {
        await assertRefused(target, 'GET', `/api/v1/nodes?watch=true&resourceVersion=${version}`, {}, { code: 500 });
      }
    },
  },
];
