import assert from 'node:assert/strict';
import type { ApiClient, KubeObject } from '../harness/api-client.ts';
import { createNode, readNode } from '../harness/nodes.ts';
import { nodePath } from './node-samples.ts';
import { assertRefused, type Rule } from './target.ts';

const CONTENT_TYPE = 'application/strategic-merge-patch+json';
const FIRST = '2026-01-01T00:00:00Z';
const LATER = '2026-01-01T00:01:00Z';
const OURS = { type: 'StorageDaemonHealthy', status: 'True', reason: 'CheckHealthy', message: 'all is well' };

const statusPath = (name: string) => `${nodePath(name)}/status`;
const conditionsOf = (node: KubeObject) => (node.status?.conditions ?? []) as (typeof OURS)[];
const typesOf = (node: KubeObject) => conditionsOf(node).map(({ type }) => type);
const patched = (api: ApiClient, name: string, conditions: readonly object[], metadata = {}) =>
  api.requestOk('PATCH', statusPath(name), { body: { metadata, status: { conditions } }, contentType: CONTENT_TYPE });

/** How the agent writes its conditions: strategic merge patches of the status. */
export const CONDITION_RULES: readonly Rule[] = [
  {
    rule: 'a strategic patch of a condition changes the fields it names and keeps the others',
    async holds({ api }) {
      await createNode(api, 'condition-fields');
      const times = { lastHeartbeatTime: FIRST, lastTransitionTime: FIRST };
      await patched(api, 'condition-fields', [{ ...OURS, ...times }]);
      const change = { type: OURS.type, reason: 'Other', lastHeartbeatTime: LATER };
      const after = await patched(api, 'condition-fields', [change]);
      const expected = { ...OURS, reason: 'Other', lastHeartbeatTime: LATER, lastTransitionTime: FIRST };
      assert.deepEqual(
        conditionsOf(after).find(({ type }) => type === OURS.type),
        expected,
      );
    },
  },
  {
    rule: 'a strategic patch removes a condition with $patch: delete, and no other one',
    async holds({ api }) {
      await createNode(api, 'condition-removed');
      const times = { lastHeartbeatTime: FIRST, lastTransitionTime: FIRST };
      const conditions = [
        { ...OURS, ...times },
        { ...OURS, ...times, type: 'Other' },
      ];
      const before = await patched(api, 'condition-removed', conditions);
      assert.deepEqual(typesOf(before).sort(), ['Other', 'Ready', OURS.type]);
      const after = await patched(api, 'condition-removed', [{ $patch: 'delete', type: OURS.type }]);
      assert.deepEqual(
        conditionsOf(after),
        conditionsOf(before).filter(({ type }) => type !== OURS.type),
      );
    },
  },
  {
    rule: 'one strategic patch writes one condition and removes another',
    async holds({ api }) {
      await createNode(api, 'condition-both');
      await patched(api, 'condition-both', [{ ...OURS, type: 'Old' }]);
      const after = await patched(api, 'condition-both', [OURS, { $patch: 'delete', type: 'Old' }]);
      assert.deepEqual(typesOf(after).sort(), ['Ready', OURS.type]);
    },
  },
  {
    rule: 'removing a condition that is not there changes nothing',
    async holds({ api }) {
      await createNode(api, 'condition-absent');
      const before = await readNode(api, 'condition-absent');
      const after = await patched(api, 'condition-absent', [{ $patch: 'delete', type: OURS.type }]);
      assert.deepEqual(after, before);
    },
  },
  {
    rule: 'removing the last condition leaves none',
    async holds({ api }) {
      await createNode(api, 'condition-last', { ready: 'none' });
      await patched(api, 'condition-last', [OURS]);
      const after = await patched(api, 'condition-last', [{ $patch: 'delete', type: OURS.type }]);
      assert.deepEqual(conditionsOf(after), []);
    },
  },
  {
    rule: 'a strategic patch of conditions is guarded by uid and resourceVersion, and a refused one changes nothing',
    async holds(target) {
      const { metadata } = await createNode(target.api, 'condition-guarded');
      const { uid, resourceVersion } = metadata;
      const first = await patched(target.api, 'condition-guarded', [OURS], { uid, resourceVersion });
      assert.ok(Number(first.metadata.resourceVersion) > Number(resourceVersion));
      const body = { metadata: { uid, resourceVersion }, status: { conditions: [{ ...OURS, status: 'False' }] } };
      const path = statusPath('condition-guarded');
      const conflict = { code: 409, reason: 'Conflict' };
      await assertRefused(target, 'PATCH', path, { body, contentType: CONTENT_TYPE }, conflict);
      const otherUid = { ...body, metadata: { uid: '11111111-2222-3333-4444-555555555555' } };
      const invalid = { code: 422, reason: 'Invalid', details: { causes: [{ field: 'metadata.uid' }] } };
      await assertRefused(target, 'PATCH', path, { body: otherUid, contentType: CONTENT_TYPE }, invalid);
      assert.deepEqual(await readNode(target.api, 'condition-guarded'), first);
    },
  },
];
