import { createInterface } from 'node:readline/promises';
import type { ArgumentsCamelCase, CommandModule, InferredOptionTypes, Options } from 'yargs';
import { LEDGER_ANNOTATION, ownAnnotations } from '../core/node.ts';
import type { SlotLease } from '../core/slot.ts';
import { lookUpSlots } from '../kube/slot-lookup.ts';
import { listNodes } from '../kube/watch-nodes.ts';
import { agentsInTheWay, awaitAgentsGone } from './agents-gone.ts';
import { CLUSTER_OPTIONS, NAMESPACE_OPTION, openCluster } from './cluster-options.ts';
import { parseDuration } from './duration.ts';
import { printableJson } from './printable-json.ts';
import { byNode, hasWork, outcomeOf, type Plan, planNodes, type ReleaseWay, releaseNodes } from './release-nodes.ts';
import { describeOutcome, type NodeOutcome } from './release-text.ts';
import { countNodes } from './table.ts';

const OPTIONS = {
  ...CLUSTER_OPTIONS,
  ...NAMESPACE_OPTION,
  all: { type: 'boolean', default: false, describe: 'Every node on which an agent holds something' },
  forget: {
    type: 'boolean',
    default: false,
    describe: 'Leave nothing of ours, once no agent runs there any more: no annotation, no Lease',
  },
  timeout: {
    type: 'string',
    requiresArg: true,
    default: '2m',
    describe: 'With --forget: how long to wait for the agents to end, such as 90s or 5m',
  },
  yes: { alias: 'y', type: 'boolean', default: false, describe: 'Do not ask' },
  'dry-run': { type: 'boolean', default: false, describe: 'Only say what would be done' },
  output: { alias: 'o', choices: ['text', 'json'], default: 'text', describe: 'Format' },
} as const satisfies Record<string, Options>;

type ReleaseOptions = InferredOptionTypes<typeof OPTIONS> & { readonly nodes?: string[] | undefined };

/** `nsc release`: takes back what is ours on these nodes. Exit code 1 if that did not succeed on one of them. */
export const releaseCommand: CommandModule<object, ReleaseOptions> = {
  command: 'release [nodes..]',
  describe: 'Take back everything that the agents did to these nodes, until their checks fail anew',
  builder: (yargs) =>
    yargs
      .positional('nodes', { type: 'string', array: true, describe: 'Names of Nodes' })
      .options(OPTIONS)
      .example('$0 release node-7 --dry-run', 'what would be done')
      .example('$0 release --all --yes', 'in a script, or before the agents are uninstalled')
      .example('$0 release --all --forget', 'after the agents were uninstalled: nothing of them is left')
      .epilog(
        'A running agent does not take a released node again before its check has recovered. What a person did stays. ' +
          'It needs the rights to get and patch Nodes (and to list them with --all), and to list and delete Leases in the ' +
          'namespace of the agents, else the slots stay until the agents give them back. --forget has to list Pods there ' +
          'as well: it waits until none of the agents runs on these nodes, and does nothing while one does.',
      )
      .check(({ nodes = [], all, yes, dryRun, timeout }) => {
        if (all === nodes.length > 0) throw new Error('release needs the names of nodes, or --all, and not both');
        if (!yes && !dryRun && !process.stdin.isTTY) {
          throw new Error('standard input is no terminal to ask on, so --yes is required (or --dry-run)');
        }
        return parseDuration('--timeout', timeout) > 0;
      }),
  handler: release,
};

