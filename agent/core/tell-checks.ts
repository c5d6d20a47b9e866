import type { NodeView } from './node.ts';
import { type Roster, silentPolicies, type WatchedPolicy } from './roster.ts';
import type { Said } from './said.ts';
import type { Transition } from './transition.ts';

/** What was told last of the checks. */
export type ToldChecks = {
  /** Of the Node that it was told of; null before one was looked for, empty where there was none. */
  readonly nodeUid: string | null;
  /** Names of the policies that fail. */
  readonly failing: readonly string[];
  /** Names of those whose runs say nothing. */
  readonly silent: readonly string[];
};

/**
 * Which checks begin and cease to fail, and to say nothing, whatever brought it about: a run, a reload that moved a
 * threshold, another command, a label of the node, a policy that is gone.
 *
 * That another life of the agent, or another agent, has found a check to fail is theirs to tell. What was told of a Node that
 * is replaced is no news of the one that came.
 */
export function tellChecks(
  told: ToldChecks,
  roster: Roster,
  node: NodeView | 'Gone' | null,
): { readonly told: ToldChecks; readonly transitions: readonly Transition[] } {
  const nodeUid = node === 'Gone' ? (told.nodeUid ?? '') : (node?.uid ?? told.nodeUid);
  const isAnother = told.nodeUid !== null && told.nodeUid !== nodeUid;
  const before = new Set(isAnother ? [] : told.failing);
  const failing = [...roster].filter(([, { health }]) => health.failing);
  const begun = failing.filter(([name, { health }]) => !before.has(name) && !health.remembered);
  const over = [...before].filter((name) => !roster.get(name)?.health.failing);
  const silence = tellSilence(isAnother ? [] : told.silent, roster);
  return {
    told: { nodeUid, failing: failing.map(([name]) => name), silent: silence.silent },
    transitions: [
      ...begun.map(([, { policy, said = UNKNOWN }]) => ({ kind: 'CheckFailing' as const, policy, verdict: said })),
      ...over.map((policy) => {
        const watched = roster.get(policy);
        const because = whyOver(watched);
        const words = because === 'Healthy' ? (watched?.said?.words ?? '') : '';
        return { kind: 'CheckRecovered' as const, policy, because, words };
      }),
      ...silence.transitions,
    ],
  };
}

const UNKNOWN: Said = { status: 'Failed', reason: 'nothing is known of it', mapped: null, words: '' };

function tellSilence(before: readonly string[], roster: Roster) {
  const silent = silentPolicies(roster);
  const names = silent.map(([policy]) => policy);
  const begun = silent.filter(([policy]) => !before.includes(policy));
  const over = before.filter((name) => !names.includes(name));
  const transitions: readonly Transition[] = [
    ...begun.map(([policy, why]) => ({ kind: 'CheckUnknown' as const, policy, why })),
    ...over.map((policy) => ({ kind: 'CheckKnown' as const, policy, because: whySpeaks(roster.get(policy)) })),
  ];
  return { silent: names, transitions };
}

/** A check of which no run has ended yet, or of which the last one said nothing, is another one than was silent, or judged so. */
function whySpeaks(watched: WatchedPolicy | undefined): Extract<Transition, { kind: 'CheckKnown' }>['because'] {
  if (watched === undefined) return 'AppliesNoMore';
  return watched.verdict === undefined || watched.verdict.status === 'Unknown' ? 'CountsAnew' : 'Speaks';
}

function whyOver(watched: WatchedPolicy | undefined): Extract<Transition, { kind: 'CheckRecovered' }>['because'] {
  if (watched === undefined) return 'AppliesNoMore';
  return watched.health.successes >= watched.policy.spec.check.successThreshold ? 'Healthy' : 'CountsAnew';
}
