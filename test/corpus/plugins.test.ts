import assert from 'node:assert/strict';
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, suite, test } from 'node:test';
import { skipUnlessSoaking } from '../harness/soaking.ts';
import { type AllSaid, HERE, PROGRAMS, type Said } from './players.ts';
import { DIR } from './stage.ts';

/** Where Debian's packages monitoring-plugins-basic and monitoring-plugins-standard have them. */
const PLUGINS = '/usr/lib/nagios/plugins';
const CHECK = {
  onStderr: 'Ignore',
  exitCodes: { unknown: [3, 126, 127], reasons: { 1: 'Warning', 2: 'Critical', 3: 'PluginUnknown' } },
};
/** Of a port on which nothing listens, and of one on which this process does. */
const CLOSED = '{closed}';
const OPEN = '{open}';

type Row = readonly [policy: string, plugin: string, args: string, words: RegExp];
const OK: readonly Row[] = [
  ['disk-ok', 'check_disk', '-w 1% -c 0% -p /', /^DISK OK - free space: \/ \d+ ?MiB .*\| ?\/=\d+/],
  ['load-ok', 'check_load', '-w 9999,9999,9999 -c 9999,9999,9999', /^LOAD OK - .*load average: .*\|load1=/],
  ['procs-ok', 'check_procs', '-w 1: -c 1:', /^PROCS OK: \d+ processes \| procs=\d+;1:;1:;0;$/],
  ['swap-ok', 'check_swap', '-n ok -w 2 -c 1', /^SWAP OK - .*\|swap=/],
  ['users-ok', 'check_users', '-w 99999 -c 99999', /^USERS OK - \d+ users currently logged in \|users=/],
  ['dummy-ok', 'check_dummy', '0 fine', /^OK: fine$/],
  ['file-age-ok', 'check_file_age', `-f ${DIR}/log -w 99999 -c 99999 -W 1 -C 1`, /^FILE_AGE OK: \{dir\}\/log is /],
  ['log-ok', 'check_log', `-F ${DIR}/quiet -O ${DIR}/quiet.old -q error`, /^Log check ok - 0 pattern matches found/],
  [
    'tcp-ok',
    'check_tcp',
    `-H 127.0.0.1 -p ${OPEN}`,
    /^TCP OK - .* second response time on 127\.0\.0\.1 port \d+\|time=/,
  ],
];
const WARNING: readonly Row[] = [
  ['procs-warning', 'check_procs', '-w 0:0 -c 1:', /^PROCS WARNING: \d+ processes \|/],
  ['dummy-warning', 'check_dummy', '1 careful', /^WARNING: careful$/],
];
const CRITICAL: readonly Row[] = [
  ['disk-critical', 'check_disk', '-w 100% -c 100% -p /', /^DISK CRITICAL - free space: \/ \d+ ?MiB /],
  ['disk-no-such-path', 'check_disk', '-w 10% -c 5% -p /no/such', /^DISK CRITICAL - \/no\/such is not accessible/],
  ['load-critical', 'check_load', '-w 0,0,0 -c 0,0,0', /^LOAD CRITICAL - .*load average: /],
  ['procs-critical', 'check_procs', '-c 0:0', /^PROCS CRITICAL: \d+ processes \|/],
  ['swap-critical', 'check_swap', '-n critical -w 100% -c 100%', /^SWAP CRITICAL - /],
  ['users-critical', 'check_users', '-w @0:99999 -c @0:99999', /^USERS CRITICAL - \d+ users/],
  ['dummy-critical', 'check_dummy', '2 broken', /^CRITICAL: broken$/],
  ['file-age-critical', 'check_file_age', `-f ${DIR}/log -W 9999 -C 9999`, /^FILE_AGE CRITICAL: \{dir\}\/log is /],
  ['file-age-no-file', 'check_file_age', `-f ${DIR}/none`, /^FILE_AGE CRITICAL: File not found - \{dir\}\/none$/],
  ['log-critical', 'check_log', `-F ${DIR}/log -O ${DIR}/log.old -q error`, /^\(1\) < an error/],
  ['tcp-critical', 'check_tcp', `-H 127.0.0.1 -p ${CLOSED}`, /127\.0\.0\.1 .*Connection refused/],
];
const UNKNOWN: readonly Row[] = [
  ['disk-usage', 'check_disk', '', /^check_disk: Could not parse arguments$/],
  ['users-usage', 'check_users', '', /^Usage:$/],
  ['dummy-unknown', 'check_dummy', '3 nobody-knows', /^UNKNOWN: nobody-knows$/],
  ['file-age-usage', 'check_file_age', '', /^FILE_AGE UNKNOWN: No file specified$/],
  [
    'log-no-file',
    'check_log',
    `-F ${DIR}/none -O ${DIR}/none.old -q x`,
    /^Log check error: Log file \{dir\}\/none does not/,
  ],
];
const EXPECTED: readonly [rows: readonly Row[], said: Omit<Said, 'words'>][] = [
  [OK, { verdict: 'Healthy', mapped: null }],
  [WARNING, { verdict: 'Failed', mapped: 'Warning' }],
  [CRITICAL, { verdict: 'Failed', mapped: 'Critical' }],
  [UNKNOWN, { verdict: 'Unknown', mapped: 'PluginUnknown' }],
];
const ROWS = EXPECTED.flatMap(([rows]) => rows);

const isInstalled = ROWS.every(([, plugin]) => existsSync(join(PLUGINS, plugin)));
const skip =
  skipUnlessSoaking('real monitoring plugins') ||
  (!isInstalled && `needs monitoring-plugins-basic and monitoring-plugins-standard in ${PLUGINS}`);

suite('monitoring plugins run as they are', { skip, concurrency: true }, () => {
  const files = mkdtempSync(join(tmpdir(), 'nsc-plugins-'));
  const [listening, closed] = [createServer((socket) => socket.end()), createServer()];
  let parts: readonly { policy: string; command: string[]; check: object }[] = [];
  before(async () => {
    for (const name of ['quiet', 'quiet.old', 'log.old']) writeFileSync(join(files, name), 'all is well\n');
    writeFileSync(join(files, 'log'), 'all is well\nan error\n');
    const [open, shut] = [await listen(listening), await listen(closed)];
    closed.close();
    parts = ROWS.map(([policy, plugin, args]) => {
      const words = args.replace(OPEN, String(open)).replace(CLOSED, String(shut)).split(' ').filter(Boolean);
      return { policy, command: [join(PLUGINS, plugin), ...words], check: CHECK };
    });
  });
  after(() => {
    listening.close();
    rmSync(files, { recursive: true });
  });

  for (const { name, skip, play } of [HERE, ...PROGRAMS]) {
    suite(`by ${name}`, { skip }, () => {
      let said: AllSaid = new Map();
      before(async () => {
        said = await play({ files, parts });
      });
      for (const [rows, expected] of EXPECTED) {
        for (const [policy, , , pattern] of rows) {
          test(`${policy} is ${expected.verdict}`, () => {
            const { words = '', ...rest } = said.get(policy) ?? {};
            assert.deepEqual(rest, expected);
            assert.match(words, pattern);
          });
        }
      }
    });
  }
});

async function listen(server: ReturnType<typeof createServer>): Promise<number> {
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('a server of 127.0.0.1 has a port');
  return address.port;
}
