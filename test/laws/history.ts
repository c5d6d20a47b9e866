import fc from 'fast-check';
import type { NodeCheckPolicy, NodeDisruptionBudget, PolicySet, Taint } from '../../agent/core/policy.ts';
import { SAMPLE_DRAIN, samplePolicy } from '../../agent/core/samples.ts';
import type { FaultRule } from '../../simulator/faults.ts';
import type { Outcome } from './world.ts';

/** A policy as a history varies it. */
export type PolicyKnobs = {
  readonly name: string;
  readonly failureThreshold: number;
  readonly successThreshold: number;
  readonly periodSeconds: number;
  readonly onTimeout: 'Unknown' | 'Failed';
  /** Another one is another check. */
  readonly command: string;
  readonly mode: 'Enforce' | 'Observe';
  readonly paused: boolean;
  readonly onlyStorage: boolean;
  /** It has a condition of its own. */
  readonly condition: boolean;
  readonly cordon: boolean;
  readonly taint: Taint | null;
  readonly drain: null | {
    readonly timeoutSeconds: number;
    readonly podSelector: 'all' | 'web';
    readonly spare: boolean;
  };
};

export type BudgetKnobs = {
  readonly name: string;
  readonly maxUnavailable: number | string;
  readonly onlyStorage: boolean;
  readonly topologyKey: boolean;
};

export type Directory = { readonly policies: readonly PolicyKnobs[]; readonly budgets: readonly BudgetKnobs[] };

/** One thing that happens. */
export type Step =
  | { readonly do: 'script'; readonly policy: string; readonly first: readonly Outcome[]; readonly always: Outcome }
  /** One or more fields of a policy change. */
  | { readonly do: 'reload'; readonly policy: string; readonly change: Partial<PolicyKnobs> }
  | { readonly do: 'addPolicy'; readonly policy: PolicyKnobs }
  | { readonly do: 'removePolicy' | 'renamePolicy'; readonly policy: string }
  | { readonly do: 'budgets'; readonly budgets: readonly BudgetKnobs[] }
  | { readonly do: 'invalidDirectory' | 'sameDirectory' }
  | {
      readonly do:
        | 'cordon'
        | 'uncordon'
        | 'taintForeign'
        | 'untaintForeign'
        | 'taintOurs'
        | 'untaintOurs'
        | 'deleteLedger'
        | 'garbleLedger'
        | 'repairLedger'
        | 'deleteClaim'
        /** A person writes one that names nobody. */
        | 'forgeClaim'
        | 'deleteLeases'
        | 'relabel'
        /** As `nsc release`. */
        | 'release';
    }
  | { readonly do: 'kubelet'; readonly ready: boolean }
  | { readonly do: 'kill' | 'terminate' | 'start' | 'restart' }
  | { readonly do: 'startSecond'; readonly others: boolean }
  | { readonly do: 'endSecond'; readonly how: 'kill' | 'terminate' }
  | { readonly do: 'deleteNode' }
  | { readonly do: 'recreateNode'; readonly sameUid: boolean }
  | { readonly do: 'fault'; readonly rule: FaultRule; readonly lastsMs: number }
  | { readonly do: 'cutWatches' | 'expireWatches' | 'replayWatches' }
  | { readonly do: 'pod'; readonly app: 'web' | 'db'; readonly namespace: 'default' | 'spared' }
  | { readonly do: 'guardPods'; readonly maxUnavailable: number }
  | { readonly do: 'otherCordoned'; readonly isCordoned: boolean };

export type History = {
  /** Of the world: latencies, the order of what happens at once, jitter. */
  readonly seed: number;
  readonly directory: Directory;
  /** Each after a pause, in milliseconds. */
  readonly steps: readonly (Step & { readonly afterMs: number })[];
  readonly end: 'recovers' | 'fails, then recovers';
  /** Where there are two agents in the end, both stay. */
  readonly keepsSecond: boolean;
};

export const FOREIGN_TAINT = { key: 'person', value: 'x', effect: 'NoSchedule', timeAdded: '2025-01-01T00:00:00Z' };
export const OUR_TAINTS: readonly Taint[] = [
  { key: 'sick', value: 'a', effect: 'NoSchedule' },
  { key: 'sick', value: 'b', effect: 'NoSchedule' },
  { key: 'ill', value: '', effect: 'PreferNoSchedule' },
  { key: 'gone', value: 'x', effect: 'NoExecute' },
];

/** As a history begins where a test says nothing else. */
export const KNOBS: PolicyKnobs = {
  name: 'a',
  failureThreshold: 2,
  successThreshold: 1,
  periodSeconds: 1,
  onTimeout: 'Unknown',
  command: '1',
  mode: 'Enforce',
  paused: false,
  onlyStorage: false,
  condition: false,
  cordon: true,
  taint: null,
  drain: null,
};

const NAMES = ['a', 'b', 'c'] as const;
/** By exit code: one of the three with which checks fail has none. */
const REASONS = { '2': 'SaysTwo', '3': 'SaysThree' };
const STORAGE = { matchLabels: { role: 'storage' } };

