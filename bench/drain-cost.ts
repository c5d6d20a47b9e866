import { setTimeout as pause } from 'node:timers/promises';
import { startAgent } from '../test/harness/agent-process.ts';
import type { AuditEntry } from '../test/harness/audit.ts';
import type { ControlPlane } from '../test/harness/control-plane.ts';
import { createNode } from '../test/harness/nodes.ts';
import { createPod } from '../test/harness/pods.ts';
import { createSickCheck } from '../test/harness/sick-check.ts';
import { cpuSeconds } from './figures.ts';

const DEADLINE_MS = 300_000;
/** A drain takes a second, so what waits ever longer between two looks would say little. */
const LOOK_EVERY_MS = 2;
const OWNER = { apiVersion: 'apps/v1', kind: 'ReplicaSet', name: 'web', uid: 'a-replica-set', controller: true };

/** What one drain took, of whoever drained. */
export interface DrainCost {
  /** Until the last pod was gone. */
  readonly wallMs: number;
  readonly requests: number;
  readonly cpuSeconds: number;
  /** The most evictions that were under way at once. */
  readonly peakInFlight: number;
}

/** A Node that is full of running pods. */
export interface LoadedNode {
  readonly name: string;
  /** When the last of its pods was gone, on performance.now(). */
  goneAt(): Promise<number>;
}

/** A Node with so many running pods of a ReplicaSet; `goneAt` says when the last of them was, on performance.now(). */
export async function createLoadedNode(plane: ControlPlane, name: string, pods: number): Promise<LoadedNode> {
  await createNode(plane.api, name);
  const names = Array.from({ length: pods }, (_, i) => `${name}-${i}`);
  for (let i = 0; i < pods; i += 20) {
    const some = names.slice(i, i + 20);
    await Promise.all(some.map((pod) => createPod(plane.api, { name: pod, nodeName: name, ownerReferences: [OWNER] })));
  }
  const query = `fieldSelector=${encodeURIComponent(`spec.nodeName=${name}`)}`;
  const { metadata } = await plane.api.requestOk('GET', `/api/v1/pods?${query}`);
  const watch = await plane.api.watch(`/api/v1/pods?${query}&resourceVersion=${metadata.resourceVersion}`);
  const gone = () => watch.events.filter(({ type }) => type === 'DELETED').length;
  return {
    name,
    async goneAt() {
      const untilMs = performance.now() + DEADLINE_MS;
      while (gone() < pods && performance.now() < untilMs) await pause(LOOK_EVERY_MS);
      if (gone() < pods) throw new Error(`${gone()} of the ${pods} pods of ${name} were gone after ${DEADLINE_MS} ms`);
      const at = performance.now();
      watch.close();
      return at;
    },
  };
}

/** One drain by an agent, of that bundle or of dist/. It runs already, as it would; the drain begins with the check that fails. */
export async function agentDrain(
  plane: ControlPlane,
  { name, goneAt }: LoadedNode,
  bundle?: string,
): Promise<DrainCost> {
  const check = createSickCheck({ check: { failureThreshold: 1 }, actions: { drain: {} } });
  let noticedAt = 0;
  const agent = startAgent({
    nodeName: name,
    policyDir: check.policyDir,
    kubeconfig: plane.kubeconfigPath,
    bundle,
    onLine: (line) => {
      if (noticedAt === 0 && line.includes('Noticed 1 times')) noticedAt = performance.now();
    },
  });
  try {
    await agent.waitForLine(/OK/);
    const mark = plane.audit.mark();
    const before = cpuSeconds(agent.pid);
    check.breakIt();
    const at = await goneAt();
    await agent.waitForLine(/is drained/);
    const cpu = cpuSeconds(agent.pid) - before;
    return { wallMs: at - noticedAt, cpuSeconds: cpu, ...audited(plane, mark, 'node-svc-checker') };
  } finally {
    agent.kill('SIGKILL');
    await agent.exit;
    check.remove();
  }
}

/** The requests since then of who says it is this. */
export function audited(
  plane: ControlPlane,
  mark: number,
  userAgent: string,
): Pick<DrainCost, 'requests' | 'peakInFlight'> {
  const entries = plane.audit.since(mark).filter((entry) => entry.userAgent?.startsWith(userAgent));
  const evictions = entries.filter(({ objectRef }) => objectRef?.subresource === 'eviction');
  return { requests: entries.length, peakInFlight: peakInFlight(evictions) };
}

/** The most requests that had been received and not been answered at any one moment. */
function peakInFlight(entries: readonly (AuditEntry & { readonly stageTimestamp?: string })[]): number {
  const moments = entries.flatMap(({ requestReceivedTimestamp, stageTimestamp = '' }) => [
    { at: requestReceivedTimestamp, change: 1 },
    { at: stageTimestamp, change: -1 },
  ]);
  // RFC 3339 with microseconds throughout, so the order of the text is the order of time.
  moments.sort((a, b) => (a.at < b.at ? -1 : a.at > b.at ? 1 : a.change - b.change));
  let now = 0;
  let peak = 0;
  for (const { change } of moments) {
    now += change;
    peak = Math.max(peak, now);
  }
  return peak;
}
