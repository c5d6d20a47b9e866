import type { NodeCheckPolicy, NodeDisruptionBudget } from '../core/policy.ts';
import type { ErrorList } from './error-list.ts';
import { validateNodeCheckPolicy, validateNodeDisruptionBudget } from './generated/validate.js';
import { mergePatch } from './merge-patch.ts';
import type { Problem } from './problem.ts';
import { addSchemaProblems, type Documents, type PolicyDocument } from './read-documents.ts';
import { didYouMean } from './suggest.ts';
import { describe, lookUp, type TreeNode, toValue } from './tree.ts';

/** A document with patches applied and defaults filled in, and the tree that tells where each value was written. */
export type Resolved<Value> = { readonly value: Value; readonly root: TreeNode };

/**
 * Puts documents together: names are unique within a kind, patches are applied in order onto the policies as written,
 * and only then the defaults filled in.
 */
export function resolveDocuments(
  { documents, isComplete }: Documents,
  errors: ErrorList,
): { readonly policies: Resolved<NodeCheckPolicy>[]; readonly budgets: Resolved<NodeDisruptionBudget>[] } {
  const policies = firstOfEachName(documents, 'NodeCheckPolicy', errors);
  const budgets = firstOfEachName(documents, 'NodeDisruptionBudget', errors);
  const patches = documents.filter(({ kind }) => kind === 'NodeCheckPolicyPatch');
  if (isComplete) reportMissingTargets(patches, policies, errors);
  const resolved = [...policies.values()].flatMap((policy) => resolvePolicy(policy, patches, errors));
  reportSharedConditions(resolved, errors);
  return { policies: resolved, budgets: [...budgets.values()].flatMap(resolveBudget) };
}

function resolvePolicy(
  policy: PolicyDocument,
  patches: readonly PolicyDocument[],
  errors: ErrorList,
): Resolved<NodeCheckPolicy>[] {
  const own = patches.filter(({ name }) => name === policy.name);
  if (!policy.isValid) return []; // told already
  const root = own.reduce((patched, patch) => mergePatch(patched, onlySpec(patch.root)), policy.root);
  const value = toValue(root);
  if (validateNodeCheckPolicy(value)) return [{ value, root }];

  const inPatched = (problem: Problem) => ({
    ...problem,
    requirement: `${problem.requirement} in the policy ${policy.name} once its patches are applied`,
    related: { words: 'written at', place: policy.root.place },
  });
  addSchemaProblems(validateNodeCheckPolicy, root, errors, inPatched);
  return [];
}

function resolveBudget({ root }: PolicyDocument): Resolved<NodeDisruptionBudget>[] {
  const value = toValue(root);
  return validateNodeDisruptionBudget(value) ? [{ value, root }] : [];
}

/** What of a patch document is merged into a policy. */
function onlySpec(root: TreeNode): TreeNode {
  if (root.kind !== 'map') return root;
  return { ...root, fields: new Map([...root.fields].filter(([name]) => name === 'spec')) };
}

function firstOfEachName(documents: readonly PolicyDocument[], kind: PolicyDocument['kind'], errors: ErrorList) {
  const first = new Map<string, PolicyDocument>();
  for (const document of documents) {
    if (document.kind !== kind || document.name === undefined) continue;
    const earlier = first.get(document.name);
    if (!earlier) {
      first.set(document.name, document);
      continue;
    }
    const problem = nameProblem(document, `must be unique among the documents of kind ${kind}`);
    errors.add({ ...problem, related: { words: 'also at', place: nameNode(earlier).place } });
  }
  return first;
}

function reportMissingTargets(
  patches: readonly PolicyDocument[],
  policies: ReadonlyMap<string, PolicyDocument>,
  errors: ErrorList,
): void {
  for (const patch of patches) {
    if (patch.name === undefined || policies.has(patch.name)) continue;
    const meant = didYouMean(patch.name, [...policies.keys()]);
    const hint = meant ? ` (${meant})` : '';
    errors.add(nameProblem(patch, `must be the name of a NodeCheckPolicy in these files${hint}`));
  }
}

/** Two policies that write one condition of a node would take turns for ever. */
function reportSharedConditions(policies: readonly Resolved<NodeCheckPolicy>[], errors: ErrorList): void {
  const path = ['spec', 'nodeCondition'];
  const first = new Map<string, TreeNode>();
  for (const { value, root } of policies) {
    const type = value.spec.nodeCondition;
    const node = lookUp(root, path)?.node;
    if (type === undefined || node === undefined) continue;
    const earlier = first.get(type);
    if (earlier === undefined) {
      first.set(type, node);
      continue;
    }
    const requirement = 'must be unique among the policies, whichever nodes they select';
    const related = { words: 'also at', place: earlier.place };
    errors.add({ place: node.place, path, requirement, found: describe(node), related });
  }
}

function nameProblem(document: PolicyDocument, requirement: string): Problem {
  const node = nameNode(document);
  return { place: node.place, path: ['metadata', 'name'], requirement, found: describe(node) };
}

function nameNode({ root }: PolicyDocument): TreeNode {
  return lookUp(root, ['metadata', 'name'])?.node ?? root;
}
