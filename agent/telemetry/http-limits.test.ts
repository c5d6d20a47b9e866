import assert from 'node:assert/strict';
import { request as httpRequest, type IncomingHttpHeaders } from 'node:http';
import { connect, type Socket } from 'node:net';
import { type TestContext, test } from 'node:test';
import { Gauge, Registry } from 'prom-client';
import { waitFor } from '../../test/harness/wait-for.ts';
import { type HttpOptions, serveHttp } from './http.ts';
import { createMetrics } from './metrics.ts';

const PATIENCE_MS = 500;

async function serve(t: TestContext, more: Partial<HttpOptions> = {}) {
  const { registry } = createMetrics({ version: '0', runtime: 'test' }, Date.now);
  const probes = { healthz: () => null, readyz: () => null };
  const server = await serveHttp({ host: '127.0.0.1', port: 0, registry, ...probes, patienceMs: PATIENCE_MS, ...more });
  t.after(() => server.close());
  const port = Number(server.address.split(':')[1]);
  const sockets: Socket[] = [];
  t.after(() => {
    for (const socket of sockets) socket.destroy();
  });
  /** A client that sends this text and nothing more, and reads only what is asked of it. */
  async function say(text: string): Promise<Socket> {
    const socket = connect(port, '127.0.0.1').on('error', () => {});
    sockets.push(socket);
    await new Promise((resolve) => socket.once('connect', resolve));
    socket.write(text);
    return socket;
  }
  return { ask: (method: string, path: string, headers = {}) => ask(port, method, path, headers), say };
}

type Reply = { readonly status: number; readonly headers: IncomingHttpHeaders; readonly body: string };

/** On a connection of its own. */
function ask(port: number, method: string, path: string, headers: object): Promise<Reply> {
  return new Promise((resolve, reject) => {
    const call = httpRequest({ port, host: '127.0.0.1', method, path, agent: false, headers: { ...headers } });
    call.on('error', reject);
    call.on('response', (response) => {
      let body = '';
      response.on('data', (chunk) => {
        body += chunk;
      });
      response.on('end', () => resolve({ status: response.statusCode ?? 0, headers: response.headers, body }));
      response.on('error', reject);
    });
    call.end();
  });
}

const closed = (socket: Socket, what: string) => {
  socket.resume();
  return waitFor(() => socket.destroyed, { what, deadlineMs: 10 * PATIENCE_MS });
};

test('HEAD answers as GET does, without the body', async (t) => {
  const { ask } = await serve(t);
  const [get, head] = [await ask('GET', '/readyz'), await ask('HEAD', '/readyz')];
  assert.deepEqual([head.status, head.body], [200, '']);
  assert.equal(head.headers['content-length'], String(get.body.length));
  assert.ok(Number((await ask('HEAD', '/metrics')).headers['content-length']) > 1000);
});

for (const method of ['POST', 'PUT', 'DELETE', 'PATCH', 'OPTIONS', 'TRACE']) {
  test(`${method} is 405, says what is allowed, and ends the connection`, async (t) => {
    const { ask, say } = await serve(t, { patienceMs: 60_000 });
    const { status, headers } = await ask(method, '/metrics');
    assert.deepEqual([status, headers.allow], [405, 'GET, HEAD']);
    await closed(await say(`${method} /metrics HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\n\r\n`), 'the end');
  });
}

const odd: [path: string, status: number][] = [
  ['//metrics', 404],
  ['/metrics/', 404],
  ['/%6detrics', 404],
  ['/..%2f..%2fetc%2fpasswd', 404],
  ['/?', 404],
  [`/metrics?${'x'.repeat(4000)}`, 200],
  [`/${'x'.repeat(4000)}`, 404],
  [`/${'x'.repeat(9_000)}`, 431],
];
for (const [path, expected] of odd) {
  test(`${path.slice(0, 30)} of ${path.length} characters is answered with ${expected}`, async (t) => {
    const { ask } = await serve(t);
    assert.equal((await ask('GET', path)).status, expected);
    assert.equal((await ask('GET', '/healthz')).status, 200);
  });
}

test('whoever asks for OpenMetrics gets the text format, the same each time', async (t) => {
  const { ask } = await serve(t);
  const accept = 'application/openmetrics-text;version=1.0.0;q=0.5,text/plain;version=0.0.4;q=0.3,*/*;q=0.1';
  const [first, second] = [await ask('GET', '/metrics', { accept }), await ask('GET', '/metrics')];
  assert.equal(first.headers['content-type'], 'text/plain; version=0.0.4; charset=utf-8');
  assert.equal(first.body, second.body);
  assert.match(first.body, /^# TYPE nsc_drain_pods_total counter$/m);
});

test('a metric that cannot be read is a 500 and nothing worse', async (t) => {
  const registry = new Registry();
  const collect = () => {
    throw new Error('out of order');
  };
  new Gauge({ name: 'broken', help: 'Broken.', registers: [registry], collect });
  const { ask } = await serve(t, { registry });
  assert.deepEqual([(await ask('GET', '/metrics')).status, (await ask('GET', '/healthz')).status], [500, 200]);
});

for (const [what, text] of [
  ['sends nothing', ''],
  ['sends half a request', 'GET /metrics HTTP/1.1\r\nHost: x\r\nX-Slow: '],
  ['announces a body that never comes', 'POST /metrics HTTP/1.1\r\nHost: x\r\nContent-Length: 1000\r\n\r\n'],
  ['speaks another language', '\u0016\u0003\u0001\u0002\u0000\u0001'],
] as const) {
  test(`a client that ${what} is hung up on`, async (t) => {
    const { ask, say } = await serve(t);
    await closed(await say(text), 'the server to hang up');
    assert.equal((await ask('GET', '/healthz')).status, 200);
  });
}

test('a client that does not take its answer loses its connection', async (t) => {
  const registry = new Registry();
  const big = new Gauge({ name: 'big', help: 'Big.', labelNames: ['n'], registers: [registry] });
  // More than the buffers of both ends.
  for (let n = 0; n < 200; n++) big.set({ n: `${n}-${'x'.repeat(100_000)}` }, 1);
  const { say } = await serve(t, { registry });
  const slow = await say('GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n');
  await new Promise((resolve) => slow.once('readable', resolve));
  const connections = () => process.getActiveResourcesInfo().filter((name) => name === 'TCPSocketWrap').length;
  const both = connections();
  await waitFor(() => connections() < both, { what: 'the server to hang up' });
  assert.ok(!slow.destroyed, 'the client still holds its end');
});

test('one client more than the limit takes the place of the oldest, and is answered', async (t) => {
  const { ask, say } = await serve(t, { maxConnections: 3, patienceMs: 60_000 });
  const clients = [await say('GET '), await say('GET '), await say('GET ')];
  assert.equal((await ask('GET', '/healthz')).status, 200);
  const [oldest, ...others] = clients;
  await closed(oldest ?? assert.fail(), 'the server to hang up on the oldest');
  assert.deepEqual(
    others.map(({ destroyed }) => destroyed),
    [false, false],
  );
});
