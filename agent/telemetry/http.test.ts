import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { networkInterfaces } from 'node:os';
import { after, before, test } from 'node:test';
import { parseAddress, serveHttp } from './http.ts';
import { createMetrics } from './metrics.ts';

const { registry } = createMetrics({ version: '0', runtime: 'test' }, Date.now);
let problem: string | null = null;
let server: Awaited<ReturnType<typeof serveHttp>>;
before(async () => {
  server = await serveHttp({ host: '127.0.0.1', port: 0, registry, healthz: () => null, readyz: () => problem });
});
after(() => server.close());

const get = async (path: string) => {
  const response = await fetch(`http://${server.address}${path}`);
  return [response.status, await response.text()];
};

test('a probe answers 200 while all is well and 503 with the reason otherwise', async () => {
  assert.deepEqual(await get('/readyz'), [200, 'ok\n']);
  problem = 'no valid policy was loaded yet';
  assert.deepEqual(await get('/readyz'), [503, 'no valid policy was loaded yet\n']);
  assert.deepEqual(await get('/healthz?verbose'), [200, 'ok\n']);
});

test('metrics are served, anything else is not found', async () => {
  const [status, body] = await get('/metrics');
  assert.equal(status, 200);
  assert.match(String(body), /nsc_build_info/);
  assert.equal((await get('/'))[0], 404);
});

test('what is wrong with an answer is told to whoever asks, and to us', async () => {
  const problems: unknown[] = [];
  const bug = new TypeError('x is not a function');
  const broken = await serveHttp({
    host: '127.0.0.1',
    port: 0,
    registry,
    healthz: () => {
      throw bug;
    },
    readyz: () => null,
    onProblem: (error) => problems.push(error),
  });
  const response = await fetch(`http://${broken.address}/healthz`);
  assert.deepEqual([response.status, problems], [500, [bug]]);
  broken.close();
});

test('an address that is taken is named', async () => {
  const port = Number(server.address.split(':')[1]);
  const second = serveHttp({ host: '127.0.0.1', port, registry, healthz: () => null, readyz: () => null });
  await assert.rejects(second, new RegExp(`cannot listen on --metrics-address 127.0.0.1:${port}: .*EADDRINUSE`));
});

const hasIpv6 = Object.values(networkInterfaces()).some((all) => all?.some(({ address }) => address === '::1'));
const addresses: [address: string, of4: boolean, of6: boolean][] = [
  [':0', true, true],
  ['[::]:0', true, true],
  ['0.0.0.0:0', true, false],
  ['127.0.0.1:0', true, false],
  ['[::1]:0', false, true],
];
for (const [address, of4, of6] of addresses) {
  test(`${address} listens ${of4 ? 'on' : 'not on'} IPv4 and ${of6 ? 'on' : 'not on'} IPv6`, {
    skip: !hasIpv6 && 'needs IPv6',
  }, async (t) => {
    // Another program may have the port at the address that this one leaves free.
    const itself = randomUUID();
    const opened = await serveHttp({ ...parseAddress(address), registry, healthz: () => itself, readyz: () => null });
    t.after(() => opened.close());
    const port = opened.address.split(':').at(-1);
    const isHeard = (host: string) =>
      fetch(`http://${host}:${port}/healthz`).then(
        async (response) => (await response.text()).includes(itself),
        () => false,
      );
    assert.deepEqual([await isHeard('127.0.0.1'), await isHeard('[::1]')], [of4, of6]);
  });
}