export function policyOf(knobs: PolicyKnobs): NodeCheckPolicy {
  const { name, condition, cordon, taint, drain, mode, paused, onlyStorage } = knobs;
  const { failureThreshold, successThreshold, periodSeconds, onTimeout, command } = knobs;
  const exitCodes = { unknown: [], reasons: REASONS };
  const check = { failureThreshold, successThreshold, periodSeconds, onTimeout, timeoutSeconds: 1, exitCodes };
  const actions = {
    cordon,
    ...(taint && { taint }),
    ...(drain && {
      drain: {
        ...SAMPLE_DRAIN,
        timeoutSeconds: drain.timeoutSeconds,
        evictUnmanagedPods: true,
        podSelector: drain.podSelector === 'all' ? {} : { matchLabels: { app: drain.podSelector } },
        namespaces: { exclude: drain.spare ? ['spared'] : [] },
      },
    }),
  };
  const spec = {
    mode,
    paused,
    ...(onlyStorage && { nodeSelector: STORAGE }),
    ...(condition && { nodeCondition: conditionOf(name) }),
  };
  return samplePolicy(name, { check: { ...check, command: [`/check/${name}`, command] }, actions, spec });
}

/** The type of the condition that the policy of this name may have. */
export function conditionOf(policy: string): string {
  return `${policy.toUpperCase()}Healthy`;
}

function budgetOf({ name, maxUnavailable, onlyStorage, topologyKey }: BudgetKnobs): NodeDisruptionBudget {
  return {
    apiVersion: 'node-svc-checker/v1',
    kind: 'NodeDisruptionBudget',
    metadata: { name },
    spec: {
      maxUnavailable,
      ...(onlyStorage && { nodeSelector: STORAGE }),
      ...(topologyKey && { topologyKey: 'zone' }),
    },
  };
}

export function setOf({ policies, budgets }: Directory, revision: string): PolicySet {
  return { revision, policies: policies.map(policyOf), budgets: budgets.map(budgetOf) };
}

const anyOutcome = fc.constantFrom<Outcome>('healthy', 'failed', 'failed', 'failed', 'unknown', 'timeout');
const anyName = fc.constantFrom(...NAMES);
const anyDrain = fc.record({
  timeoutSeconds: fc.constantFrom(5, 60),
  podSelector: fc.constantFrom('all' as const, 'web' as const),
  spare: fc.boolean(),
});
const FIELDS = {
  failureThreshold: fc.integer({ min: 1, max: 4 }),
  successThreshold: fc.integer({ min: 1, max: 2 }),
  periodSeconds: fc.constantFrom(1, 2),
  onTimeout: fc.constantFrom('Unknown' as const, 'Failed' as const),
  command: fc.constantFrom('1', '1', '2'),
  mode: fc.constantFrom('Enforce' as const, 'Enforce' as const, 'Enforce' as const, 'Observe' as const),
  paused: fc.constantFrom(false, false, false, true),
  onlyStorage: fc.constantFrom(false, false, false, true),
  condition: fc.boolean(),
  cordon: fc.constantFrom(true, true, false),
  taint: fc.constantFrom(null, ...OUR_TAINTS),
  drain: fc.option(anyDrain, { freq: 2 }),
};
const anyKnobs = fc.record<PolicyKnobs>({ name: fc.constant('a'), ...FIELDS });
const anyChange: fc.Arbitrary<Partial<PolicyKnobs>> = fc.oneof(
  ...(Object.keys(FIELDS) as (keyof typeof FIELDS)[]).map((field) =>
    (FIELDS[field] as fc.Arbitrary<unknown>).map((value) => ({ [field]: value }) as Partial<PolicyKnobs>),
  ),
);
const anyBudgets = fc
  .array(
    fc.record<BudgetKnobs>({
      name: fc.constantFrom('x', 'y'),
      maxUnavailable: fc.constantFrom<number | string>(0, 1, 1, 2, '10%', '50%'),
      onlyStorage: fc.constantFrom(false, false, true),
      topologyKey: fc.constantFrom(false, false, true),
    }),
    { maxLength: 2 },
  )
  .map((budgets) => budgets.filter(({ name }, i) => budgets.findIndex((other) => other.name === name) === i));

