import assert from 'node:assert/strict';
import { createNode } from '../harness/nodes.ts';
import { nodePath, OURS } from './node-samples.ts';
import { assertRefused, type Rule } from './target.ts';

const MAX_ANNOTATION_BYTES = 256 * 1024;

export const VALIDITY_RULES: readonly Rule[] = [
  {
    rule: 'a name that is no DNS subdomain is 422 Invalid and says which field',
    async holds(target) {
      const details = {
        name: 'Bad_Name',
        kind: 'Node',
        causes: [{ reason: 'FieldValueInvalid', field: 'metadata.name' }],
      };
      const body = { metadata: { name: 'Bad_Name' } };
      await assertRefused(target, 'POST', '/api/v1/nodes', { body }, { code: 422, reason: 'Invalid', details });
    },
  },
  {
    rule: 'two taints of one key and effect, an unknown effect and a taint without a key are 422 Invalid',
    async holds(target) {
      await createNode(target.api, 'bad-taints');
      const refusal = {
        code: 422,
        reason: 'Invalid',
        details: { name: 'bad-taints', kind: 'Node' },
        message: /^Node "bad-taints" is invalid: /,
      };
      const lists = [[OURS, { ...OURS, value: 'other' }], [{ ...OURS, effect: 'Never' }], [{ effect: 'NoSchedule' }]];
      for (const taints of lists) {
        await assertRefused(target, 'PATCH', nodePath('bad-taints'), { body: { spec: { taints } } }, refusal);
      }
    },
  },
  {
    rule: 'an annotation or label that is malformed or too long is 422 Invalid',
    async holds(target) {
      await createNode(target.api, 'malformed');
      const cases: [string, object][] = [
        ['metadata.annotations', { annotations: { 'a b': '1' } }],
        ['metadata.annotations', { annotations: { a: 'x'.repeat(MAX_ANNOTATION_BYTES) } }],
        ['metadata.labels', { labels: { 'a b': '1' } }],
        ['metadata.labels', { labels: { a: 'b c' } }],
      ];
      for (const [field, metadata] of cases) {
        const answer = await assertRefused(
          target,
          'PATCH',
          nodePath('malformed'),
          { body: { metadata } },
          { code: 422, reason: 'Invalid' },
        );
        assert.equal(answer.body.details?.causes?.[0]?.field, field);
      }
    },
  },
  {
    rule: 'annotations can be as long as is allowed, their keys included',
    async holds({ api }) {
      await createNode(api, 'lengthy');
      const annotations = { 'Example.com/A': 'x'.repeat(MAX_ANNOTATION_BYTES - 'Example.com/A'.length) };
      await api.requestOk('PATCH', nodePath('lengthy'), { body: { metadata: { annotations } } });
    },
  },
  {
    rule: 'a field of another type is 422 Invalid in a patch, 400 BadRequest in a new object and in a PUT',
    async holds(target) {
      await createNode(target.api, 'mistyped');
      const parts: object[] = [
        { metadata: { annotations: { a: 1 } } },
        { metadata: { labels: ['a'] } },
        { metadata: { labels: { a: true } } },
        { spec: { taints: 'none' } },
        { spec: { taints: [{ key: 1 }] } },
        { spec: { taints: ['a'] } },
        { spec: { unschedulable: 'true' } },
      ];
      for (const part of parts) {
        await assertRefused(target, 'PATCH', nodePath('mistyped'), { body: part }, { code: 422, reason: 'Invalid' });
        const metadata = { name: 'mistyped-new', ...('metadata' in part ? (part.metadata as object) : {}) };
        const options = { body: { ...part, metadata } };
        await assertRefused(target, 'POST', '/api/v1/nodes', options, { code: 400, reason: 'BadRequest' });
        const put = { body: { ...part, metadata: { ...metadata, name: 'mistyped' } } };
        await assertRefused(target, 'PUT', nodePath('mistyped'), put, { code: 400, reason: 'BadRequest' });
      }
    },
  },
  {
    rule: 'a patch of the wrong shape is 400 BadRequest',
    async holds(target) {
      await createNode(target.api, 'shapeless');
      const shapes = { 'merge-patch': '[]', 'strategic-merge-patch': '[]', 'json-patch': '{}' };
      for (const [type, rawBody] of Object.entries(shapes)) {
        const options = { rawBody, contentType: `application/${type}+json` };
        await assertRefused(target, 'PATCH', nodePath('shapeless'), options, { code: 400, reason: 'BadRequest' });
      }
    },
  },
];
