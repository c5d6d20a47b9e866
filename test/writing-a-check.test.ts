import assert from 'node:assert/strict';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { type AddressInfo, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import process from 'node:process';
import { after, suite, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { options } from '../agent/check/fixtures/support.ts';
import { startCheck } from '../agent/check/run-check.ts';
import type { Check, NodeCheckPolicy } from '../agent/core/policy.ts';
import { judge } from '../agent/core/verdict.ts';
import { formatPolicyErrors, formatPolicyWarning } from '../agent/policy/format-error.ts';
import { loadPolicyFiles } from '../agent/policy/load-policies.ts';
import { findWarnings } from '../agent/policy/warnings/find-warnings.ts';
import { codeBlocks, namedBlocks } from './harness/code-blocks.ts';

const DOCUMENTS = ['README.md', 'docs/writing-a-check.md'] as const;
const read = (name: string) => readFileSync(fileURLToPath(new URL(`../${name}`, import.meta.url)), 'utf8');
const TEXT = read('docs/writing-a-check.md');
/** Nothing answers here: it is the first port there is, which only root could listen on. */
const CLOSED_PORT = '1';
/** To be root is what chroot and nsenter need. Where they lead is this very machine. */
const isRoot = process.getuid?.() === 0;

const dir = mkdtempSync(join(tmpdir(), 'nsc-checks-'));
after(() => rmSync(dir, { recursive: true }));
for (const [path, script] of Object.entries(namedBlocks(TEXT))) {
  writeFileSync(join(dir, basename(path)), script, { mode: 0o755 });
}
const policies = codeBlocks(TEXT, 'yaml').flatMap((yaml) => load(yaml).set.policies);

suite('of the checks to begin with', { concurrency: true }, () => {
  test('the disk says how full it is, and of a directory that is gone nothing', async () => {
    const full = /^\/ is \d+% full$/;
    await says('disk', { args: ['/', '100'] }, 'Healthy', full);
    await says('disk', { args: ['/', '0'] }, 'Failed', full, 'DiskFull');
    await says('disk', { args: [join(dir, 'gone'), '90'] }, 'Unknown', /^could not find out how full .*gone is$/);
  });

  test('the clock says what systemd says of it, and without an answer nothing', async () => {
    await says('clock', { env: asked('echo yes') }, 'Healthy', /^clock synchronized: yes$/);
    await says('clock', { env: asked('echo no') }, 'Failed', /^clock synchronized: no$/, 'ClockNotSynchronized');
    const broken = 'echo "System has not been booted with systemd" >&2; exit 1';
    for (const script of [broken, 'exit 1']) {
      await says('clock', { env: asked(script) }, 'Unknown', /^clock synchronized:$/);
    }
  });

  test('the port accepts connections or not, and nobody knows without the address of the node', async () => {
    const server = createServer((socket) => socket.end()).listen(0, '127.0.0.1');
    await once(server, 'listening');
    const { port } = server.address() as AddressInfo;
    try {
      await says('kubelet-port', { args: [`${port}`] }, 'Healthy', /^port \d+ of 127\.0\.0\.1 accepts connections$/);
    } finally {
      server.close();
    }
    const closed = /^port 1 of 127\.0\.0\.1 accepts no connection within 2 s$/;
    await says('kubelet-port', { args: [CLOSED_PORT] }, 'Failed', closed, 'PortClosed');
    const withoutAddress = { args: [CLOSED_PORT], env: [{ name: 'NODE_IP', value: '' }] };
    await says('kubelet-port', withoutAddress, 'Unknown', /^NODE_IP is not set$/);
  });
});

for (const document of DOCUMENTS) {
  test(`the policies of ${document} observe, and nothing warns of them, as they are and once they act`, () => {
    const blocks = codeBlocks(read(document), 'yaml').filter((yaml) => yaml.includes('node-svc-checker/v1'));
    assert.ok(blocks.length > 0);
    for (const yaml of blocks) {
      assert.match(yaml, /^ {2}mode: Observe\b/m);
      for (const text of [yaml, yaml.replace('mode: Observe', 'mode: Enforce')]) {
        assert.deepEqual(findWarnings(load(text), { kind: 'File' }).map(formatPolicyWarning), []);
      }
    }
  });
}

type Changes = { readonly args?: readonly string[]; readonly env?: Check['env'] };

/** Runs the check of that policy as an agent does; of the command only what follows the script is not as it stands there. */
async function says(name: string, { args, env = [] }: Changes, status: string, words: RegExp, mapped?: string) {
  const { check } = policyNamed(name).spec;
  const [program, ...rest] = check.command;
  const script = /^\/opt\/(?:node-)?checks\/(.+)$/.exec(program)?.[1];
  const command: Check['command'] = [script === undefined ? program : join(dir, script), ...(args ?? rest)];
  const run = startCheck(
    { ...check, command, env: [...check.env, ...env], runIn: isRoot ? check.runIn : 'Container' },
    { ...options, nodeIp: '127.0.0.1', policyName: name, hostRoot: '/', hostPid: process.pid },
  );
  const outcome = await run.outcome;
  await run.gone;
  const judgement = judge(outcome, check);
  assert.equal(judgement.status, status, JSON.stringify(outcome));
  assert.match(judgement.words, words);
  if (mapped !== undefined) assert.equal(judgement.mapped, mapped);
}

/** A PATH on which `timedatectl` is a script that does this, and the rest is as ever. */
function asked(script: string): Check['env'] {
  const bin = mkdtempSync(join(dir, 'bin-'));
  const usage = '[ "$*" = "show --property=NTPSynchronized --value" ] || { echo "asked for $*" >&2; exit 64; }';
  writeFileSync(join(bin, 'timedatectl'), `#!/bin/sh\n${usage}\n${script}\n`, { mode: 0o755 });
  return [{ name: 'PATH', value: `${bin}:/usr/bin:/bin` }];
}

function policyNamed(name: string): NodeCheckPolicy {
  const found = policies.find(({ metadata }) => metadata.name === name);
  assert.ok(found, `the document must have a policy ${name}`);
  return found;
}

function load(yaml: string) {
  const loaded = loadPolicyFiles([{ name: 'block.yaml', bytes: Buffer.from(yaml) }]);
  if (!loaded.valid) throw new Error(formatPolicyErrors(loaded.errors).join('\n'));
  return loaded;
}
