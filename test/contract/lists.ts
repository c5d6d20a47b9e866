import assert from 'node:assert/strict';
import type { ApiClient, KubeList } from '../harness/api-client.ts';
import { createNode } from '../harness/nodes.ts';
import { assertRefused, type Rule } from './target.ts';

const METADATA_ONLY = 'application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1';

async function list(api: ApiClient, query: string, accept?: string): Promise<KubeList> {
  return api.requestOk<KubeList>('GET', `/api/v1/nodes?${query}`, accept === undefined ? {} : { accept });
}

async function names(api: ApiClient, query: string): Promise<string[]> {
  const { items } = await list(api, query);
  return (items ?? []).map(({ metadata }) => metadata.name);
}

const query = (parameters: Record<string, string>): string => new URLSearchParams(parameters).toString();

export const LIST_RULES: readonly Rule[] = [
  {
    rule: 'a list carries a resourceVersion, and items in the order of their names without kind and apiVersion',
    async holds({ api }) {
      for (const name of ['order-b', 'order-a']) await createNode(api, name, { labels: { rule: 'order' } });
      const { kind, apiVersion, metadata, items } = await list(api, 'labelSelector=rule%3Dorder');
      assert.deepEqual({ kind, apiVersion }, { kind: 'NodeList', apiVersion: 'v1' });
      assert.match(metadata.resourceVersion, /^[1-9][0-9]*$/);
      assert.deepEqual(
        items?.map((item) => item.metadata.name),
        ['order-a', 'order-b'],
      );
      assert.deepEqual(
        items?.map((item) => [item.kind, item.apiVersion]),
        [
          [undefined, undefined],
          [undefined, undefined],
        ],
      );
    },
  },
  {
    rule: 'an empty list has an empty list of items',
    async holds({ api }) {
      assert.deepEqual((await list(api, 'labelSelector=rule%3Dnothing')).items, []);
    },
  },
  {
    rule: 'a field selector by name finds that Node only',
    async holds({ api }) {
      for (const name of ['by-name', 'by-name-2']) await createNode(api, name);
      assert.deepEqual(await names(api, query({ fieldSelector: 'metadata.name=by-name' })), ['by-name']);
    },
  },
  {
    rule: 'a field selector by spec.unschedulable finds the cordoned, or the others',
    async holds({ api }) {
      await createNode(api, 'cordoned', { labels: { rule: 'cordon' }, unschedulable: true });
      await createNode(api, 'open', { labels: { rule: 'cordon' } });
      const labelSelector = 'rule=cordon';
      const by = (fieldSelector: string) => names(api, query({ labelSelector, fieldSelector }));
      assert.deepEqual(await by('spec.unschedulable=true'), ['cordoned']);
      assert.deepEqual(await by('spec.unschedulable=false'), ['open']);
      assert.deepEqual(await by('spec.unschedulable!=true,metadata.name!=x'), ['open']);
    },
  },
  {
    rule: 'label selectors compare, list, and ask for presence',
    async holds({ api }) {
      await createNode(api, 'sel-a', { labels: { rule: 'sel', size: 'a', only: '' } });
      await createNode(api, 'sel-b', { labels: { rule: 'sel', size: 'b' } });
      await createNode(api, 'sel-c', { labels: { rule: 'sel' } });
      const cases: Record<string, string[]> = {
        'size=a': ['sel-a'],
        'size==b': ['sel-b'],
        'size!=a': ['sel-b', 'sel-c'],
        'size in (a, b)': ['sel-a', 'sel-b'],
        'size notin (a)': ['sel-b', 'sel-c'],
        size: ['sel-a', 'sel-b'],
        '!size': ['sel-c'],
        'only=': ['sel-a'],
        'size in (a,b),only': ['sel-a'],
      };
      for (const [selector, expected] of Object.entries(cases)) {
        assert.deepEqual(await names(api, query({ labelSelector: `rule=sel,${selector}` })), expected, selector);
      }
    },
  },
  {
    rule: 'a selector that cannot be read, or asks for a field that is not served, is 400 BadRequest',
    async holds(target) {
      const selectors: Record<string, string>[] = [
        { labelSelector: 'a in b' },
        { labelSelector: '=a' },
        { fieldSelector: 'spec.podCIDR=a' },
        { fieldSelector: 'a' },
      ];
      for (const selector of selectors) {
        const refusal = { code: 400, reason: 'BadRequest' };
        await assertRefused(target, 'GET', `/api/v1/nodes?${query(selector)}`, {}, refusal);
      }
    },
  },
  {
    rule: 'a list may be any version, asked for by 0, and a version that is none is 400 BadRequest',
    async holds(target) {
      await createNode(target.api, 'any-version');
      const { items } = await list(target.api, 'resourceVersion=0');
      assert.ok(Array.isArray(items));
      const refusal = { code: 400, reason: 'BadRequest' };
      await assertRefused(target, 'GET', '/api/v1/nodes?resourceVersion=nonsense', {}, refusal);
    },
  },
  {
    rule: 'chunks show one version of the list, whatever happens in between, and count what remains',
    async holds({ api }) {
      const namespace = 'chunks';
      await api.requestOk('POST', '/api/v1/namespaces', { body: { metadata: { name: namespace } } });
      const path = `/apis/coordination.k8s.io/v1/namespaces/${namespace}/leases`;
      for (const name of ['a', 'b', 'c', 'd', 'e']) await api.requestOk('POST', path, { body: { metadata: { name } } });
      const first = await api.requestOk<KubeList>('GET', `${path}?limit=2`);
      assert.equal(first.metadata.remainingItemCount, 3);
      await api.requestOk('DELETE', `${path}/c`);
      await api.requestOk('POST', path, { body: { metadata: { name: 'bb' } } });
      const token = encodeURIComponent(first.metadata.continue ?? '');
      const second = await api.requestOk<KubeList>('GET', `${path}?limit=2&continue=${token}`);
      const lastToken = encodeURIComponent(second.metadata.continue ?? '');
      const last = await api.requestOk<KubeList>('GET', `${path}?limit=2&continue=${lastToken}`);
      const chunks = [first, second, last];
      assert.deepEqual(
        chunks.map(({ items }) => items?.map(({ metadata }) => metadata.name)),
        [['a', 'b'], ['c', 'd'], ['e']],
      );
      assert.deepEqual(new Set(chunks.map(({ metadata }) => metadata.resourceVersion)).size, 1);
      assert.equal('continue' in last.metadata, false);
      assert.equal('remainingItemCount' in last.metadata, false);
    },
  },
  {
    rule: 'what a selector leaves is not counted in chunks',
    async holds({ api }) {
      for (const name of ['uncounted-a', 'uncounted-b']) await createNode(api, name, { labels: { rule: 'uncounted' } });
      const { metadata, items } = await list(api, 'labelSelector=rule%3Duncounted&limit=1');
      assert.equal(items?.length, 1);
      assert.ok(metadata.continue);
      assert.equal('remainingItemCount' in metadata, false);
    },
  },
  {
    rule: 'a continue token that cannot be read is 400 BadRequest',
    async holds(target) {
      const refusal = { code: 400, reason: 'BadRequest' };
      await assertRefused(target, 'GET', '/api/v1/nodes?limit=1&continue=nonsense', {}, refusal);
    },
  },
  {
    rule: 'a list of metadata only has PartialObjectMetadata, and null for no items',
    async holds({ api }) {
      const { metadata: created } = await createNode(api, 'partial', { labels: { rule: 'partial' } });
      const found = await list(api, 'labelSelector=rule%3Dpartial', METADATA_ONLY);
      assert.deepEqual([found.kind, found.apiVersion], ['PartialObjectMetadataList', 'meta.k8s.io/v1']);
      assert.equal(found.items?.length, 1);
      const [item] = found.items ?? [];
      assert.deepEqual([item?.kind, item?.apiVersion], ['PartialObjectMetadata', 'meta.k8s.io/v1']);
      assert.deepEqual([item?.metadata.uid, item?.spec, item?.status], [created.uid, undefined, undefined]);
      const empty = await list(api, 'labelSelector=rule%3Dnothing', METADATA_ONLY);
      assert.equal(empty.items, null);
      assert.match(empty.metadata.resourceVersion, /^[1-9][0-9]*$/);
    },
  },
  {
    rule: 'a read of metadata only has PartialObjectMetadata',
    async holds({ api }) {
      await createNode(api, 'partial-one');
      const accept = 'application/json;as=PartialObjectMetadata;g=meta.k8s.io;v=v1,application/json';
      const { kind, metadata, spec } = await api.requestOk('GET', '/api/v1/nodes/partial-one', { accept });
      assert.deepEqual([kind, metadata.name, spec], ['PartialObjectMetadata', 'partial-one', undefined]);
    },
  },
];
