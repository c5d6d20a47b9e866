import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { delimiter, dirname, join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { requireBinary, skipWithoutControlPlane } from '../harness/binaries.ts';
import { codeBlocks } from '../harness/code-blocks.ts';
import { type ControlPlane, startControlPlane } from '../harness/control-plane.ts';
import { createHeldNode } from '../harness/create-held-node.ts';
import { isCordoned, type NodeObject, taintsOf } from '../harness/held-node.ts';
import { readNode } from '../harness/nodes.ts';
import { playSession } from '../harness/shell-session.ts';
import { createSlot } from '../harness/slots.ts';
import { KUSTOMIZE, render } from './render.ts';

const NAMESPACE = 'node-svc-checker';

describe('uninstalling by hand', { skip: skipWithoutControlPlane('kube-controller-manager') }, () => {
  let plane: ControlPlane;
  before(async () => {
    const controllers = ['namespace', 'garbage-collector', 'serviceaccount'];
    plane = await startControlPlane({ controllerManager: controllers.map((name) => `${name}-controller`).join() });
  });
  after(() => plane?.stop());

  test('as the README says it leaves nothing', async () => {
    await plane.kubectl(['apply', '--server-side', '-k', join(KUSTOMIZE, 'base')]);
    const held = await createHeldNode(plane.api, 'held');
    await createSlot(plane.api, NAMESPACE, 'cluster', held);

    const [commands = ''] = codeBlocks(readFileSync(join(KUSTOMIZE, 'README.md'), 'utf8'), 'sh');
    const session = commands
      .replace('overlays/tokyo', 'base')
      .replaceAll(/ +#.*$/gm, '')
      .trim()
      .split('\n');
    assert.equal(session.length, 2);
    const [remove, forget] = session;
    const printed = `$ ${remove}\n…\n$ ${forget}\nheld: uncordoned, …, 2 annotations removed\n`;
    const path = [dirname(requireBinary('kubectl')), process.env.PATH].join(delimiter);
    await playSession(printed, { cwd: KUSTOMIZE, env: { PATH: path, KUBECONFIG: plane.kubeconfigPath } });

    const node = (await readNode(plane.api, 'held')) as unknown as NodeObject;
    assert.deepEqual([isCordoned(node), taintsOf(node), node.metadata.annotations], [false, [], undefined]);
    for (const { object } of await render(join(KUSTOMIZE, 'base'))) {
      const { kind, metadata } = object;
      const get = ['get', kind, metadata.name, ...(metadata.namespace ? ['-n', metadata.namespace] : [])];
      await assert.rejects(plane.kubectl(get), /NotFound/, metadata.name);
    }
  });
});
