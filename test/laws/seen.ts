import type { NodeCheckPolicy, NodeDisruptionBudget, Taint } from '../../agent/core/policy.ts';
import type { KubeObject } from '../../simulator/types.ts';

export const LEDGER = 'node-svc-checker/ledger';
export const DRAIN_STATE = 'node-svc-checker-drain-state';
export const CLAIM = 'node-svc-checker/agent';
export const REPORT = 'node-svc-checker/policy';

/** A taint as it is stored. */
export type NodeTaint = { readonly key: string; readonly effect: string; readonly value?: string };

/** A condition as it is stored, or to be. */
export type Condition = {
  readonly type: string;
  readonly status?: string;
  readonly reason?: string;
  readonly message?: string;
};

/** What of a Node the promises are about. */
export type Seen = {
  readonly name: string;
  readonly uid: string;
  readonly version: string;
  readonly atMs: number;
  readonly labels: Readonly<Record<string, string>>;
  readonly annotations: Readonly<Record<string, string>>;
  readonly isCordoned: boolean;
  /** But for those of Kubernetes itself. */
  readonly taints: readonly NodeTaint[];
  readonly isReady: boolean;
  readonly conditions: readonly Condition[];
  readonly memory: Memory | null | 'unreadable';
};

/** What a ledger says, as far as anybody may read it. */
export type Memory = {
  readonly policies: Readonly<
    Record<
      string,
      {
        readonly since: string;
        readonly marks: Readonly<Record<string, Readonly<Record<string, string>>>>;
        readonly drain: { readonly state: string } | null;
        readonly mapped?: string;
        readonly words?: string;
      }
    >
  >;
  readonly marks: readonly {
    readonly effect: string;
    readonly mark: Readonly<Record<string, string>>;
    readonly owner: string;
  }[];
};

/** One thing on a Node: the cordon or a taint. */
export type Mark = {
  /** Which one. */
  readonly key: string;
  /** With its value. */
  readonly text: string;
  readonly taint: NodeTaint | null;
  isKnownIn(node: Seen): boolean;
};

export function seen({ metadata, spec, status }: KubeObject, atMs: number): Seen {
  const { taints = [], unschedulable } = (spec ?? {}) as { taints?: NodeTaint[]; unschedulable?: boolean };
  const conditions = (status?.conditions ?? []) as Condition[];
  const annotations = metadata.annotations ?? {};
  return {
    name: metadata.name,
    uid: metadata.uid,
    version: metadata.resourceVersion,
    atMs,
    labels: metadata.labels ?? {},
    annotations,
    isCordoned: unschedulable === true,
    taints: taints.filter(isNoSystems),
    isReady: conditions.some(({ type, status: value }) => type === 'Ready' && value === 'True'),
    conditions,
    memory: readMemory(annotations[LEDGER], metadata.uid),
  };
}

function readMemory(text: string | undefined, uid: string): Seen['memory'] {
  if (text === undefined) return null;
  try {
    const memory = JSON.parse(text) as Memory & { nodeUid: string };
    return memory.nodeUid === uid ? memory : null;
  } catch {
    return 'unreadable';
  }
}

/** Who acts, as the Node says; empty: nobody. */
export function claimOf({ annotations }: Seen): string {
  const claim = annotations[CLAIM];
  return claim === undefined ? '' : (JSON.parse(claim) as { id: string }).id;
}

export function memoryOf({ memory }: Seen): Memory | null {
  return memory === 'unreadable' ? null : memory;
}

export function isNoSystems({ key }: NodeTaint): boolean {
  return !key.startsWith('node.kubernetes.io/');
}

export function keyOf({ key, effect }: NodeTaint): string {
  return `${key}:${effect}`;
}

function cordonMark(): Mark {
  return { key: 'cordon', text: 'the cordon', taint: null, isKnownIn: () => false };
}

