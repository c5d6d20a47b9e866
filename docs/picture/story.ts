import { setTimeout as pause } from 'node:timers/promises';
import { createPod } from '../../test/harness/pods.ts';
import { budgetOf, type PolicyFiles, policyOf, type Scene, startScene } from '../../test/monitoring/scene.ts';

/** How often Prometheus scrapes. */
export const SCRAPE_SECONDS = 2;
/** How long the story goes on after its last event. */
const EPILOGUE_SECONDS = 40;
/** A policy does not arrive everywhere at once. */
const ROLLOUT_SECONDS = 3;

const NODES = Array.from({ length: 9 }, (_, n) => `worker-${n + 1}`);
const TAINT = { key: 'nodeServiceCheckFailed', value: 'true', effect: 'NoSchedule' };
const DRAIN = { timeoutSeconds: 60, evictUnmanagedPods: true };

type Event = readonly [atSeconds: number, what: string, make: (scene: Scene) => unknown];

/** What happens, in seconds after the first scrape. */
const EVENTS: readonly Event[] = [
  [25, 'worker-2 loses its storage', ({ fault }) => fault('worker-2', 'storage-daemon', 'fails')],
  [
    55,
    'worker-5, too; two of its pods must not be evicted',
    ({ fault }) => fault('worker-5', 'storage-daemon', 'fails'),
  ],
  [85, 'worker-7, too; the budget is full', ({ fault }) => fault('worker-7', 'storage-daemon', 'fails')],
  [100, 'the clock of worker-4 is off, which is only observed', ({ fault }) => fault('worker-4', 'clock', 'fails')],
  [130, 'a new revision arrives, broken on worker-9', rollOut],
  [165, 'the check of worker-3 hangs', ({ fault }) => fault('worker-3', 'gpu', 'hangs')],
  [190, 'worker-2 recovers', ({ heal }) => heal('worker-2', 'storage-daemon')],
  [215, 'the runtime of worker-8 hiccups', ({ fault }) => fault('worker-8', 'container-runtime', 'fails')],
  [221, 'and is back', ({ heal }) => heal('worker-8', 'container-runtime')],
  [250, 'the check of worker-3 ends again', ({ heal }) => heal('worker-3', 'gpu')],
  [265, 'the agent of worker-6 dies', ({ agent }) => agent('worker-6').kill('SIGKILL')],
  [285, 'worker-1 loses its storage', ({ fault }) => fault('worker-1', 'storage-daemon', 'fails')],
];

/** Plays it from beginning to end, and says what happens; stop the scene when it has been looked at. */
export async function playStory(say: (line: string) => void): Promise<{ scene: Scene; startSeconds: number }> {
  const scene = await startScene({
    nodeNames: NODES,
    scrapeSeconds: SCRAPE_SECONDS,
    policies: (command) => policies(command, 1),
  });
  try {
    await createPods(scene);
    const startSeconds = Math.ceil(Date.now() / 1000) + SCRAPE_SECONDS * 2;
    for (const [atSeconds, what, make] of EVENTS) {
      await pause((startSeconds + atSeconds) * 1000 - Date.now());
      say(`${atSeconds} s: ${what}`);
      await make(scene);
    }
    await pause(EPILOGUE_SECONDS * 1000);
    return { scene, startSeconds };
  } catch (error) {
    await scene.stop();
    throw error;
  }
}

async function createPods({ cluster }: Scene): Promise<void> {
  const { api } = cluster.plane;
  const create = (nodeName: string, app: string, count: number) =>
    Promise.all(
      Array.from({ length: count }, (_, n) =>
        createPod(api, { name: `${app}-${nodeName}-${n}`, nodeName, labels: { app }, phase: 'Pending' }),
      ),
    );
  for (const nodeName of ['worker-2', 'worker-5', 'worker-7']) await create(nodeName, 'web', 4);
  await create('worker-5', 'database', 2);
  await api.requestOk('POST', '/apis/policy/v1/namespaces/default/poddisruptionbudgets', {
    body: {
      metadata: { name: 'database' },
      spec: { maxUnavailable: 0, selector: { matchLabels: { app: 'database' } } },
    },
  });
}

async function rollOut({ command, writePolicies }: Scene): Promise<void> {
  for (const nodeName of NODES) {
    if (nodeName === 'worker-9') writePolicies(nodeName, { 'gpu.yaml': { kind: 'NodeCheckPolicie' } });
    else writePolicies(nodeName, policies(command, 2));
    await pause(ROLLOUT_SECONDS * 1000);
  }
}

function policies(command: readonly string[], successThreshold: number): PolicyFiles {
  const check = (takesSeconds: number, rest: object = {}) => ({
    command,
    env: [{ name: 'TAKES', value: String(takesSeconds) }],
    periodSeconds: 2,
    ...rest,
  });
  return {
    'storage-daemon.yaml': policyOf('storage-daemon', {
      check: check(0.2, { successThreshold }),
      actions: { cordon: true, taint: TAINT, drain: DRAIN },
    }),
    'container-runtime.yaml': policyOf('container-runtime', {
      check: check(0.05, { failureThreshold: 5 }),
      actions: { cordon: true },
    }),
    'clock.yaml': policyOf('clock', { mode: 'Observe', check: check(0), actions: { cordon: true } }),
    'gpu.yaml': policyOf('gpu', {
      check: check(0.6, { timeoutSeconds: 4 }),
      actions: { taint: { ...TAINT, key: 'gpuCheckFailed' } },
    }),
    'budget.yaml': budgetOf('cluster', 2),
  };
}