async function release(options: ArgumentsCamelCase<ReleaseOptions>): Promise<void> {
  const way: ReleaseWay = { ...openCluster(options), forget: options.forget };
  const isText = options.output === 'text';
  const outcomes: NodeOutcome[] = [];
  const end = (outcome: NodeOutcome) => {
    outcomes.push(outcome);
    if (outcome.error !== null) process.exitCode = 1;
    if (isText) (outcome.error === null ? print : printError)(describeOutcome(outcome));
  };

  const named = options.all ? null : [...new Set(options.nodes)];
  if (options.forget) await settleAgents(way, named, options);
  const { names, leases } = options.forget ? await whatIsLeft(way, named) : await whatIsHeld(way, named);
  const plans = await planNodes(way, names, leases, end);
  const toDo = plans.filter(hasWork);
  for (const plan of plans.filter((plan) => !hasWork(plan))) end(outcomeOf(plan));

  if (options.dryRun) {
    for (const plan of toDo) end({ ...outcomeOf(plan), result: 'Planned' });
  } else if (toDo.length > 0 && (options.yes || (await isConfirmed(way, toDo)))) {
    await releaseNodes(way, toDo, end);
  } else if (toDo.length > 0) {
    printError('nothing was done');
    process.exitCode = 1;
  }
  if (isText && names.length === 0) print(options.forget ? 'nothing of ours is on any node' : 'no node is held');
  if (!isText) print(printableJson({ dryRun: options.dryRun, nodes: outcomes.sort(byNode) }));
}

/** What was forgotten must not be written anew. */
async function settleAgents(
  way: ReleaseWay,
  nodes: readonly string[] | null,
  { dryRun, timeout }: Pick<ArgumentsCamelCase<ReleaseOptions>, 'dryRun' | 'timeout'>,
): Promise<void> {
  if (!dryRun) return awaitAgentsGone(way, nodes, timeout);
  const pods = await agentsInTheWay(way, nodes);
  if (pods !== null) printError(`would first wait for agents to end: ${pods}`);
}

type Selection = { readonly names: readonly string[]; readonly leases: readonly SlotLease[] };

/** @param named null: every node */
async function whatIsHeld({ transport, namespace, isOwnNamespace }: ReleaseWay, named: readonly string[] | null) {
  const isHeldBy = ({ annotations }: { annotations: Readonly<Record<string, string>> }) =>
    annotations[LEDGER_ANNOTATION] !== undefined;
  const names = named ?? (await listNodes(transport, '')).filter(isHeldBy).map(({ name }) => name);
  if (names.length === 0) return { names, leases: [] };
  const { leases, problem } = await lookUpSlots(transport, namespace, isOwnNamespace);
  if (problem !== null) printError(`slots are left to the agents to give back: ${problem}`);
  return { names, leases: leases ?? [] } satisfies Selection;
}

/**
 * Unlike what is held, Leases are never left to the agents, of which there are none.
 *
 * @param named null: every node, and every holder of a Lease
 * @throws Error when the Leases cannot be read
 */
async function whatIsLeft(
  { transport, namespace, isOwnNamespace }: ReleaseWay,
  named: readonly string[] | null,
): Promise<Selection> {
  const { leases, problem } = await lookUpSlots(transport, namespace, isOwnNamespace);
  if (problem !== null) throw new Error(`${problem}; nothing was forgotten`);
  if (named !== null) return { names: named, leases };
  const nodes = (await listNodes(transport, '')).filter((node) => ownAnnotations(node).length > 0);
  const names = new Set([...nodes.map(({ name }) => name), ...leases.map(({ holder }) => holder)]);
  return { names: [...names].filter((name) => name !== ''), leases };
}

async function isConfirmed({ forget }: ReleaseWay, plans: readonly Plan[]): Promise<boolean> {
  for (const plan of plans) printError(describeOutcome({ ...outcomeOf(plan), result: 'Planned' }));
  const terminal = createInterface({ input: process.stdin, output: process.stderr });
  // Ctrl-D and Ctrl-C are a no.
  const closed = new Promise<string>((resolve) => terminal.once('close', () => resolve('')));
  const question = `Release ${forget ? 'and forget ' : ''}${countNodes(plans.length)}? [y/N] `;
  const asked = terminal.question(question).catch(() => '');
  const answer = await Promise.race([asked, closed]);
  terminal.close();
  return /^y(es)?$/i.test(answer.trim());
}

function print(line: string): void {
  process.stdout.write(`${line}\n`);
}

function printError(line: string): void {
  process.stderr.write(`${line}\n`);
}