export function taintMark(taint: NodeTaint): Mark {
  const { key, value = '', effect } = taint;
  return {
    key: keyOf(taint),
    text: `taint ${key}=${value}:${effect}`,
    taint,
    isKnownIn: (node) =>
      memoryOf(node)?.marks.some(
        ({ effect: of, mark }) => of === 'taint' && mark.key === key && mark.effect === effect,
      ) ?? false,
  };
}

export function markOf(effect: string, fields: Readonly<Record<string, string>>): Mark {
  return effect === 'cordon' ? cordonMark() : taintMark(fields as unknown as NodeTaint);
}

export function marksOf({ isCordoned, taints }: Pick<Seen, 'isCordoned' | 'taints'>): Mark[] {
  return [...(isCordoned ? [cordonMark()] : []), ...taints.map(taintMark)];
}

export function isSame(mark: Mark): (other: Mark) => boolean {
  return (other) => other.text === mark.text;
}

export function wantedMarks({ spec: { actions } }: NodeCheckPolicy): Mark[] {
  const taint = actions.taint as Taint | undefined;
  return [...(actions.cordon || actions.drain ? [cordonMark()] : []), ...(taint ? [taintMark(taint)] : [])];
}

export function applies({ spec }: NodeCheckPolicy, node: Seen): boolean {
  return selects(spec.nodeSelector, node);
}

/** The histories select by one label only. */
export function selects(selector: NodeDisruptionBudget['spec']['nodeSelector'], { labels }: Seen): boolean {
  return Object.entries(selector?.matchLabels ?? {}).every(([key, value]) => labels[key] === value);
}

export function takes(
  { podSelector, namespaces }: NonNullable<NodeCheckPolicy['spec']['actions']['drain']>,
  pod: KubeObject | undefined,
): boolean {
  if (pod === undefined || namespaces.exclude.includes(pod.metadata.namespace ?? '')) return false;
  const labels = pod.metadata.labels ?? {};
  return Object.entries(podSelector.matchLabels ?? {}).every(([key, value]) => labels[key] === value);
}

/** What became of the Node by one write, as it has to be told. */
export function turns(before: Seen, now: Seen): string[] {
  if (before.uid !== now.uid || before.memory === 'unreadable' || now.memory === 'unreadable') return [];
  const [then, since] = [before.memory?.marks ?? [], now.memory?.marks ?? []];
  const keyIn = (each: Memory['marks'][number]) => markOf(each.effect, each.mark).key;
  const textOf = (each: Memory['marks'][number]) => markOf(each.effect, each.mark).text;
  const turned = since.flatMap((each) => {
    const was = then.find((other) => keyIn(other) === keyIn(each));
    const isSameMark = was?.owner === each.owner && (each.owner !== 'Ours' || textOf(was) === textOf(each));
    return isSameMark ? [] : [`${TURN[each.owner] ?? each.owner} ${textOf(each)}`];
  });
  const on = (node: Seen, text: string) => marksOf(node).some((mark) => mark.text === text);
  const takenBack = then
    .filter((each) => each.owner === 'Ours' && !since.some((other) => keyIn(other) === keyIn(each)))
    .filter((each) => on(before, textOf(each)) && !on(now, textOf(each)))
    .map((each) => `TakenBack ${textOf(each)}`);
  return [...turned, ...takenBack, ...(before.memory && !now.memory ? ['GivenBack'] : [])];
}

const TURN: Readonly<Record<string, string>> = { Ours: 'Put', Theirs: 'Found', TakenAway: 'TakenAway' };

export function describe({ isCordoned, taints, isReady, annotations }: Seen): string {
  const marks = [isCordoned ? 'cordoned' : '', ...taints.map(({ key, value, effect }) => `${key}=${value}:${effect}`)];
  return `${marks.join(' ')} ${isReady ? '' : 'NotReady '}ledger=${annotations[LEDGER] ?? '-'} drain=${annotations[DRAIN_STATE] ?? '-'}`;
}
