import assert from 'node:assert/strict';
import { type Health, NEW_HEALTH } from '../../agent/core/health.ts';
import { CONDITIONS_ANNOTATION, type NodeCondition, type NodeView } from '../../agent/core/node.ts';
import {
  type ConditionComparison,
  type ConditionStep,
  compareConditions,
  forgetConditions,
} from '../../agent/core/node-conditions.ts';
import type { NodeCheckPolicy } from '../../agent/core/policy.ts';
import type { Roster } from '../../agent/core/roster.ts';
import { applyStep, SAMPLE_NOW, sampleNode } from '../../agent/core/samples.ts';
import type { Verdict } from '../../agent/core/verdict.ts';

/** Values for tests of conditions. */

export const TYPE = 'StorageDaemonHealthy';
export const READY: NodeCondition = { type: 'Ready', status: 'True', reason: 'KubeletReady', message: '' };
export const FAILING: Health = { ...NEW_HEALTH, failures: 4, failing: true };
export const HEALTHY: Health = { ...NEW_HEALTH, successes: 1 };

export function rosterWith(policy: NodeCheckPolicy, health: Health = NEW_HEALTH, verdict?: Verdict): Roster {
  return new Map([[policy.metadata.name, { policy, health, ...(verdict && { verdict, said: verdict }) }]]);
}

export function condition(status: string, reason: string, type = TYPE, message = ''): NodeCondition {
  return { type, status, reason, message };
}

/** A Node with these conditions beside the kubelet's, and a list of those that are ours. */
export function nodeWith(conditions: readonly NodeCondition[], owned = conditions.map(({ type }) => type)): NodeView {
  return sampleNode({
    conditions: [READY, ...conditions],
    annotations: owned.length > 0 ? { [CONDITIONS_ANNOTATION]: JSON.stringify(owned) } : {},
  });
}

/** The comparison; throws when it is unreadable. */
export function compareReadable(node: NodeView, roster: Roster): Extract<ConditionComparison, { kind: 'Compared' }> {
  const comparison = compareConditions(node, roster, SAMPLE_NOW);
  return comparison.kind === 'Compared' ? comparison : assert.fail(comparison.problem);
}

/** The node once every step was made, and the steps; throws when they do not end. */
export function settleConditions(node: NodeView, roster: Roster): { node: NodeView; steps: ConditionStep[] } {
  const steps: ConditionStep[] = [];
  for (let now = node; ; ) {
    const { step } = compareReadable(now, roster);
    if (step === null) return { node: now, steps };
    steps.push(step);
    assert.ok(steps.length <= 3, 'three steps must be enough');
    now = applyStep(now, step);
  }
}

/** The Node once its conditions that are ours are removed for good. */
export function forgottenConditions(node: NodeView): NodeView {
  const forgotten = forgetConditions(node);
  assert.ok(forgotten.readable);
  return forgotten.patch === null ? node : applyStep(node, { kind: 'Write', patch: forgotten.patch });
}

/** Every condition but the kubelet's, as `TYPE=STATUS REASON`. */
export function toldBy({ conditions }: NodeView): string[] {
  return conditions
    .filter(({ type }) => type !== 'Ready')
    .map(({ type, status, reason }) => `${type}=${status} ${reason}`);
}

/** The types that the Node says are ours; null without a list. */
export function listOf({ annotations }: NodeView): string[] | null {
  return JSON.parse(annotations[CONDITIONS_ANNOTATION] ?? 'null');
}
