import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { startSimulator } from '../../simulator/simulator.ts';
import { startAgent } from '../harness/agent-process.ts';
import { createSickCheck } from '../harness/sick-check.ts';

test('a check is told the node that the agent is for and its address, and nothing else that the agent knows', async (t) => {
  const simulator = await startSimulator();
  const sickCheck = createSickCheck({});
  t.after(async () => {
    await simulator.close();
    sickCheck.remove();
  });
  const found = join(sickCheck.policyDir, '..', 'found');
  sickCheck.write({ check: { command: ['/bin/sh', '-c', `tr '\\0' '\\n' </proc/$$/environ >'${found}'`] } });
  const agent = startAgent({
    nodeName: 'node-1',
    policyDir: sickCheck.policyDir,
    kubeconfig: simulator.writeKubeconfig(join(sickCheck.policyDir, '..', 'kubeconfig')),
    env: { NODE_IP: '192.0.2.7', POD_NAME: 'agent', HOME: '/root', AGENT_TOKEN: 'secret' },
  });
  t.after(async () => {
    agent.kill('SIGKILL');
    await agent.exit;
  });
  await agent.waitForLine(/\[✅OK\]/);
  const names = readFileSync(found, 'utf8').trim().split('\n').sort();
  assert.deepEqual(
    names.filter((each) => !each.startsWith('PATH=')),
    ['HOME=/', 'NODE_IP=192.0.2.7', 'NODE_NAME=node-1', 'NSC_POLICY=sick-check'],
  );
});
