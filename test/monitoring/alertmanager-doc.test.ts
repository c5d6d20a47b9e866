import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, dirname, join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { type Receiver, startAlertmanager, startReceiver } from '../harness/alertmanager.ts';
import { requireBinary, skipWithout } from '../harness/binaries.ts';
import { codeBlocks } from '../harness/code-blocks.ts';
import { type ManagedProcess, type Supervisor, startSupervisor } from '../harness/processes.ts';
import { playSession } from '../harness/shell-session.ts';
import { waitFor } from '../harness/wait-for.ts';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const read = (name: string) => readFileSync(join(ROOT, name), 'utf8');
const DOCUMENT = read('docs/alertmanager.md');

for (const [index, block] of codeBlocks(DOCUMENT, 'yaml').entries()) {
  const [, file] = /^# (deploy\/\S+)\n/.exec(block) ?? [];
  if (file === undefined) continue;
  test(`yaml block ${index + 1} of docs/alertmanager.md is a part of ${file}`, () => {
    assert.ok(read(file).includes(block.slice(block.indexOf('\n') + 1)));
  });
}

/** A real Alertmanager whose receivers refuse everything: that is what there is to be seen in its log. */
describe('docs/alertmanager.md', { skip: skipWithout('alertmanager', 'amtool') }, () => {
  let supervisor: Supervisor;
  let receiver: Receiver;
  let alertmanager: { address: string; process: ManagedProcess };
  before(async () => {
    const dir = mkdtempSync(join(tmpdir(), 'nsc-alertmanager-doc-'));
    supervisor = startSupervisor(dir);
    receiver = await startReceiver(404);
    alertmanager = await startAlertmanager(supervisor, dir, receiver);
    const isUp = async () => (await fetch(`http://${alertmanager.address}/-/ready`)).ok;
    await waitFor(isUp, { what: 'Alertmanager' });
  });
  after(async () => {
    await supervisor?.end();
    receiver?.close();
  });

  test('its commands print what it says and lead to Slack and to Teams, and the log says what was refused', async () => {
    const PATH = [dirname(requireBinary('amtool')), process.env.PATH].join(delimiter);
    const env = { PATH, ALERTMANAGER: `http://${alertmanager.address}`, HOME: '/nonexistent', TZ: 'UTC' };
    for (const session of codeBlocks(DOCUMENT, 'sh-session')) await playSession(session, { cwd: ROOT, env });
    for (const got of [receiver.slack, receiver.teams]) {
      await waitFor(() => got.some((text) => text.includes('test: Only a test')), { what: 'the message' });
    }
    // They refused it.
    const refused = await waitFor(() => /msg="(Notify[^"]*failed)".*404/.exec(alertmanager.process.logTail())?.[1], {
      what: 'a refused message in the log',
    });
    assert.ok(DOCUMENT.includes(`\`${refused}\``), refused);
  });
});
