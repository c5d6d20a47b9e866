import assert from 'node:assert/strict';
import type { Method } from '../harness/api-client.ts';
import { createNode } from '../harness/nodes.ts';
import { assertRefused, type Rule } from './target.ts';

export const REQUEST_RULES: readonly Rule[] = [
  {
    rule: 'a request with credentials that are not valid is 401 Unauthorized',
    async holds(target) {
      const refusal = { code: 401, reason: 'Unauthorized' };
      await assertRefused(target, 'GET', '/api/v1/nodes', { token: 'forged' }, refusal);
    },
  },
  {
    rule: 'a request without any credentials is not served',
    async holds({ api }) {
      const { status } = await api.request('GET', '/api/v1/nodes', { token: null });
      assert.ok(status === 401 || status === 403, String(status));
    },
  },
  {
    rule: 'a path, version, resource or subresource that is not served is 404 NotFound',
    async holds(target) {
      await createNode(target.api, 'no-subresource');
      const paths = [
        '/api/v1/gizmos',
        '/apis/example.com/v1/gizmos',
        '/apis/apps/v1beta1/daemonsets',
        '/api/v1/nodes/no-subresource/gizmo',
        '/api/v1/namespaces/default/nodes',
        '/elsewhere/v1/nodes',
        '/elsewhere/apps/v1/daemonsets',
      ];
      for (const path of paths) {
        assert.equal((await target.api.request('GET', path)).status, 404, path);
      }
    },
  },
  {
    rule: 'discovery names groups, versions and resources, and pods/eviction as an Eviction of policy/v1',
    async holds({ api }) {
      interface Found {
        readonly name: string;
        readonly kind: string;
      }
      interface ResourceList {
        readonly groupVersion: string;
        readonly resources: readonly Found[];
      }
      const resourcesOf = async (path: string, groupVersion: string) => {
        const list = await api.requestOk<ResourceList>('GET', path);
        assert.equal(list.groupVersion, groupVersion);
        return new Map(list.resources.map((resource) => [resource.name, resource]));
      };
      const core = await resourcesOf('/api/v1', 'v1');
      assert.partialDeepStrictEqual(core.get('nodes'), { kind: 'Node', singularName: 'node', namespaced: false });
      assert.partialDeepStrictEqual(core.get('nodes/status'), { kind: 'Node' });
      assert.partialDeepStrictEqual(core.get('pods'), { kind: 'Pod', namespaced: true });
      assert.partialDeepStrictEqual(core.get('pods/eviction'), { kind: 'Eviction', group: 'policy', version: 'v1' });
      for (const name of ['nodes/eviction', 'leases']) assert.equal(core.has(name), false, name);
      const policy = await resourcesOf('/apis/policy/v1', 'policy/v1');
      const known = ['poddisruptionbudgets', 'nodes', 'pods/eviction'].map((name) => policy.has(name));
      assert.deepEqual(known, [true, false, false]);
      assert.equal((await api.request('GET', '/apis/policy/v7')).status, 404);
      assert.deepEqual((await api.requestOk<{ versions: string[] }>('GET', '/api')).versions, ['v1']);
      const { groups } = await api.requestOk<{ groups: Found[] }>('GET', '/apis');
      const names = new Set(groups.map(({ name }) => name));
      for (const name of ['apps', 'policy', 'coordination.k8s.io']) assert.ok(names.has(name), name);
      assert.equal((await api.requestOk<{ major: string }>('GET', '/version')).major, '1');
    },
  },
  {
    rule: 'a method that a place does not serve is 405 MethodNotAllowed',
    async holds(target) {
      await createNode(target.api, 'no-method');
      const refusal = { code: 405, reason: 'MethodNotAllowed' };
      const places: [Method, string][] = [
        ['PUT', '/api/v1/nodes'],
        ['POST', '/api/v1/nodes/no-method'],
        ['DELETE', '/api/v1/nodes/no-method/status'],
        ['GET', '/api/v1/namespaces/default/pods/any/eviction'],
        ['POST', '/api/v1/pods'],
      ];
      for (const [method, path] of places) await assertRefused(target, method, path, { body: {} }, refusal);
    },
  },
  {
    rule: 'a body that is no JSON object is 400 BadRequest',
    async holds(target) {
      await createNode(target.api, 'no-json');
      const refusal = { code: 400, reason: 'BadRequest' };
      for (const rawBody of ['{', '5']) {
        await assertRefused(target, 'POST', '/api/v1/nodes', { rawBody }, refusal);
      }
      await assertRefused(target, 'PATCH', '/api/v1/nodes/no-json', { rawBody: '{' }, refusal);
    },
  },
  {
    rule: 'a body of another kind is 400 BadRequest',
    async holds(target) {
      const body = { apiVersion: 'v1', kind: 'Pod', metadata: { name: 'no-node' } };
      await assertRefused(target, 'POST', '/api/v1/nodes', { body }, { code: 400, reason: 'BadRequest' });
    },
  },
  {
    rule: 'a patch of an unknown type is 415 UnsupportedMediaType',
    async holds(target) {
      await createNode(target.api, 'no-type');
      const options = { rawBody: '{}', contentType: 'application/json' };
      const refusal = { code: 415, reason: 'UnsupportedMediaType' };
      await assertRefused(target, 'PATCH', '/api/v1/nodes/no-type', options, refusal);
    },
  },
];
