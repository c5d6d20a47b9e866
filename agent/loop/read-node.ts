import type { AgentEvent } from '../core/agent-event.ts';
import type { NodeView } from '../core/node.ts';
import type { NodeApi } from '../core/ports.ts';

/**
 * Reads the Node and sends what it is.
 *
 * @param known the version of the Node that is known now: nothing older can be answered, unless the server has gone back
 * @throws as the API does
 */
export async function readNode(
  api: Pick<NodeApi, 'read'>,
  known: () => string | null,
  send: (event: AgentEvent) => void,
): Promise<NodeView> {
  const knownBefore = known();
  const node = await api.read();
  send({ kind: 'NodeSeen', node, knownBefore });
  return node;
}
