import { AGENT_ANNOTATION, type NodeChange, type NodeView } from './node.ts';
import { type PodName, podKey } from './orders/pod.ts';
import { rememberLast } from './remember-last.ts';

/** What an agent that acts on a Node writes there of itself, so that another one of the same node stands by. */
export type Claim = {
  /** Of this life of the agent: a restarted one is another. */
  readonly id: string;
  /** The pod it runs in; null when it runs in none. */
  readonly pod: PodName | null;
  /** The process, and the boot of the machine that it runs in. */
  readonly boot: string;
  readonly pid: number;
  /** RFC 3339, by the API server's clock: when it started. */
  readonly since: string;
  /** Another agent stands by, so the node has to be handed over by one that ends. */
  readonly hasStandby: boolean;
};

/** Who acts on the node, as one agent knows. */
export type Standing = {
  /** Our claim has stood on the Node with this UID; null: it never has. */
  readonly claimedUid: string | null;
  /** The other agent that was looked for last; null: none was. */
  readonly looked: { readonly id: string; readonly isGone: boolean } | null;
};

export const NEW_STANDING: Standing = { claimedUid: null, looked: null };

/**
 * The claim that stands on a Node; null: nobody has claimed it. What cannot be read, and what names neither a pod nor a
 * process, is a person's doing and claims nothing: nobody could ever find out that its agent is gone.
 */
export function claimOn({ annotations }: Pick<NodeView, 'annotations'>): Claim | null {
  const text = annotations[AGENT_ANNOTATION];
  return text === undefined ? null : readClaim(text);
}

const readClaim = rememberLast((text): Claim | null => {
  try {
    const value: unknown = JSON.parse(text);
    if (typeof value !== 'object' || value === null) return null;
    const { id, pod, boot, pid, since, hasStandby } = value as Record<string, unknown>;
    if (typeof id !== 'string') return null;
    const { namespace, name } = (typeof pod === 'object' && pod !== null ? pod : {}) as Record<string, unknown>;
    const isPod = isName(namespace) && isName(name);
    if (!isPod && !(isName(boot) && Number.isInteger(pid) && Number(pid) > 0)) return null;
    return {
      id,
      pod: isPod ? { namespace, name } : null,
      boot: typeof boot === 'string' ? boot : '',
      pid: typeof pid === 'number' ? pid : 0,
      since: typeof since === 'string' ? since : '',
      hasStandby: hasStandby === true,
    };
  } catch {
    return null;
  }
});

function isName(value: unknown): value is string {
  return typeof value === 'string' && value !== '';
}

/** A start is known by the API server's clock, to the second, and two servers differ a little. */
const START_MARGIN_MS = 3_000;

/**
 * The agent that acts instead of this one: of two, the one that started last.
 *
 * Where our claim has stood, whoever's stands now has taken the Node over, for whatever reason: two that each believe to
 * be the last would otherwise take it from one another for ever.
 *
 * @returns null when this one acts
 */
export function rivalOn(node: NodeView, own: Claim, { claimedUid, looked }: Standing): Claim | null {
  const claim = claimOn(node);
  if (claim === null || claim.id === own.id || (looked?.id === claim.id && looked.isGone)) return null;
  return claimedUid === node.uid || startedLater(claim, own) ? claim : null;
}

/**
 * Of an agent that started earlier, whether it may be there still, and would go on acting until it sees our claim. One that
 * is gone, an earlier life of ours, needs no write.
 *
 * @returns Unknown until it was looked for
 */
export function predecessorOn(node: NodeView, own: Claim, standing: Standing): 'None' | 'Gone' | 'There' | 'Unknown' {
  const claim = claimOn(node);
  if (claim === null || claim.id === own.id || rivalOn(node, own, standing) !== null) return 'None';
  if (standing.looked?.id !== claim.id) return 'Unknown';
  return standing.looked.isGone ? 'Gone' : 'There';
}

/** In doubt not: then ours is written, and the other one stands by, if it is there still. */
function startedLater(a: Claim, b: Claim): boolean {
  return Date.parse(a.since) - Date.parse(b.since) > START_MARGIN_MS;
}

/** Makes the claim ours; empty when it is. */
export function claimChange(node: NodeView, own: Claim): NodeChange {
  return claimOn(node)?.id === own.id ? {} : writeClaim(own);
}

/** Tells the agent that acts that another one stands by; empty when it knows. */
export function standbyChange(rival: Claim): NodeChange {
  return rival.hasStandby ? {} : writeClaim({ ...rival, hasStandby: true });
}

/**
 * Hands the node over to who stands by; empty when the claim is not ours, or nobody does.
 *
 * That of an earlier life in our pod is ours too: it needs no write of ours, and who stands by takes it for that of an agent
 * which is there for as long as our pod is, however often a check ends it.
 */
export function handOverChange(node: NodeView, own: Claim): NodeChange {
  const claim = claimOn(node);
  if (claim === null || !claim.hasStandby) return {};
  if (claim.id !== own.id && !(isInPodOf(claim, own) && !startedLater(claim, own))) return {};
  return { metadata: { annotations: { [AGENT_ANNOTATION]: null } } };
}

/** Nobody can say so of what is in no pod. */
function isInPodOf({ pod }: Claim, own: Claim): boolean {
  return pod !== null && own.pod !== null && podKey(pod) === podKey(own.pod);
}

function writeClaim({ id, pod, boot, pid, since, hasStandby }: Claim): NodeChange {
  const text = JSON.stringify({ id, pod, boot, pid, since, ...(hasStandby && { hasStandby }) });
  return { metadata: { annotations: { [AGENT_ANNOTATION]: text } } };
}
