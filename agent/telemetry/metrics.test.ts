import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { readSamples, samplesOf } from '../../test/harness/metrics-text.ts';
import { clockedAgent, FAILED, HEALTHY } from '../../test/harness/step-samples.ts';
import type { AgentEvent } from '../core/agent-event.ts';
import { SAMPLE_TAINT, sampleBudget, sampleNode, samplePolicy } from '../core/samples.ts';
import { createLog } from './log.ts';
import { createMetrics } from './metrics.ts';
import { createTelling } from './telling.ts';

const POLICY = samplePolicy('a', { check: { failureThreshold: 1 }, actions: { cordon: true, taint: SAMPLE_TAINT } });

/** The metrics of an agent, after every step that it takes. */
function observed(names = ['cluster', 'other'], budgets = names.map((name) => sampleBudget(name))) {
  const metrics = createMetrics({ version: '1.2.3', runtime: 'node 24' }, () => 1_000_000);
  const log = createLog({ format: 'json', debug: false, write: () => {}, now: () => new Date(0) });
  const tell = createTelling({
    nodeName: 'node-1',
    log,
    recorder: { record() {}, wake() {} },
    counted: metrics.counted,
  });
  const agent = clockedAgent([POLICY], budgets, (step) => {
    tell(step);
    metrics.show(step);
  });
  const read = async (name: string) => samplesOf(readSamples(await metrics.registry.metrics()), name);
  return { agent, read };
}

function answer(denying: string | null, held: readonly string[] = []): AgentEvent {
  const denial = denying === null ? null : { budget: denying, answer: { kind: 'Full', used: 1, limit: 1 } as const };
  return { kind: 'SlotsAnswered', answer: { nodeUid: 'uid-1', held, granted: held, denial } };
}

suite('after every step', () => {
  test('a denial is counted when it begins, not while it lasts', async () => {
    const { agent, read } = observed();
    assert.deepEqual(await read('nsc_budget_denials_total'), { 'budget="cluster"': 0, 'budget="other"': 0 });
    agent.see(sampleNode());
    agent.run('a', FAILED);
    for (const denying of ['cluster', 'cluster', 'other', null, 'other', 'other']) agent.send(answer(denying));
    assert.deepEqual(await read('nsc_budget_denials_total'), { 'budget="cluster"': 1, 'budget="other"': 2 });
    assert.deepEqual(await read('nsc_budget_denied'), { 'budget="other"': 1 });
    assert.deepEqual(await read('nsc_policy_withheld'), { 'policy="a",reason="BudgetDenied"': 1 });
    agent.send(answer(null, ['cluster', 'other']));
    assert.deepEqual(await read('nsc_budget_denied'), {});
    assert.deepEqual(await read('nsc_budget_slots_held'), { 'budget="cluster"': 1, 'budget="other"': 1 });
    assert.deepEqual(await read('nsc_policy_withheld'), {});
  });

  test('a budget of nothing is shown to deny, though it was never asked', async () => {
    const { agent, read } = observed([], [sampleBudget('stop', { maxUnavailable: 0 })]);
    agent.see(sampleNode());
    assert.deepEqual(await read('nsc_budget_denied'), {});
    agent.run('a', FAILED);
    assert.deepEqual(await read('nsc_budget_denied'), { 'budget="stop"': 1 });
    assert.deepEqual(await read('nsc_budget_denials_total'), { 'budget="stop"': 1 });
    agent.run('a', HEALTHY);
    assert.deepEqual(await read('nsc_budget_denied'), {});
  });

  test('no series of a budget outlives it', async () => {
    const { agent, read } = observed();
    agent.see(sampleNode());
    agent.run('a', FAILED);
    agent.send(answer('other'));
    agent.send({
      kind: 'PoliciesRead',
      load: { valid: true, set: { revision: 'ba9876543210', policies: [POLICY], budgets: [sampleBudget('cluster')] } },
      errors: [],
    });
    assert.deepEqual(await read('nsc_budget_denials_total'), { 'budget="cluster"': 0 });
    assert.deepEqual(await read('nsc_budget_denied'), {});
    assert.deepEqual(await read('nsc_policy_info'), { 'revision="ba9876543210"': 1 });
  });

  test('what was done to the node is counted once it has landed, and what was tried when it failed', async () => {
    const { agent, read } = observed([]);
    const done = async () => {
      const counts = await read('nsc_node_actions_total');
      return Object.keys(counts).filter((labels) => counts[labels] === 1);
    };
    agent.see(sampleNode());
    agent.run('a', FAILED);
    assert.deepEqual(await done(), []);
    agent.send({ kind: 'Failed', message: 'no answer', loop: 'effects' });
    const tried = ['action="Cordoned",result="Error"', 'action="Tainted",result="Error"'];
    assert.deepEqual(await done(), tried);
    agent.land();
    assert.deepEqual(
      (await done()).sort(),
      [...tried, 'action="Cordoned",result="Success"', 'action="Tainted",result="Success"'].sort(),
    );
    assert.deepEqual(await read('nsc_node_effect'), { 'effect="cordon"': 1, 'effect="taint"': 1, 'effect="drain"': 0 });
    assert.deepEqual(await read('nsc_policy_failing'), { 'policy="a"': 1 });
  });

  test('runs are counted by verdict, and defects whether or not they are news', async () => {
    const { agent, read } = observed([]);
    for (const outcome of [FAILED, HEALTHY, HEALTHY]) agent.run('a', outcome);
    agent.send({ kind: 'RunSkipped', policy: POLICY, isHung: false });
    for (let n = 0; n < 3; n++) agent.send({ kind: 'BugMet', text: 'TypeError: x', stack: '' });
    assert.deepEqual(await read('nsc_check_results_total'), {
      'policy="a",verdict="Healthy"': 2,
      'policy="a",verdict="Failed"': 1,
      'policy="a",verdict="Unknown"': 0,
    });
    assert.deepEqual(await read('nsc_check_skipped_total'), { 'policy="a"': 1 });
    assert.deepEqual(await read('nsc_internal_errors_total'), { '': 3 });
  });
});
