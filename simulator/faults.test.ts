import assert from 'node:assert/strict';
import { after, afterEach, before, describe, it } from 'node:test';
import { type ApiClient, connect, type KubeStatus } from '../test/harness/api-client.ts';
import { waitFor } from '../test/harness/wait-for.ts';
import type { WatchStream } from '../test/harness/watch-stream.ts';
import { type Simulator, startSimulator } from './simulator.ts';

const NODE = '/api/v1/nodes/sick';
const CORDON = { body: { spec: { unschedulable: true } } };

/** Long enough for an answer on any machine, short enough to wait for one that never comes. */
const SHORT_MS = 300;

describe('faults', () => {
  let simulator: Simulator;
  let api: ApiClient;
  const open: WatchStream[] = [];

  before(async () => {
    simulator = await startSimulator();
    api = connect({ url: simulator.url });
    simulator.seed({ kind: 'Node', metadata: { name: 'sick' } });
  });
  afterEach(() => {
    for (const watch of open.splice(0)) watch.close();
    simulator.faults.clear();
    simulator.edit('Node', 'sick', ({ spec }) => {
      delete spec?.unschedulable;
    });
  });
  after(async () => {
    api.close();
    await simulator.close();
  });

  const isCordoned = () => simulator.read('Node', 'sick')?.spec?.unschedulable === true;
  const watch = async (query = '') => {
    const stream = await api.watch(`/api/v1/nodes${query}`);
    open.push(stream);
    return stream;
  };

  describe('of an answer', () => {
    const codes = [400, 401, 403, 404, 409, 410, 429, 500, 503, 504];
    for (const code of codes) {
      it(`status ${code} answers a Status with that code and its usual reason, and applies nothing`, async () => {
        simulator.faults.add({ fault: { kind: 'status', code } });
        const { status, body } = await api.request<KubeStatus>('PATCH', NODE, CORDON);
        assert.equal(status, code);
        assert.deepEqual([body.kind, body.status, body.code], ['Status', 'Failure', code]);
        assert.ok(body.reason);
        assert.ok(body.message);
        assert.equal(isCordoned(), false);
      });
    }

    it('a status carries the reason, message and Retry-After it is given', async () => {
      const fault = { kind: 'status', code: 429, reason: 'Why', message: 'wait', retryAfterSeconds: 7 } as const;
      simulator.faults.add({ fault });
      const { headers, body } = await api.request<KubeStatus>('GET', NODE);
      assert.equal(headers['retry-after'], '7');
      assert.deepEqual([body.reason, body.message, body.details], ['Why', 'wait', { retryAfterSeconds: 7 }]);
    });

    it('a plain-text status is no JSON', async () => {
      simulator.faults.add({ fault: { kind: 'status', code: 429, plainText: true, retryAfterSeconds: 1 } });
      const { status, headers, body } = await api.request('GET', NODE);
      assert.equal(status, 429);
      assert.match(headers['content-type'] ?? '', /^text\/plain/);
      assert.equal(headers['retry-after'], '1');
      assert.equal(body as unknown, 'Too many requests, please try again later.\n');
    });

    it('a stalled request is never answered nor applied', async () => {
      simulator.faults.add({ fault: { kind: 'stall' } });
      await assert.rejects(api.request('PATCH', NODE, { ...CORDON, deadlineMs: SHORT_MS }), /no complete answer/);
      assert.equal(isCordoned(), false);
      assert.equal(simulator.requests.at(-1)?.status, undefined);
    });

    it('a stalled body begins, stays incomplete, and the request is applied', async () => {
      simulator.faults.add({ fault: { kind: 'stallBody' } });
      await assert.rejects(api.request('PATCH', NODE, { ...CORDON, deadlineMs: SHORT_MS }), /no complete answer/);
      assert.equal(isCordoned(), true);
      assert.equal(simulator.requests.at(-1)?.status, 200);
    });

    it('a truncated body breaks off, and the request is applied', async () => {
      simulator.faults.add({ fault: { kind: 'truncate' } });
      await assert.rejects(api.request('PATCH', NODE, CORDON), { code: 'ECONNRESET' });
      assert.equal(isCordoned(), true);
      assert.equal(simulator.requests.at(-1)?.status, 200);
    });

    it('a dropped answer breaks the connection, and the request is applied', async () => {
      simulator.faults.add({ fault: { kind: 'drop' } });
      await assert.rejects(api.request('PATCH', NODE, CORDON), { code: 'ECONNRESET' });
      assert.equal(isCordoned(), true);
      assert.equal(simulator.requests.at(-1)?.status, undefined);
    });

    it('a refused request breaks the connection and is not applied', async () => {
      simulator.faults.add({ fault: { kind: 'refuse' } });
      await assert.rejects(api.request('PATCH', NODE, CORDON), { code: 'ECONNRESET' });
      assert.equal(isCordoned(), false);
    });

    it('a delayed request is answered and applied after one that came later', async () => {
      simulator.faults.add({ method: 'PATCH', fault: { kind: 'delay', ms: SHORT_MS } });
      const order: string[] = [];
      const delayed = api.requestOk('PATCH', NODE, CORDON).then(() => order.push('delayed'));
      const { spec } = await api.requestOk('GET', NODE);
      order.push('prompt');
      assert.equal(spec?.unschedulable, undefined);
      await delayed;
      assert.deepEqual(order, ['prompt', 'delayed']);
      assert.equal(isCordoned(), true);
    });
  });

  describe('of a watch', () => {
    it('a watch can begin with a line that is no JSON, and goes on', async () => {
      simulator.faults.add({ fault: { kind: 'watchLine', line: '{"type":"ADD' } });
      const stream = await watch();
      assert.equal((await stream.next()).type, 'ADDED');
      assert.deepEqual(stream.malformed, ['{"type":"ADD']);
    });

    it('a watch can be cut before its nth event', async () => {
      for (const afterEvents of [0, 1]) {
        simulator.faults.add({ fault: { kind: 'watchCut', afterEvents }, times: 1 });
        const stream = await watch();
        simulator.edit('Node', 'sick', ({ metadata }) => {
          metadata.labels = { round: String(afterEvents) };
        });
        await waitFor(() => stream.hasEnded(), { what: 'the cut' });
        assert.equal(stream.events.length, afterEvents);
      }
    });

    it('a watch can be told that its version is too old', async () => {
      simulator.faults.add({ fault: { kind: 'watchExpired' } });
      const stream = await watch('?resourceVersion=1');
      const { type, object } = await stream.next();
      assert.deepEqual([type, object.code, object.reason], ['ERROR', 410, 'Expired']);
      await waitFor(() => stream.hasEnded(), { what: 'the end' });
    });

    it('a delayed watch whose client has left is not opened', async () => {
      simulator.faults.add({ fault: { kind: 'delay', ms: 100 } });
      const before = simulator.requests.length;
      const client = connect({ url: simulator.url });
      const left = assert.rejects(client.watch('/api/v1/nodes'), { code: 'ECONNRESET' });
      await waitFor(() => simulator.requests.length > before, { what: 'the watch to arrive' });
      client.close();
      await left;
      // It arrives later and is delayed as long, so once it is answered the watch has had its turn.
      await api.requestOk('GET', NODE);
      assert.equal(simulator.watches.size, 0);
    });

    it('a watch fault leaves reads and lists alone', async () => {
      const rule = simulator.faults.add({ fault: { kind: 'watchExpired' } });
      await api.requestOk('GET', '/api/v1/nodes');
      assert.equal(rule.hits, 0);
    });

    it('an open watch can be disturbed: a bad line, the 410 of a forgotten version, an end, a cut', async () => {
      const opened = async () => {
        const stream = await watch();
        const [handle] = [...simulator.watches].slice(-1);
        assert.ok(handle);
        await stream.next();
        return { stream, handle };
      };
      const first = await opened();
      assert.equal(first.handle.path, '/api/v1/nodes?watch=true');
      first.handle.sendLine('nonsense');
      first.handle.expire();
      assert.equal((await first.stream.next()).type, 'ERROR');
      assert.deepEqual(first.stream.malformed, ['nonsense']);
      for (const disturb of ['end', 'cut'] as const) {
        const { stream, handle } = await opened();
        handle[disturb]();
        handle.sendLine('too late');
        await waitFor(() => stream.hasEnded(), { what: `the ${disturb}` });
        assert.deepEqual(stream.malformed, []);
      }
      await waitFor(() => simulator.watches.size === 0, { what: 'no watch to be open' });
    });
  });

  describe('as rules', () => {
    it('a rule hits only its method and path, as often as it says, and counts', async () => {
      const fault = { kind: 'status', code: 500 } as const;
      const rule = simulator.faults.add({ method: 'GET', path: /^\/api\/v1\/nodes\/sick$/, times: 2, fault });
      const statuses: number[] = [];
      await api.request('PATCH', NODE, CORDON);
      await api.requestOk('GET', '/api/v1/nodes');
      for (let i = 0; i < 3; i += 1) statuses.push((await api.request('GET', NODE)).status);
      assert.deepEqual(statuses, [500, 500, 200]);
      assert.equal(rule.hits, 2);
    });

    it('a rule that says a body hits only requests with such a one', async () => {
      const rule = simulator.faults.add({ body: /"unschedulable":true/, fault: { kind: 'status', code: 500 } });
      const other = { body: { spec: { unschedulable: false } } };
      const statuses = [];
      for (const request of [CORDON, other]) statuses.push((await api.request('PATCH', NODE, request)).status);
      statuses.push((await api.request('GET', NODE)).status);
      assert.deepEqual([statuses, rule.hits], [[500, 200, 200], 1]);
    });

    it('the first rule that is not spent hits, a removed one never again', async () => {
      const first = simulator.faults.add({ fault: { kind: 'status', code: 500 }, times: 1 });
      const second = simulator.faults.add({ fault: { kind: 'status', code: 503 } });
      const status = async () => (await api.request('GET', NODE)).status;
      assert.deepEqual([await status(), await status(), await status()], [500, 503, 503]);
      second.remove();
      assert.equal(await status(), 200);
      assert.deepEqual([first.hits, second.hits], [1, 2]);
    });
  });
});