const anyFault: fc.Arbitrary<FaultRule> = fc.record(
  {
    fault: fc.oneof(
      fc.constantFrom(
        { kind: 'stall' as const },
        { kind: 'stallBody' as const },
        { kind: 'truncate' as const },
        { kind: 'drop' as const },
        { kind: 'drop' as const },
        { kind: 'refuse' as const },
        { kind: 'status' as const, code: 404, html: true },
        { kind: 'status' as const, code: 409 },
        { kind: 'status' as const, code: 429, retryAfterSeconds: 1 },
        { kind: 'status' as const, code: 429, plainText: true },
        { kind: 'status' as const, code: 500 },
        { kind: 'status' as const, code: 503 },
        { kind: 'status' as const, code: 403 },
        { kind: 'watchCut' as const, afterEvents: 1 },
        { kind: 'watchSilent' as const, afterEvents: 0 },
        { kind: 'watchReplay' as const, afterEvents: 2 },
        { kind: 'watchExpired' as const },
      ),
      fc.record({ kind: fc.constant('late' as const), ms: fc.constantFrom(5, 500, 3_000, 8_000) }),
      fc.record({ kind: fc.constant('delay' as const), ms: fc.constantFrom(5, 500, 3_000, 12_000) }),
    ),
    method: fc.constantFrom('GET', 'PATCH', 'PATCH', 'POST', 'DELETE'),
    path: fc.constantFrom(/nodes\/n1$/, /nodes/, /leases/, /pods/, /eviction/, /events/, /./),
    times: fc.constantFrom(1, 1, 2, 5),
  },
  { requiredKeys: ['fault'] },
);

const only = <Kind extends Step['do']>(...kinds: readonly Kind[]) =>
  fc.constantFrom(...kinds).map((kind) => ({ do: kind }) as Step);

const anyStep: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 10,
    arbitrary: fc.record({
      do: fc.constant('script' as const),
      policy: anyName,
      first: fc.array(anyOutcome, { maxLength: 5 }),
      always: fc.constantFrom<Outcome>('failed', 'failed', 'healthy', 'healthy', 'unknown', 'hang', 'fatal'),
    }),
  },
  { weight: 5, arbitrary: fc.record({ do: fc.constant('reload' as const), policy: anyName, change: anyChange }) },
  {
    weight: 1,
    arbitrary: fc.record({
      do: fc.constant('addPolicy' as const),
      policy: fc.tuple(anyName, anyKnobs).map(([name, knobs]) => ({ ...knobs, name })),
    }),
  },
  {
    weight: 1,
    arbitrary: fc.record({ do: fc.constantFrom('removePolicy' as const, 'renamePolicy' as const), policy: anyName }),
  },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('budgets' as const), budgets: anyBudgets }) },
  { weight: 1, arbitrary: only('invalidDirectory', 'sameDirectory') },
  {
    weight: 5,
    arbitrary: only('cordon', 'uncordon', 'taintForeign', 'untaintForeign', 'taintOurs', 'untaintOurs'),
  },
  {
    weight: 1,
    arbitrary: only(
      'deleteLedger',
      'garbleLedger',
      'repairLedger',
      'deleteClaim',
      'forgeClaim',
      'deleteLeases',
      'relabel',
      'release',
      'release',
    ),
  },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('kubelet' as const), ready: fc.boolean() }) },
  { weight: 4, arbitrary: only('kill', 'terminate', 'start', 'restart', 'restart') },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('startSecond' as const), others: fc.boolean() }) },
  {
    weight: 1,
    arbitrary: fc.record({
      do: fc.constant('endSecond' as const),
      how: fc.constantFrom('kill' as const, 'terminate' as const),
    }),
  },
  { weight: 1, arbitrary: only('deleteNode') },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('recreateNode' as const), sameUid: fc.boolean() }) },
  {
    weight: 8,
    arbitrary: fc.record({
      do: fc.constant('fault' as const),
      rule: anyFault,
      lastsMs: fc.constantFrom(1_000, 5_000, 20_000),
    }),
  },
  { weight: 1, arbitrary: only('cutWatches', 'expireWatches', 'replayWatches') },
  {
    weight: 2,
    arbitrary: fc.record({
      do: fc.constant('pod' as const),
      app: fc.constantFrom('web' as const, 'db' as const),
      namespace: fc.constantFrom('default' as const, 'spared' as const),
    }),
  },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('guardPods' as const), maxUnavailable: fc.constantFrom(0, 1) }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('otherCordoned' as const), isCordoned: fc.boolean() }) },
);

/** Mostly so long that something comes of it, often so short that it falls into what is under way. */
const anyPause = fc.oneof(
  fc.integer({ min: 0, max: 8 }),
  fc.integer({ min: 0, max: 400 }),
  fc.integer({ min: 500, max: 4_000 }),
);

export const anyDirectory: fc.Arbitrary<Directory> = fc.record({
  policies: fc
    .array(anyKnobs, { minLength: 1, maxLength: 3 })
    .map((all) => all.map((knobs, i) => ({ ...knobs, name: NAMES[i] ?? 'a' }))),
  budgets: anyBudgets,
});

export function anyHistory(maxSteps: number): fc.Arbitrary<History> {
  return fc.record<History>({
    seed: fc.integer({ min: 0, max: 0x7fffffff }),
    directory: anyDirectory,
    steps: fc.array(
      fc.tuple(anyStep, anyPause).map(([step, afterMs]) => ({ ...step, afterMs })),
      { maxLength: maxSteps, size: 'max' },
    ),
    end: fc.constantFrom('recovers', 'fails, then recovers'),
    keepsSecond: fc.boolean(),
  });
}
