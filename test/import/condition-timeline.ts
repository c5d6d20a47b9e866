import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { checkStates } from '../../agent/core/condition-states.ts';
import { countVerdict } from '../../agent/core/health.ts';
import type { NodeCondition } from '../../agent/core/node.ts';
import type { NodeCheckPolicy } from '../../agent/core/policy.ts';
import { rosterOf, withHealth } from '../../agent/core/roster.ts';
import { judge } from '../../agent/core/verdict.ts';
import type { Imported } from '../../agent/import/draft.ts';
import { renderPolicies } from '../../agent/import/render.ts';
import { fileSource, type Source } from '../../agent/import/source.ts';
import { formatPolicyErrors } from '../../agent/policy/format-error.ts';
import { loadPolicyFiles } from '../../agent/policy/load-policies.ts';
import { type Ending, outcomeOf } from './outcome-series.ts';

export type Status = NodeCondition['status'];

/** A file of these fixtures, from `test/import`. */
export function fixture(name: string): Source {
  return fileSource(name, readFileSync(fileURLToPath(new URL(name, import.meta.url)), 'utf8'));
}

/** What an agent would have in force; fails unless it would take it as it is. */
export function policiesOf(imported: Imported): readonly NodeCheckPolicy[] {
  assert.deepEqual(formatPolicyErrors(imported.errors), []);
  const text = renderPolicies(imported, 'schema/node-check-policy.v1.schema.json');
  const load = loadPolicyFiles([{ name: 'imported.yaml', bytes: new TextEncoder().encode(text) }]);
  if (!load.valid) throw new Error(formatPolicyErrors(load.errors).join('\n'));
  for (const { spec } of load.set.policies) assert.equal(spec.mode, 'Observe');
  return load.set.policies;
}

/** What the policy's condition says before the first run and after each, once somebody has set `mode: Enforce`. */
export function conditionTimeline(imported: NodeCheckPolicy, series: readonly Ending[]): Status[] {
  const type = imported.spec.nodeCondition ?? 'Checked';
  const policy: NodeCheckPolicy = { ...imported, spec: { ...imported.spec, mode: 'Enforce', nodeCondition: type } };
  const { name } = policy.metadata;
  let roster = rosterOf([policy], {}, new Map(), null);
  const ours = new Map<string, NodeCondition>();
  const look = () => {
    const state = checkStates(roster, ours).get(type);
    if (state !== undefined && state !== 'Kept') ours.set(type, { type, ...state });
    return ours.get(type)?.status ?? 'Unknown';
  };
  const timeline = [look()];
  for (const [index, ending] of series.entries()) {
    const verdict = judge(outcomeOf(ending, index), policy.spec.check);
    if (verdict.status === 'Fatal') throw new Error('an imported check must not end the agent');
    const health = roster.get(name)?.health ?? assert.fail();
    roster = withHealth(roster, name, countVerdict(health, { ...verdict, status: verdict.status }, policy.spec.check), {
      ...verdict,
      status: verdict.status,
    });
    timeline.push(look());
  }
  return timeline;
}
