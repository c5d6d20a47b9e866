/** What is read of an agent's pod, by who wants to know whether it runs still. */
export type AgentPod = {
  readonly namespace: string;
  readonly name: string;
  /** RFC 3339, when its grace period ends or ended; null while nobody has deleted it. */
  readonly deletionTimestamp: string | null;
};

/**
 * For so long after the end of its grace period a pod's token may still be taken, in milliseconds: the API server refuses
 * it a minute after (pkg/serviceaccount, jwt.DefaultLeeway), remembers for 10 s that it took it
 * (serviceAccountTokenAuthenticator's cache), and our clock may differ from its by the rest.
 */
export const TOKEN_OUTLIVES_MS = 90_000;

/**
 * Whether the agent in this pod can still write to its Node.
 *
 * A pod whose kubelet is dead stays Terminating for ever, and its process may well run on. That nobody hears from the
 * kubelet is therefore no reason to think that the agent is gone; that no API server takes its token any more is one.
 *
 * @param nowMs milliseconds since 1970
 */
export function canStillWrite({ deletionTimestamp }: Pick<AgentPod, 'deletionTimestamp'>, nowMs: number): boolean {
  if (deletionTimestamp === null) return true;
  // What is no date is no reason either.
  return !(nowMs > Date.parse(deletionTimestamp) + TOKEN_OUTLIVES_MS);
}
