import type { KubeRequest } from '../../agent/kube/transport.ts';
import type { Account, Books } from './books.ts';
import { judgeWrite, type Patch } from './judge-write.ts';
import { CLAIM, memoryOf, takes } from './seen.ts';

/** The most that one agent may ask, and write to its Node, in any minute, whatever happens. */
const MAX_REQUESTS_A_MINUTE = 400;
const MAX_WRITES_A_MINUTE = 90;
/** A drain that is wanted no more sends nothing more after this time. */
const STOPS_WITHIN_MS = 1_000;

/** What was decided on before is sent by then. */
const ON_ITS_WAY_MS = 5;

const POD = /^\/api\/v1\/namespaces\/([^/]+)\/pods\/([^/]+)(\/eviction)?$/;

/** An agent has sent this; it may land, or not. */
export function judgeRequest(books: Books, account: Account, { method, path, body }: KubeRequest): void {
  const { name } = account.life;
  bound(books, account.sentAtMs, MAX_REQUESTS_A_MINUTE, `${name} asks`);
  if (method === 'GET') return;
  books.note(`${name} sends ${method} ${path} ${JSON.stringify(body)}`);
  const [, namespace = '', pod = ''] = POD.exec(path) ?? [];
  if (pod !== '') judgeEviction(books, account, namespace, pod);
  if (/\/events(\/|$)/.test(path)) account.eventsSent += 1;
  if (account.standsBySinceMs !== null) judgeStandby(books, account, account.standsBySinceMs, path, body);
  if (method !== 'PATCH' || !path.startsWith('/api/v1/nodes/')) return;
  bound(books, account.wroteAtMs, MAX_WRITES_A_MINUTE, `${name} writes to its Node`);
  judgeWrite(books, account, body as Patch);
}

function bound(books: Books, times: number[], most: number, what: string): void {
  times.push(books.nowMs());
  const earliest = times.at(-1 - most);
  if (earliest !== undefined && books.nowMs() - earliest < 60_000) {
    books.broken(`bounded: ${what} more than ${most} times in a minute`);
    times.length = 0;
  }
}

/** It writes that it is there, and nothing else; what it did before may be on its way still. */
function judgeStandby(books: Books, { life }: Account, sinceMs: number, path: string, body: unknown): void {
  const { lastTimestamp, message, metadata } = body as {
    readonly lastTimestamp?: string;
    readonly message?: string;
    readonly metadata?: { readonly annotations?: object };
  };
  if (/\/events(\/|$)/.test(path)) {
    const isNews = Date.parse(lastTimestamp ?? '') - books.epochMs >= sinceMs + 1_000;
    if (isNews && !message?.startsWith('Two agents run'))
      books.broken(`standby: ${life.name} writes the Event ${message}`);
    return;
  }
  const isItsWord = path.startsWith('/api/v1/nodes/') && Object.keys(metadata?.annotations ?? {}).join() === CLAIM;
  if (books.nowMs() > sinceMs + ON_ITS_WAY_MS && !isItsWord && !path.includes('/leases/'))
    books.broken(`standby: ${life.name} writes ${path} ${JSON.stringify(body)}`);
}

function judgeEviction(books: Books, account: Account, namespace: string, name: string): void {
  const { life } = account;
  const pod = books.pods.get(`${namespace}/${name}`);
  const fromMs = books.nowMs() - STOPS_WITHIN_MS;
  const versions = books.nodes.get(life.nodeName) ?? [];
  const recent = versions.filter((_, i) => (versions[i + 1]?.atMs ?? Number.POSITIVE_INFINITY) >= fromMs);
  const sets = account.sets.filter((_, i) => (account.sets[i + 1]?.atMs ?? Number.POSITIVE_INFINITY) >= fromMs);
  const may = sets.some(({ set }) =>
    set.policies.some((policy) => {
      const rules = policy.spec.actions.drain;
      if (rules === undefined || !takes(rules, pod)) return false;
      return recent.some((node) => {
        const state = memoryOf(node)?.policies[policy.metadata.name]?.drain?.state;
        return node.isCordoned && (state === 'Draining' || state === 'GaveUp');
      });
    }),
  );
  if (!may && !books.isBlind) {
    books.broken(`evictions: ${life.name} evicts ${namespace}/${name}, which no drain under way takes`);
  }
}
