import assert from 'node:assert/strict';
import type { KubeList, KubeObject } from '../harness/api-client.ts';
import type { ControlPlane } from '../harness/control-plane.ts';
import { setPodPhase } from '../harness/pods.ts';
import { finished, type NscRun, runNsc } from '../harness/run-nsc.ts';
import { createTokenOf } from '../harness/tokens.ts';
import { waitFor } from '../harness/wait-for.ts';
import { NAMESPACE } from './helm-chart.ts';
import type { Container } from './render.ts';

/** The chart's Jobs, by the step of an uninstall. */
export const HOOKS = { 'pre-delete': 'node-svc-checker-release', 'post-delete': 'node-svc-checker-forget' } as const;
export type HookJob = (typeof HOOKS)[keyof typeof HOOKS];

export interface HookOptions {
  /** Awaited while the command runs. */
  readonly meanwhile?: (run: NscRun) => Promise<unknown>;
  /** Awaited after the command has ended and before Helm hears of it. */
  readonly afterwards?: () => Promise<unknown>;
}

/**
 * What a kubelet would do with the pod of a hook's Job: runs its command, with its arguments, variables and the token of
 * its account, and says that it succeeded. If anything fails, so does the Job, for which Helm waits.
 *
 * @returns what the command printed
 */
export async function playHook(
  plane: ControlPlane,
  job: HookJob,
  options: HookOptions = {},
): Promise<{ stdout: string; stderr: string }> {
  try {
    return await runHook(plane, job, options);
  } catch (error) {
    await failHook(plane, job);
    throw error;
  }
}

/** Has the Job fail by its deadline, as it does when nobody can run its pod. */
export async function failHook(plane: ControlPlane, job: HookJob): Promise<void> {
  const path = `/apis/batch/v1/namespaces/${NAMESPACE}/jobs/${job}`;
  const body = { spec: { activeDeadlineSeconds: 1 } };
  const patched = async () => (await plane.api.request('PATCH', path, { body })).status === 200;
  await waitFor(patched, { what: `the Job ${job}` });
}

/** The pods with this label that nobody has deleted. */
export async function podsOf(plane: ControlPlane, app: string): Promise<KubeObject[]> {
  const query = `labelSelector=app.kubernetes.io/name=${app}`;
  const { items } = await plane.api.requestOk<KubeList>('GET', `/api/v1/namespaces/${NAMESPACE}/pods?${query}`);
  return (items ?? []).filter(({ metadata }) => metadata.deletionTimestamp === undefined);
}

async function runHook(plane: ControlPlane, job: HookJob, { meanwhile, afterwards }: HookOptions) {
  const find = async () => (await podsOf(plane, job))[0];
  const pod = await waitFor(find, { what: `the pod of the Job ${job}` });
  const { serviceAccountName, automountServiceAccountToken, containers } = pod.spec as unknown as HookPod;
  assert.deepEqual([serviceAccountName, automountServiceAccountToken, containers.length], [job, true, 1]);
  const token = await createTokenOf(plane.api, { namespace: NAMESPACE, serviceAccount: job, pod });
  const [container] = containers;
  assert.deepEqual(container.command, ['nsc']);
  const run = runNsc(container.args, {
    env: { KUBECONFIG: plane.writeKubeconfig(job, { token }), ...environmentOf(container) },
  });
  await meanwhile?.(run);
  const { exitCode, stdout, stderr } = await finished(run);
  assert.equal(exitCode, 0, stderr);
  await afterwards?.();
  await setPodPhase(plane.api, NAMESPACE, pod.metadata.name, 'Succeeded');
  return { stdout, stderr };
}

interface HookPod {
  readonly serviceAccountName: string;
  readonly automountServiceAccountToken: boolean;
  readonly containers: readonly [Pick<Container, 'command' | 'args' | 'env'>];
}

function environmentOf({ env }: HookPod['containers'][0]): Record<string, string> {
  return Object.fromEntries(
    env.map(({ name, valueFrom }) => {
      assert.equal(valueFrom.fieldRef.fieldPath, 'metadata.namespace');
      return [name, NAMESPACE];
    }),
  );
}
