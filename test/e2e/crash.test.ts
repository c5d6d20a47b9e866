import assert from 'node:assert/strict';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { type AgentCluster, joinAgentCluster } from '../harness/agent-cluster.ts';
import { type AgentProcess, startAgent } from '../harness/agent-process.ts';
import { skipWithoutControlPlane } from '../harness/binaries.ts';
import { type PassingRequest, startFaultProxy } from '../harness/fault-proxy.ts';
import { DRAIN_STATE, LEDGER, taintsOf } from '../harness/held-node.ts';
import { writeKubeconfig } from '../harness/kubeconfig.ts';
import { createNode } from '../harness/nodes.ts';
import { createSickCheck } from '../harness/sick-check.ts';
import { skipUnlessSoaking } from '../harness/soaking.ts';
import { waitFor } from '../harness/wait-for.ts';

const TAINT = { key: 'nodeServiceCheckFailed', value: 'true', effect: 'NoSchedule' } as const;
const BY_HAND = { key: 'by-hand', value: 'x', effect: 'NoSchedule' } as const;

/** Every write of a whole episode: the report, the cordon, the undo, and the Events of all that happens. */
const WRITES: readonly (readonly [what: string, method: string, nth: number])[] = [
  ['the report', 'PATCH', 1],
  ['the cordon', 'PATCH', 2],
  ['the undo', 'PATCH', 3],
  ...[1, 2, 3, 4, 5, 6].map((nth) => [`Event ${nth}`, 'POST', nth] as const),
];
/** One of a healthy node and one of an episode: which Event it is makes no difference to an agent that starts anew. */
const EVENTS = ['Event 1', 'Event 4'];

/** The writes of an episode happen at these boundaries of a real API server, and the agent dies at each of them once. */
describe('an agent killed at a write', { skip: skipWithoutControlPlane(), concurrency: 3 }, () => {
  let cluster: AgentCluster;
  before(async () => {
    cluster = await joinAgentCluster();
  });
  after(() => cluster?.stop());

  for (const [what, method, nth] of WRITES) {
    const skip = method === 'POST' && !EVENTS.includes(what) && skipUnlessSoaking('deaths at all other Events');
    for (const moment of ['before', 'after'] as const) {
      test(`${moment} ${what} has happened reaches the same end when restarted`, { skip }, async () => {
        await episodeWithDeath(`${moment}-${what.replaceAll(' ', '-').toLowerCase()}`, method, nth, moment);
      });
    }
  }

  async function episodeWithDeath(name: string, method: string, nth: number, moment: 'before' | 'after') {
    const { plane, node } = cluster;
    await createNode(plane.api, name, { taints: [BY_HAND] });
    const { token } = await cluster.seat(name);
    const check = createSickCheck({ check: { failureThreshold: 2 }, actions: { cordon: true, taint: TAINT } });
    let agent: AgentProcess | undefined;
    let writes = 0;
    let deaths = 0;
    const isTheWrite = (request: PassingRequest) => request.method === method && ++writes === nth;
    const die = () => {
      deaths += 1;
      agent?.kill('SIGKILL');
      return false;
    };
    const proxy = await startFaultProxy({
      target: plane.url,
      ca: plane.ca,
      onRequest: (request) => !(moment === 'before' && isTheWrite(request)) || die(),
      onResponse: (request) => !(moment === 'after' && isTheWrite(request)) || die(),
    });
    const kubeconfig = writeKubeconfig(join(plane.dir, name), { server: proxy.url, token, insecure: true });
    const lines: string[] = [];
    const start = () => {
      agent = startAgent({
        nodeName: name,
        policyDir: check.policyDir,
        kubeconfig,
        onLine: (line) => lines.push(line),
      });
      void agent.exit.then(({ signal }) => {
        if (signal === 'SIGKILL' && !over) start();
      });
    };
    let over = false;
    try {
      start();
      await waitFor(() => lines.some((line) => line.includes('OK')), { what: 'a healthy run' });
      check.breakIt();
      await cluster.cordoned(name);
      const sick = await node(name);
      assert.deepEqual(taintsOf(sick), [BY_HAND, TAINT]);
      // A restart while the node is held must neither release it nor act on it again.
      const seen = lines.length;
      const failedAgain = () => lines.slice(seen).some((line) => line.includes('Noticed'));
      await waitFor(failedAgain, { what: 'another failure' });
      assert.equal((await node(name)).metadata.annotations?.[LEDGER], sick.metadata.annotations?.[LEDGER]);
      check.heal();
      await cluster.released(name);
      await waitFor(() => deaths === 1, { what: 'the death' });
      const healed = await node(name);
      assert.deepEqual(taintsOf(healed), [BY_HAND]);
      assert.equal(healed.metadata.annotations?.[DRAIN_STATE], 'drainNotActive');
    } finally {
      over = true;
      agent?.kill('SIGKILL');
      await agent?.exit;
      await proxy.close();
      check.remove();
    }
  }
});
