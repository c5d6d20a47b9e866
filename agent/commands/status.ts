import type { ArgumentsCamelCase, CommandModule, InferredOptionTypes, Options } from 'yargs';
import type { AgentContainer } from '../core/agent-container.ts';
import type { SlotLease } from '../core/slot.ts';
import { type ClusterStatus, clusterStatus } from '../core/status.ts';
import { lookUpAgents, watchAgents } from '../kube/agent-containers.ts';
import { isRefusal } from '../kube/kube-error.ts';
import { createSlotApi } from '../kube/slot-api.ts';
import { lookUpSlots } from '../kube/slot-lookup.ts';
import type { Transport } from '../kube/transport.ts';
import { listNodes, type NodeMetadata, selectedNodes, watchNodes } from '../kube/watch-nodes.ts';
import { CLUSTER_OPTIONS, NAMESPACE_OPTION, openCluster, SELECTOR_OPTION } from './cluster-options.ts';
import { createLatestText } from './latest-text.ts';
import { printableJson } from './printable-json.ts';
import { formatStatus, stateOf } from './status-text.ts';

/** A fleet changes by the hundred within a second. */
const REPRINT_EVERY_MS = 1_000;

const OPTIONS = {
  ...CLUSTER_OPTIONS,
  ...NAMESPACE_OPTION,
  ...SELECTOR_OPTION,
  all: {
    alias: 'A',
    type: 'boolean',
    default: false,
    describe: 'List every node, not only those that are held, have a slot or a problem',
  },
  watch: { alias: 'w', type: 'boolean', default: false, describe: 'Print it again whenever something has changed' },
  output: {
    alias: 'o',
    choices: ['text', 'wide', 'json'],
    default: 'text',
    describe: 'Format; json has every node: {"summary": …, "nodes": [{"name", "held", "since", "policies", …}]}',
  },
} as const satisfies Record<string, Options>;

type StatusOptions = InferredOptionTypes<typeof OPTIONS>;

/** `nsc status`: what every node's agent did and runs. Exit code 1 if a node is held or has a problem. */
export const statusCommand: CommandModule<object, StatusOptions> = {
  command: 'status',
  describe: 'Show what every node holds, since when, and which policy revision it runs',
  builder: (yargs) =>
    yargs
      .options(OPTIONS)
      .example('$0 status -n node-svc-checker', 'the nodes that are held, or where something is the matter')
      .example('$0 status -A -o wide', 'every node, in full')
      .epilog(
        'Exit code 0: nothing is held and nothing is the matter. 1: something is. It needs the right to list Nodes (and to ' +
          'watch them with --watch), and to list Leases and Pods in the namespace of the agents, else it does without the slots, ' +
          'and without what is the matter with their pods.',
      ),
  handler: showStatus,
};

async function showStatus(options: ArgumentsCamelCase<StatusOptions>): Promise<void> {
  const { transport, namespace, isOwnNamespace } = openCluster(options);
  const { leases, problem } = await lookUpSlots(transport, namespace, isOwnNamespace);
  if (problem !== null) process.stderr.write(`slots are not shown: ${problem}\n`);
  const { agents, problem: podProblem } = await lookUpAgents(transport, namespace, isOwnNamespace);
  if (podProblem !== null) process.stderr.write(`agents' pods are not shown: ${podProblem}\n`);
  const write = (text: string) => process.stdout.write(text);
  const format = (status: ClusterStatus) => formatOutput(status, options, namespace);
  if (options.watch) {
    const latest = createLatestText(REPRINT_EVERY_MS, write);
    const onChange = (look: () => ClusterStatus) =>
      latest.show(() => {
        const status = look();
        const state = stateOf(status, options.all || options.output === 'json');
        return { state, text: format(status) };
      });
    await followStatus(transport, {
      selector: options.selector,
      namespace,
      withSlots: leases !== null,
      withAgents: agents !== null,
      onChange,
    });
    latest.stop();
    return;
  }
  const nodes = await listNodes(transport, options.selector);
  if (nodes.length === 0) throw new Error(`there are no ${selectedNodes(options.selector)}`);
  const status = clusterStatus(nodes, leases, agents ?? [], Date.now());
  write(format(status));
  if (status.summary.held > 0 || status.summary.withProblem > 0) process.exitCode = 1;
}

function formatOutput(status: ClusterStatus, { output, all, watch }: StatusOptions, namespace: string): string {
  if (output === 'json') return `${printableJson(status)}\n`;
  const lines = formatStatus(status, { all, wide: output === 'wide', namespace, nowMs: Date.now() });
  return `${lines.join('\n')}\n${watch ? '\n' : ''}`;
}

type Following = {
  readonly selector: string;
  readonly namespace: string;
  readonly withSlots: boolean;
  readonly withAgents: boolean;
  /** Also at the beginning, once everything is known. */
  onChange(look: () => ClusterStatus): void;
};

/**
 * Follows the nodes and their slots until SIGINT or SIGTERM, or until nobody reads the output any more.
 *
 * @throws Error when the API server refuses to show Nodes
 */
async function followStatus(transport: Transport, { onChange, ...options }: Following): Promise<void> {
  const { selector, namespace, withSlots, withAgents } = options;
  const ended = new AbortController();
  const end = () => ended.abort();
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, end);
  process.stdout.on('error', end);
  const nodes = new Map<string, NodeMetadata>();
  let listed = false;
  let leases: readonly SlotLease[] | null = null;
  let agents: readonly AgentContainer[] | null = null;
  let failure: Error | null = null;
  const look = () => {
    if (!listed || (leases === null && withSlots) || (agents === null && withAgents)) return;
    onChange(() => clusterStatus(nodes.values(), leases, agents ?? [], Date.now()));
  };
  const onAgents = (list: readonly AgentContainer[]) => {
    agents = list;
    look();
  };
  const onLeases = (list: readonly SlotLease[]) => {
    leases = list;
    look();
  };
  const listener = {
    onList(list: readonly NodeMetadata[]) {
      listed = true;
      nodes.clear();
      for (const node of list) nodes.set(node.name, node);
      look();
    },
    onNode(node: NodeMetadata) {
      nodes.set(node.name, node);
      look();
    },
    onGone(name: string) {
      nodes.delete(name);
      look();
    },
    onProblem(error: Error) {
      // What is refused at first is refused again; anything else may pass.
      if (!listed && isRefusal(error)) {
        failure = error;
        end();
      } else process.stderr.write(`${error.message}; trying again\n`);
    },
  };
  await Promise.all([
    watchNodes(transport, selector, listener, ended.signal),
    withSlots && createSlotApi(transport, namespace).watch(undefined, onLeases, ended.signal),
    withAgents && watchAgents(transport, namespace, onAgents, ended.signal),
  ]);
  if (failure !== null) throw failure;
}
