import type { LabelSelector, NodeCheckPolicy, PolicySet } from '../policy.ts';
import { checkIdentity } from '../roster.ts';
import { type Labels, labelsInBoth, labelsInFirstOnly } from '../sample-labels.ts';
import { type FailureAhead, failureAhead } from './failure-ahead.ts';
import { type FieldChange, fieldChanges } from './field-changes.ts';
import { type NodeAfter, sampleNodeAfter } from './held-node.ts';
import { type JudgedRun, judgedOtherwise } from './judged-runs.ts';

/** A policy before and after; null: there was none, or is none. Of both at least one is there. */
export type PolicyPair = { readonly before: NodeCheckPolicy | null; readonly after: NodeCheckPolicy | null };

/** What a change does to one policy. */
export type PolicyChange = PolicyPair & {
  /** After the change, or of what is removed before it. */
  readonly name: string;
  /** Renamed: one is gone and another one with the same check has come, so they are taken for one. */
  readonly kind: 'Added' | 'Removed' | 'Changed' | 'Renamed';
  /** Empty where one side is missing. */
  readonly fields: readonly FieldChange[];
  /** Its check is another one, whose runs are counted from zero. */
  readonly isOtherCheck: boolean;
  readonly ahead: { readonly before: FailureAhead | null; readonly after: FailureAhead | null };
  /** Runs that count as something else. */
  readonly judged: readonly JudgedRun[];
  /** There can be nodes that it selects now and did not before, and the other way round. */
  readonly selects: { readonly more: boolean; readonly fewer: boolean };
  /** What becomes of a node that it holds: of one that it goes on selecting, and of one that it does not. null: there is none. */
  readonly held: { readonly stays: NodeAfter | null; readonly leaves: NodeAfter | null };
};

/** The policies in which two sets differ, in the order of the second set; those that are gone come last. */
export function policyChanges(before: PolicySet, after: PolicySet): PolicyChange[] {
  return policyPairs(before, after).flatMap((pair) => {
    const fields = pair.before && pair.after ? fieldChanges(pair.before.spec, pair.after.spec) : [];
    const isSame = pair.before?.metadata.name === pair.after?.metadata.name && fields.length === 0;
    return isSame ? [] : [policyChange(before, after, pair, fields)];
  });
}

/** Every policy of either set, with the one that it was. */
export function policyPairs(before: PolicySet, after: PolicySet): PolicyPair[] {
  const old = new Map(before.policies.map((policy) => [policy.metadata.name, policy]));
  const kept = new Set(after.policies.map(({ metadata }) => metadata.name));
  const gone = before.policies.filter(({ metadata }) => !kept.has(metadata.name));
  const came = after.policies.filter(({ metadata }) => !old.has(metadata.name));
  const renamed = renames(gone, came);
  const taken = new Set(renamed.values());
  return [
    ...after.policies.map((policy) => ({
      before: old.get(policy.metadata.name) ?? renamed.get(policy) ?? null,
      after: policy,
    })),
    ...gone.filter((policy) => !taken.has(policy)).map((policy) => ({ before: policy, after: null })),
  ];
}

/** By the new one: the old one with the same check, where there is one of each alone. */
function renames(gone: readonly NodeCheckPolicy[], came: readonly NodeCheckPolicy[]) {
  const goneBy = Map.groupBy(gone, checkIdentity);
  const cameBy = Map.groupBy(came, checkIdentity);
  const renamed = new Map<NodeCheckPolicy, NodeCheckPolicy>();
  for (const [identity, [policy, ...others]] of cameBy) {
    const [old, ...olds] = goneBy.get(identity) ?? [];
    if (policy && old && others.length === 0 && olds.length === 0) renamed.set(policy, old);
  }
  return renamed;
}

function policyChange(
  before: PolicySet,
  after: PolicySet,
  pair: PolicyPair,
  fields: readonly FieldChange[],
): PolicyChange {
  const [was, is] = [pair.before, pair.after];
  const isOtherCheck = was !== null && is !== null && checkIdentity(was) !== checkIdentity(is);
  return {
    ...pair,
    name: (is ?? was)?.metadata.name ?? '',
    kind: kindOf(pair),
    fields,
    isOtherCheck,
    ahead: { before: was && failureAhead(was), after: is && failureAhead(is) },
    judged: was && is ? judgedOtherwise(was.spec.check, is.spec.check) : [],
    selects: { more: onlyIn(is, was) !== null, fewer: onlyIn(was, is) !== null },
    held: {
      stays: nodeAfter(before, after, was, was && is && labelsInBoth(was.spec.nodeSelector, is.spec.nodeSelector)),
      leaves: nodeAfter(before, after, was, onlyIn(was, is)),
    },
  };
}

function kindOf({ before, after }: PolicyPair): PolicyChange['kind'] {
  if (before === null) return 'Added';
  if (after === null) return 'Removed';
  return before.metadata.name === after.metadata.name ? 'Changed' : 'Renamed';
}

/** Labels of a node that the first policy selects, and the second, if there is one, does not. */
function onlyIn(first: NodeCheckPolicy | null, second: NodeCheckPolicy | null): Labels | null {
  if (first === null) return null;
  const { nodeSelector } = first.spec;
  return second === null
    ? labelsInBoth(nodeSelector, EVERYTHING)
    : labelsInFirstOnly(nodeSelector, second.spec.nodeSelector);
}

const EVERYTHING: LabelSelector = {};

function nodeAfter(before: PolicySet, after: PolicySet, policy: NodeCheckPolicy | null, labels: Labels | null) {
  return policy && labels && sampleNodeAfter(before, after, policy, labels);
}
