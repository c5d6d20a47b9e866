import assert from 'node:assert/strict';
import type { AgentEvent } from '../../agent/core/agent-event.ts';
import type { Claim } from '../../agent/core/claim.ts';
import { drainsOf, ledgerOf } from '../../agent/core/ledger.ts';
import type { NodeView } from '../../agent/core/node.ts';
import type { NodeCheckPolicy, NodeDisruptionBudget, PolicySet } from '../../agent/core/policy.ts';
import { applyPatch, SAMPLE_NOW } from '../../agent/core/samples.ts';
import { type AgentState, type Now, newState, nodeOf } from '../../agent/core/state.ts';
import { type Step, step } from '../../agent/core/step.ts';
import type { Transition } from '../../agent/core/transition.ts';
import type { RunOutcome } from '../../agent/core/verdict.ts';

/** One agent's step, driven by hand: what it is sent, what it wants, what it tells. */

export const OWN_CLAIM: Claim = {
  id: 'own',
  pod: { namespace: 'agents', name: 'own' },
  boot: 'own',
  pid: 1,
  since: SAMPLE_NOW,
  hasStandby: false,
};

/** A run that exited so, and wrote this. */
export const exited = (code: number, stdout = ''): RunOutcome => ({
  ended: { kind: 'Exited', code },
  stdout,
  stderr: '',
  stdoutBytes: Buffer.byteLength(stdout),
  stderrBytes: 0,
  durationMs: 1,
});
export const HEALTHY = exited(0);
export const FAILED = exited(1);
export const UNKNOWN: RunOutcome = { ...HEALTHY, ended: { kind: 'NotStarted', reason: '/opt/x.sh: not found' } };

export function policySet(
  policies: readonly NodeCheckPolicy[],
  budgets: readonly NodeDisruptionBudget[] = [],
): PolicySet {
  return { revision: '0123456789ab', policies, budgets };
}

/** An agent that has read these policies, and nothing else; null: nothing at all. */
export function clockedAgent(
  policies: readonly NodeCheckPolicy[] | null,
  budgets: readonly NodeDisruptionBudget[] = [],
  onStep: (step: Step) => void = () => {},
) {
  let now: Now = { ms: 1_000, wallMs: Date.parse(SAMPLE_NOW) };
  let state: AgentState = newState('node-1', OWN_CLAIM, now);
  let last: Step;

  /** @returns what is told, but for what is told of every run */
  function send(event: AgentEvent): readonly Transition[] {
    last = step(state, event, now);
    state = last.state;
    onStep(last);
    return last.told.filter(({ kind }) => kind !== 'CheckEnded');
  }
  if (policies !== null) {
    send({ kind: 'PoliciesRead', load: { valid: true, set: policySet(policies, budgets) }, errors: [] });
  }

  const policyOf = (name: string) => state.roster.get(name)?.policy ?? assert.fail(`no policy ${name}`);
  const begin = (name: string) => send({ kind: 'RunStarted', policy: policyOf(name) });
  const end = (name: string, outcome: RunOutcome) => send({ kind: 'RunEnded', policy: policyOf(name), outcome });
  const node = (): NodeView => nodeOf(state) ?? assert.fail('there is no Node');
  return {
    get state() {
      return state;
    },
    get orders() {
      return last.orders;
    },
    get last() {
      return last;
    },
    get now() {
      return now;
    },
    /** As the agent knows it. */
    get node() {
      return node();
    },
    send,
    see: (seen: NodeView) => send({ kind: 'NodeSeen', node: seen }),
    /** A run of that policy begins. */
    begin,
    /** It ends. */
    end,
    run(name: string, outcome: RunOutcome) {
      begin(name);
      return end(name, outcome);
    },
    /** Time passes. */
    pass(ms: number) {
      now = { ms: now.ms + ms, wallMs: now.wallMs + ms };
      return send({ kind: 'Tick' });
    },
    /** The write that is ordered reaches the Node, and the agent hears of it. */
    land() {
      const { patch } = last.orders.effects ?? assert.fail('nothing is ordered to be written');
      return send({ kind: 'NodeSeen', node: applyPatch(node(), patch) });
    },
    /** What it reports of itself reaches the Node. */
    landReport() {
      const { annotations } = last.orders.report ?? assert.fail('nothing is to be reported');
      const change = { metadata: { annotations } };
      const patch = { resourceVersion: node().resourceVersion, change };
      return send({ kind: 'NodeSeen', node: applyPatch(node(), patch) });
    },
    endDrain(policy: string, how: 'Drained' | 'GaveUp', problems: readonly string[] = []) {
      const drain = drainsOf(ledgerOf(node())).find((each) => each.policy === policy) ?? assert.fail('no drain');
      return send({ kind: 'DrainEnded', end: { policy, since: drain.since, state: how, problems } });
    },
  };
}
