import assert from 'node:assert/strict';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, suite, test } from 'node:test';
import type { Fault } from '../../simulator/faults.ts';
import { type Simulator, startSimulator } from '../../simulator/simulator.ts';
import { waitFor } from '../../test/harness/wait-for.ts';
import type { Clock } from '../core/ports.ts';
import { SYSTEM_CLOCK } from '../loop/clock.ts';
import { loadCredentials } from './credentials.ts';
import { KubeError } from './kube-error.ts';
import { createNodeApi } from './node-api.ts';
import { createTransport, type Transport } from './transport.ts';

const dir = mkdtempSync(join(tmpdir(), 'nsc-transport-'));
let simulator: Simulator;
let transport: Transport;
const calls: (number | null)[] = [];

before(async () => {
  simulator = await startSimulator({ token: 'good' });
  simulator.seed({ apiVersion: 'v1', kind: 'Node', metadata: { name: 'node-1' } });
  transport = open(simulator.writeKubeconfig(join(dir, 'kubeconfig')));
});
after(async () => {
  await simulator.close();
  rmSync(dir, { recursive: true });
});

const open = (kubeconfig: string) =>
  createTransport(loadCredentials(kubeconfig, {}), 'test', ({ status }) => calls.push(status), SYSTEM_CLOCK);
const read = (deadlineMs = 10_000) =>
  transport.request({ method: 'GET', path: '/api/v1/nodes/node-1', attempt: 'read node node-1', deadlineMs });

async function failure(call: Promise<unknown>): Promise<KubeError> {
  const error = await call.then(
    () => assert.fail('it must fail'),
    (reason: unknown) => reason,
  );
  assert.ok(error instanceof KubeError, String(error));
  return error;
}

const cut: [what: string, fault: Fault, message: RegExp][] = [
  ['a server that never answers', { kind: 'stall' }, /could not read node node-1: .*no whole answer within 0.3 s/],
  ['a server that stops in the middle of a body', { kind: 'stallBody' }, /no whole answer within 0.3 s/],
  ['a body cut short', { kind: 'truncate' }, /the connection was cut|the answer was cut short/],
  ['an answer that is lost', { kind: 'drop' }, /the connection was cut/],
];
for (const [what, fault, message] of cut) {
  test(`${what} fails the call by its deadline, with no status`, async () => {
    // Not for one request alone, which on a busy machine may be one that was given up before it arrived.
    const active = simulator.faults.add({ fault });
    const error = await failure(read(300));
    active.remove();
    assert.match(error.message, message);
    assert.equal(error.status, null);
    assert.equal(calls.at(-1), null);
  });
}

const refused: [fault: Extract<Fault, { kind: 'status' }>, message: RegExp, retryAfterMs: number | null][] = [
  [{ kind: 'status', code: 403 }, /^could not read node node-1: 403 .*check the ClusterRole/, null],
  [{ kind: 'status', code: 429, retryAfterSeconds: 7 }, /: 429 /, 7000],
  [{ kind: 'status', code: 429, plainText: true, retryAfterSeconds: 1 }, /: 429 /, 1000],
  [{ kind: 'status', code: 500 }, /: 500 /, null],
];
for (const [fault, message, retryAfterMs] of refused) {
  test(`a ${fault.code}${fault.plainText ? ' in plain text' : ''} becomes one line with its status`, async () => {
    simulator.faults.add({ fault, times: 1 });
    const error = await failure(read());
    assert.match(error.message, message);
    assert.doesNotMatch(error.message, /\n/);
    assert.equal(error.status, fault.code);
    assert.equal(error.retryAfterMs, retryAfterMs);
  });
}

test("the server's wall clock is known by its latest answer and the time since then", async () => {
  let nowMs = 0;
  const clock = { ...SYSTEM_CLOCK, nowMs: () => nowMs };
  const credentials = loadCredentials(simulator.writeKubeconfig(join(dir, 'kubeconfig')), {});
  const dated = createTransport(credentials, 'test', () => {}, clock);
  assert.equal(dated.serverWallMs(), null);
  const askedAt = Date.now();
  await dated.request({ method: 'GET', path: '/api/v1/nodes/node-1', attempt: 'read node node-1' });
  const answered = dated.serverWallMs() ?? 0;
  assert.ok(answered > askedAt - 2_000 && answered <= Date.now(), `${answered} is about ${askedAt}`);
  nowMs = 5_000;
  assert.equal(dated.serverWallMs(), answered + 5_000);
});

