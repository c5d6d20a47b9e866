import { Readable } from 'node:stream';
import { finished } from 'node:stream/promises';
import { BoundedOutput } from '../../agent/check/bounded-output.ts';
import { formatStatus } from '../../agent/commands/status-text.ts';
import { ledgerOf } from '../../agent/core/ledger.ts';
import type { ConditionChange } from '../../agent/core/node.ts';
import type { NodeEvent } from '../../agent/core/node-event.ts';
import { applyStep, SAMPLE_NOW, sampleNode, samplePolicy } from '../../agent/core/samples.ts';
import { type ClusterStatus, clusterStatus } from '../../agent/core/status.ts';
import type { RunOutcome } from '../../agent/core/verdict.ts';
import { createLog } from '../../agent/telemetry/log.ts';
import { createMetrics } from '../../agent/telemetry/metrics.ts';
import { createTelling } from '../../agent/telemetry/telling.ts';
import { clockedAgent } from '../harness/step-samples.ts';

/** Everything that people and machines are shown of a check which failed once and then recovered, saying this each time. */
export type Shown = {
  readonly events: readonly NodeEvent[];
  readonly conditions: readonly ConditionChange[];
  /** As they are written, each with its end. */
  readonly text: readonly string[];
  readonly json: readonly string[];
  /** While it failed. */
  readonly metrics: string;
  readonly ledger: ReturnType<typeof ledgerOf>;
  readonly status: ClusterStatus;
  readonly narrow: readonly string[];
  readonly wide: readonly string[];
};

const POLICY = samplePolicy('a', {
  check: { failureThreshold: 1, onStderr: 'Ignore', exitCodes: { unknown: [], reasons: { '2': 'DiskFull' } } },
  spec: { nodeCondition: 'AHealthy' },
});
/** So that lines name the policy. */
const OTHER = samplePolicy('b');

/** @param words which line of the output is the words */
export async function shownOf(
  stdout: Buffer,
  stderr: Buffer,
  words: 'FirstLine' | 'LastLine' = 'FirstLine',
): Promise<Shown> {
  const events: NodeEvent[] = [];
  const text: string[] = [];
  const json: string[] = [];
  const logs = [logTo('text', text), logTo('json', json)];
  const metrics = createMetrics({ version: 'test', runtime: 'test' }, () => Date.parse(SAMPLE_NOW));
  const tell = createTelling({
    nodeName: 'node-1',
    log: (entry) => logs.forEach((log) => void log(entry)),
    recorder: { record: (event) => void events.push(event), wake() {} },
    counted: metrics.counted,
  });
  const policy = { ...POLICY, spec: { ...POLICY.spec, check: { ...POLICY.spec.check, words } } };
  const agent = clockedAgent([policy, OTHER], [], (step) => {
    tell(step);
    metrics.show(step);
  });
  const conditions: ConditionChange[] = [];
  const landAll = () => {
    if (agent.orders.effects) agent.land();
    for (let { conditions: order } = agent.orders; order; { conditions: order } = agent.orders) {
      if (order.step.kind === 'Write') conditions.push(...order.step.patch.set);
      agent.see(applyStep(agent.node, order.step));
    }
  };
  agent.see(sampleNode());
  landAll();
  events.length = text.length = json.length = conditions.length = 0;

  const output = { ...(await readAs('stdout', stdout)), ...(await readAs('stderr', stderr)), durationMs: 1 };
  agent.run('a', { ...output, ended: { kind: 'Exited', code: 2 } } as RunOutcome);
  landAll();
  const { node } = agent;
  const exposition = await metrics.registry.metrics();
  agent.run('a', { ...output, ended: { kind: 'Exited', code: 0 } } as RunOutcome);
  landAll();

  const status = clusterStatus([node], []);
  const options = { all: true, namespace: 'agents', nowMs: Date.parse(SAMPLE_NOW) };
  const narrow = formatStatus(status, { ...options, wide: false });
  const wide = formatStatus(status, { ...options, wide: true });
  return { events, conditions, text, json, metrics: exposition, ledger: ledgerOf(node), status, narrow, wide };
}

function logTo(format: 'text' | 'json', written: string[]) {
  return createLog({ format, debug: true, write: (line) => written.push(line), now: () => new Date(SAMPLE_NOW) });
}

/** As the agent reads what a process writes. */
async function readAs(stream: 'stdout' | 'stderr', bytes: Buffer) {
  // Of its own memory, since whoever reads it gives that back at once.
  const source = Readable.from(bytes.length === 0 ? [] : [Uint8Array.from(bytes)], { objectMode: false });
  const output = new BoundedOutput(source);
  await finished(source);
  return { [stream]: output.text(), [`${stream}Bytes`]: output.bytes };
}
