import assert from 'node:assert/strict';
import type { KubeList, KubeStatus } from '../harness/api-client.ts';
import { createNode } from '../harness/nodes.ts';
import { waitFor } from '../harness/wait-for.ts';
import { assertRefused, type Target, watching } from './target.ts';

/** A rule about what came before the server forgot its history, which it does once, after all other rules. */
export interface HistoryRule {
  readonly rule: string;
  /** Before it forgets. Returns what the rule needs to remember. */
  readonly before: (target: Target) => Promise<string>;
  readonly holds: (target: Target, remembered: string) => Promise<void>;
}

export const HISTORY_RULES: readonly HistoryRule[] = [
  {
    rule: 'a continue token of a forgotten version is 410 Expired and brings one to go on inconsistently',
    async before({ api }) {
      for (const name of ['late-a', 'late-b', 'late-c']) await createNode(api, name, { labels: { rule: 'late' } });
      const list = await api.requestOk<KubeList>('GET', '/api/v1/nodes?labelSelector=rule%3Dlate&limit=1');
      await api.requestOk('PATCH', '/api/v1/nodes/late-c', { body: { spec: { unschedulable: true } } });
      return list.metadata.continue ?? '';
    },
    async holds(target, token) {
      const path = '/api/v1/nodes?labelSelector=rule%3Dlate&limit=5&continue=';
      const refusal = { code: 410, reason: 'Expired' };
      const refused = await assertRefused(target, 'GET', path + encodeURIComponent(token), {}, refusal);
      const next = refused.body.metadata.continue ?? '';
      const { items } = await target.api.requestOk<KubeList>('GET', path + encodeURIComponent(next));
      assert.deepEqual(
        items?.map(({ metadata }) => metadata.name),
        ['late-b', 'late-c'],
      );
    },
  },
  {
    rule: 'a watch from a forgotten version gets 200 and an ERROR event with a 410 Status, and ends',
    async before({ api }) {
      const { metadata } = await createNode(api, 'forgotten');
      await api.requestOk('PATCH', '/api/v1/nodes/forgotten', { body: { spec: { unschedulable: true } } });
      return metadata.resourceVersion;
    },
    async holds({ api }, version) {
      await watching(api, `/api/v1/nodes?resourceVersion=${version}`, async (watch) => {
        const { type, object } = await watch.next();
        assert.equal(type, 'ERROR');
        const { kind, status, code, reason } = object as unknown as KubeStatus;
        const expected = { kind: 'Status', status: 'Failure', code: 410, reason: 'Expired' };
        assert.deepEqual({ kind, status, code, reason }, expected);
        await waitFor(() => watch.hasEnded(), { what: 'the end of an expired watch' });
      });
    },
  },
  {
    rule: 'a list and a watch from its version work as ever',
    before: async () => '',
    async holds({ api }) {
      const { metadata } = await api.requestOk<KubeList>('GET', '/api/v1/nodes');
      await watching(api, `/api/v1/nodes?resourceVersion=${metadata.resourceVersion}`, async (watch) => {
        await createNode(api, 'afterwards', { ready: 'none' });
        const { type, object } = await watch.next();
        assert.deepEqual([type, object.metadata.name], ['ADDED', 'afterwards']);
      });
    },
  },
];