test("the Date of what is not the API server's answer counts for nothing", async () => {
  const server = createServer((request, response) => {
    const isProxy = request.url?.includes('page');
    response.writeHead(isProxy ? Number(request.url?.slice(-3)) : 200, {
      date: new Date(isProxy ? '2030-01-01T00:00:00Z' : '2025-01-01T00:00:00Z').toUTCString(),
    });
    response.end(isProxy ? '<html>' : '{}');
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  writeFileSync(join(dir, 'dated'), simulator.kubeconfig().replace(/http:[^"]+/, url));
  const clock = { ...SYSTEM_CLOCK, nowMs: () => 0 };
  const dated = createTransport(loadCredentials(join(dir, 'dated'), {}), 'test', () => {}, clock);
  const ask = (path: string) => dated.request({ method: 'GET', path, attempt: 'ask' }).catch(() => {});
  for (const path of ['/page200', '/page502', '/page404', '/api', '/page200', '/page503']) {
    await ask(path);
    assert.notEqual(dated.serverWallMs(), Date.parse('2030-01-01'));
  }
  assert.equal(dated.serverWallMs(), Date.parse('2025-01-01'));
  server.close();
  server.closeAllConnections();
});

test('credentials that were replaced on disk are used at the first 401', async () => {
  const path = join(dir, 'rotated');
  const config = JSON.parse(simulator.kubeconfig());
  const withToken = (token: string) =>
    JSON.stringify({ ...config, users: [{ name: config.users[0].name, user: { token } }] });
  writeFileSync(path, withToken('expired'));
  const rotated = createNodeApi(open(path), 'node-1');
  const error = await failure(rotated.read());
  assert.match(error.message, /401 .*check that the credentials in .*rotated are valid/);
  writeFileSync(path, withToken('good'));
  assert.equal((await rotated.read()).name, 'node-1');
});

test("kubeconfig's tokenFile is read, relative to the kubeconfig", async () => {
  const config = JSON.parse(simulator.kubeconfig());
  const path = join(dir, 'with-token-file');
  writeFileSync(
    path,
    JSON.stringify({ ...config, users: [{ name: config.users[0].name, user: { tokenFile: 'token' } }] }),
  );
  writeFileSync(join(dir, 'token'), 'good');
  assert.equal((await createNodeApi(open(path), 'node-1').read()).name, 'node-1');
});

suite('credentials that take their time', () => {
  /** A call whose credentials are there when the test says so; `asked` counts how often they were read. */
  function slowly(clock: Clock, more: { signal?: AbortSignal; deadlineMs?: number } = {}) {
    const real = loadCredentials(simulator.writeKubeconfig(join(dir, 'kubeconfig')), {});
    const before = simulator.requests.filter(({ path }) => path.includes('node-9')).length;
    const asked: (() => void)[] = [];
    const requestOptions = async () => {
      const { promise, resolve } = Promise.withResolvers<void>();
      asked.push(resolve);
      await promise;
      return await real.requestOptions();
    };
    const slow = createTransport({ ...real, requestOptions }, 'slow', () => {}, clock);
    const failed = failure(
      slow.request({ method: 'DELETE', path: '/api/v1/nodes/node-9', attempt: 'delete node node-9', ...more }),
    );
    return {
      asked,
      failed,
      sent: () => simulator.requests.filter(({ path }) => path.includes('node-9')).length - before,
    };
  }
  const nextTurns = async () => {
    for (let n = 0; n < 20; n++) await new Promise(setImmediate);
  };

  test('send nothing once nobody needs the call any more', async () => {
    const abort = new AbortController();
    const { asked, failed, sent } = slowly(SYSTEM_CLOCK, { signal: abort.signal });
    abort.abort();
    assert.match((await failed).message, /not needed any more/);
    for (const go of asked) go();
    await nextTurns();
    assert.equal(sent(), 0);
  });

  test('send nothing after the deadline, though its timer is late', async () => {
    let nowMs = 0;
    const clock = { ...SYSTEM_CLOCK, nowMs: () => nowMs };
    const { asked, failed, sent } = slowly(clock, { deadlineMs: 5_000 });
    nowMs = 5_000;
    for (const go of asked) go();
    assert.match((await failed).message, /no whole answer within 5 s/);
    await nextTurns();
    assert.equal(sent(), 0);
  });

  test('send nothing again after a 401 whose call nobody needs any more', async () => {
    const abort = new AbortController();
    const { asked, failed, sent } = slowly(SYSTEM_CLOCK, { signal: abort.signal });
    simulator.faults.add({ fault: { kind: 'status', code: 401 }, path: /node-9/, times: 1 });
    for (const go of asked) go();
    await waitFor(() => asked.length === 2, { what: 'credentials that are read again' });
    const before = sent();
    abort.abort();
    await failed;
    for (const go of asked) go();
    await nextTurns();
    assert.deepEqual([before, sent()], [1, 1]);
  });
});

test('an unreachable server is said in words', async () => {
  const config = JSON.parse(simulator.kubeconfig());
  config.clusters[0].cluster.server = 'http://127.0.0.1:1';
  writeFileSync(join(dir, 'nobody'), JSON.stringify(config));
  const error = await failure(createNodeApi(open(join(dir, 'nobody')), 'node-1').read());
  assert.match(
    error.message,
    /could not read node node-1: API server http:\/\/127.0.0.1:1: the connection was refused; check/,
  );
});

const unusable: [what: string, content: string, message: RegExp][] = [
  ['is not YAML', '{', /cannot load kubeconfig .*broken: /],
  ['is a list', '[]', /cannot use .*: current-context must name a context/],
  ['is a word', 'hello', /it must be a YAML mapping of kind Config/],
  ['has no current context', '{"clusters": []}', /current-context must name a context and a cluster.*found null/],
  ['has a cluster without a server', '{"clusters":[{"name":"a","cluster":{}}]}', /cannot load kubeconfig .*server/],
];
for (const [what, content, message] of unusable) {
  test(`a kubeconfig that ${what} is refused with its path`, () => {
    writeFileSync(join(dir, 'broken'), content);
    assert.throws(() => loadCredentials(join(dir, 'broken'), {}), message);
  });
}

test('a kubeconfig that is not there is refused with its path', () => {
  assert.throws(() => loadCredentials(join(dir, 'nowhere'), {}), /cannot load kubeconfig .*nowhere: ENOENT/);
});

test('no credentials anywhere says where they were looked for', () => {
  const env = { KUBECONFIG: join(dir, 'x') };
  assert.throws(() => loadCredentials(undefined, env), /cannot load kubeconfig .*x: ENOENT/);
});
