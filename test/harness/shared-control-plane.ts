import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { grantAgents } from './agent-rights.ts';
import { findBinary } from './binaries.ts';
import {
  type ControlPlane,
  type ControlPlaneAddress,
  type ControlPlaneOptions,
  connectTo,
  startControlPlane,
} from './control-plane.ts';

/** Path of a file that says where the control plane is that the files of one run share. */
const VARIABLE = 'NSC_TEST_CONTROL_PLANE';

/** On the nodes whose kubelet kwok plays; on all others nobody runs or ends a pod but the test. */
export const WITH_KUBELET = { 'test/kubelet': 'kwok' } as const;

/**
 * Of the controllers there is only the one that keeps disruption budgets: the garbage collector would delete pods with
 * made-up owners, and some tests play the namespace controller themselves.
 */
const OPTIONS: ControlPlaneOptions = {
  auditLevel: 'Agents',
  // Suites that need one of these say so themselves.
  controllerManager: findBinary('kube-controller-manager') !== undefined && 'disruption-controller',
  kwok: findBinary('kwok') !== undefined && { label: Object.entries(WITH_KUBELET).flat().join('=') },
};

/**
 * Starts the control plane that the test files of one run share, with the shipped rights of agents, and names it in the
 * environment of this process for those that it starts.
 * @returns how to end it
 */
export async function startSharedControlPlane(): Promise<() => Promise<void>> {
  const plane = await startPrepared();
  const { url, ca, auditLog } = plane;
  const path = join(plane.dir, 'address.json');
  writeFileSync(path, JSON.stringify({ url, ca, auditLog } satisfies ControlPlaneAddress));
  process.env[VARIABLE] = path;
  return async () => {
    delete process.env[VARIABLE];
    await plane.stop();
  };
}

/**
 * The control plane that this run shares, or, where a file runs alone, one like it. Others use it at the same time: a
 * test names its Nodes, namespaces and budgets as no other does, and leaves everybody else's alone.
 */
export async function joinControlPlane(): Promise<ControlPlane> {
  const path = process.env[VARIABLE];
  if (path === undefined) return startPrepared();
  const dir = mkdtempSync(join(tmpdir(), 'nsc-joined-'));
  const client = connectTo(JSON.parse(readFileSync(path, 'utf8')), dir);
  return {
    ...client,
    async stop() {
      client.api.close();
      rmSync(dir, { recursive: true });
    },
  };
}

async function startPrepared(): Promise<ControlPlane> {
  const plane = await startControlPlane(OPTIONS);
  try {
    await grantAgents(plane);
    return plane;
  } catch (error) {
    await plane.stop();
    throw error;
  }
}
