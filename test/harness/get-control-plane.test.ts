import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import {
  accessSync,
  constants,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { promisify } from 'node:util';
import { BINARIES } from './binaries.ts';

const SCRIPT = join(import.meta.dirname, 'get-control-plane.sh');

/** Stands in for the places that programs are published at: notes what it is asked for, and spoils the checksums it is told to. */
const CURL = `#!/bin/sh
for url; do :; done
file=\${url##*/}
echo "$url" >> "$STAGE/asked"
case $file in
  *.tar.gz)
    mkdir top
    for name in etcd etcdctl helm prometheus promtool alertmanager amtool; do echo '#!/bin/sh' > top/$name; done
    chmod +x top/*
    tar -czf "$file" top
    rm -r top
    ;;
  *.sha256) sha256sum < "\${file%.sha256}" | cut -d ' ' -f 1 > "$file" ;;
  *[Ss][Uu][Mm]*) sha256sum *.tar.gz > "$file" ;;
  *) echo '#!/bin/sh' > "$file" ;;
esac
case $url in $SPOILED) sed -i -e 's/^0/1/;t' -e 's/^./0/' "$file" ;; esac
`;
const GO = `#!/bin/sh
echo "$*" >> "$STAGE/asked"
echo '#!/bin/sh' > "$GOBIN/kwok" && chmod +x "$GOBIN/kwok"
`;

/** Runs the script with a cache and publishers of its own. */
function setUp(t: TestContext) {
  const dir = mkdtempSync(join(tmpdir(), 'nsc-get-'));
  t.after(() => rmSync(dir, { recursive: true }));
  mkdirSync(join(dir, 'bin'));
  writeFileSync(join(dir, 'bin/curl'), CURL, { mode: 0o755 });
  writeFileSync(join(dir, 'bin/go'), GO, { mode: 0o755 });
  const asked = join(dir, 'asked');
  writeFileSync(asked, '');
  return {
    asked: () => readFileSync(asked, 'utf8').trim().split('\n'),
    cached: () => readdirSync(join(dir, 'node-svc-checker')),
    get: (spoiled = 'nothing') =>
      promisify(execFile)(SCRIPT, {
        env: { PATH: `${join(dir, 'bin')}:${process.env.PATH}`, XDG_CACHE_HOME: dir, STAGE: dir, SPOILED: spoiled },
      }),
  };
}

test('gets every program that the tests know, once', async (t) => {
  const { get, asked } = setUp(t);
  const { stdout, stderr } = await get();
  assert.equal(stderr, '');
  const programs = stdout.trim();
  assert.deepEqual(readdirSync(programs).sort(), [...BINARIES].sort());
  for (const name of BINARIES) accessSync(join(programs, name), constants.X_OK);
  const { length } = asked();
  assert.equal((await get()).stdout, stdout);
  assert.equal(asked().length, length);
});

test('asks for fixed versions only', async (t) => {
  const { get, asked } = setUp(t);
  await get();
  for (const what of asked()) assert.match(what, /^(https:|install ).*[v-]\d+\.\d+\.\d+\b/);
});

for (const checksums of [
  '*/kubectl.sha256',
  '*/etcd/*/SHA256SUMS',
  '*/helm-*.sha256sum',
  '*/prometheus/prometheus/*/sha256sums.txt',
  '*/alertmanager/*/sha256sums.txt',
]) {
  test(`what differs from ${checksums} is refused, and nothing is kept`, async (t) => {
    const { get, cached } = setUp(t);
    await assert.rejects(get(checksums), /did NOT match/);
    assert.deepEqual(cached(), []);
  });
}
