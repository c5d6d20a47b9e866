import assert from 'node:assert/strict';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { addSickPolicy } from '../harness/sick-check.ts';
import { healthyRun, setScene, until } from './agent-scene.ts';

/** Which checks run: those of the policies that apply now, whatever an earlier run does. */

const isThere = (pid: number): boolean => {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
};

describe('a check that hangs', { concurrency: 4 }, () => {
  for (const [what, change] of [
    ['command', (path: string) => ({ command: [`${path}-other`] })],
    ['environment', () => ({ env: [{ name: 'HEALTHY', value: 'yes' }] })],
  ] as const) {
    test(`is killed when its policy gets another ${what}, and the new one starts at once`, async (t) => {
      const scene = await setScene(t);
      const [script, pidFile] = [join(scene.dir, 'hang.sh'), join(scene.dir, 'pid')];
      const hang = `#!/bin/sh\n[ -z "$HEALTHY" ] || exit 0\necho $$ > ${pidFile}.new && mv ${pidFile}.new ${pidFile}\nexec sleep 1000\n`;
      writeFileSync(script, hang, { mode: 0o755 });
      writeFileSync(`${script}-other`, '#!/bin/sh\nexit 0\n', { mode: 0o755 });
      scene.check.write({ check: { command: [script], timeoutSeconds: 600 } });
      const agent = scene.start();
      await until('the run that hangs', () => existsSync(pidFile));
      const pid = Number(readFileSync(pidFile, 'utf8'));
      assert.ok(isThere(pid));
      const from = agent.lines.length;
      scene.check.write({ check: { command: [script], timeoutSeconds: 600, ...change(script) } });
      await agent.waitForLine(/\[✅OK\]/, { from });
      await until('the run that hung to be gone', () => !isThere(pid));
      for (let run = 0; run < 2; run++) await healthyRun(agent);
      assert.deepEqual(
        agent.lines.slice(from).filter((line) => /Noticed|UNKNOWN/.test(line)),
        [],
      );
    });
  }
});

/** Names that every JavaScript object answers to. */
const INHERITED = ['constructor', 'toString', 'valueOf', 'hasOwnProperty'];

describe('a nodeSelector', () => {
  test('asks for labels of the Node only: one that has a name of every object in the program matches no node', async (t) => {
    const scene = await setScene(t);
    const others = INHERITED.map((key, n) =>
      addSickPolicy(scene.check.policyDir, `selects-${n}`, {
        check: { failureThreshold: 1 },
        nodeSelector: { matchExpressions: [{ key, operator: 'Exists' }] },
        actions: { cordon: true },
      }),
    );
    for (const other of others) other.breakIt();
    const agent = scene.start();
    for (let run = 0; run < 4; run++) await healthyRun(agent);
    assert.ok(!agent.lines.some((line) => /policy=|Noticed/.test(line)), agent.lines.join('\n'));
    assert.equal(scene.cordoned(), false);
  });
});
