import type { ArgumentsCamelCase, CommandModule, InferredOptionTypes, Options } from 'yargs';
import { redacted, toNodesFile } from '../core/plan/nodes-file.ts';
import { listNodeViews, selectedNodes } from '../kube/watch-nodes.ts';
import { CLUSTER_OPTIONS, openCluster, SELECTOR_OPTION } from './cluster-options.ts';
import { printableJson } from './printable-json.ts';

const OPTIONS = {
  ...CLUSTER_OPTIONS,
  selector: { ...SELECTOR_OPTION.selector, describe: 'Label selector of the Nodes; "" for every Node' },
  redact: {
    type: 'boolean',
    default: false,
    describe: 'Number the nodes instead of naming them, and leave out what checks said',
  },
} as const satisfies Record<string, Options>;

type NodesOptions = InferredOptionTypes<typeof OPTIONS>;

/** `nsc nodes`: what a plan has to know of the nodes, as JSON. */
export const nodesCommand: CommandModule<object, NodesOptions> = {
  command: 'nodes',
  describe: 'Write down the nodes of a cluster, for nsc plan --nodes',
  builder: (yargs) =>
    yargs
      .options(OPTIONS)
      .example('$0 nodes --context production > nodes.json', 'their labels, taints, and what holds them')
      .example('$0 nodes --redact > nodes.json', 'for a place where others read it')
      .epilog('It needs the right to list Nodes, and changes nothing.'),
  handler: printNodes,
};

async function printNodes({ redact, selector, ...options }: ArgumentsCamelCase<NodesOptions>): Promise<void> {
  const { transport } = openCluster(options);
  const views = await listNodeViews(transport, selector);
  if (views.length === 0) throw new Error(`there are no ${selectedNodes(selector)}`);
  const file = toNodesFile(views);
  process.stdout.write(`${printableJson(redact ? redacted(file) : file)}\n`);
}
