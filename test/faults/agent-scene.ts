import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { startSimulator } from '../../simulator/simulator.ts';
import { type AgentProcess, startAgent } from '../harness/agent-process.ts';
import type { Condition } from '../harness/held-node.ts';
import type { Runtime } from '../harness/nsc-command.ts';
import { createSickCheck, type SickCheckSpec } from '../harness/sick-check.ts';
import { waitFor } from '../harness/wait-for.ts';

export const LEDGER = 'node-svc-checker/ledger';
export const NODE = {
  apiVersion: 'v1',
  kind: 'Node',
  metadata: { name: 'node-1' },
  status: { conditions: [{ type: 'Ready', status: 'True' }] },
};
/** Of its policy, unless a test says otherwise. */
export const SPEC = {
  check: { failureThreshold: 2 },
  actions: { cordon: true, taint: { key: 'sick', value: 'true', effect: 'NoSchedule' } },
};

/** One simulator with one Node, and one agent with a check that can be broken; each test has its own. */
export async function setScene(t: TestContext, spec: SickCheckSpec = SPEC) {
  const dir = mkdtempSync(join(tmpdir(), 'nsc-faults-'));
  const check = createSickCheck(spec);
  const simulator = await startSimulator();
  simulator.seed(NODE);
  const scene = {
    dir,
    check,
    simulator,
    start(
      runtime?: Runtime,
      kubeconfig = simulator.writeKubeconfig(join(dir, 'kubeconfig')),
      policyDir = check.policyDir,
    ): AgentProcess {
      const agent = startAgent({ nodeName: 'node-1', policyDir, kubeconfig, runtime });
      t.after(async () => {
        agent.kill('SIGKILL');
        await agent.exit;
      });
      return agent;
    },
    node: () => scene.simulator.read('Node', 'node-1') as unknown as NodeObject | undefined,
    ledger: () => scene.node()?.metadata.annotations?.[LEDGER],
    report: (): { revision?: string | null; error?: string } =>
      JSON.parse(scene.node()?.metadata.annotations?.['node-svc-checker/policy'] ?? '{}'),
    tainted: () => (scene.node()?.spec?.taints ?? []).some(({ key }) => key === 'sick'),
    cordoned: () => scene.node()?.spec?.unschedulable === true,
    disrupted: () =>
      until(
        'the node to be cordoned and tainted',
        () => scene.cordoned() && scene.tainted() && scene.ledger() !== undefined,
      ),
    released: () =>
      until('the node to be given back', () => !scene.cordoned() && !scene.tainted() && scene.ledger() === undefined),
  };
  t.after(async () => {
    await scene.simulator.close();
    check.remove();
    rmSync(dir, { recursive: true });
  });
  return scene;
}

export const until = (what: string, condition: () => boolean) => waitFor(condition, { what });
export const healthyRun = (agent: AgentProcess) => agent.waitForLine(/\[✅OK\]/, { from: agent.lines.length });

interface NodeObject {
  readonly metadata: { readonly annotations?: Readonly<Record<string, string>> };
  readonly spec?: { readonly unschedulable?: boolean; readonly taints?: readonly { readonly key: string }[] };
  readonly status?: { readonly conditions?: readonly Condition[] };
}
