import { createInterface } from 'node:readline/promises';
import type { ArgumentsCamelCase, CommandModule, InferredOptionTypes, Options } from 'yargs';
import { LEDGER_ANNOTATION } from '../core/node.ts';
import { type Release, releaseNode } from '../core/release.ts';
import type { SlotLease } from '../core/slot.ts';
import { hasStatus } from '../kube/kube-error.ts';
import { createNodeApi } from '../kube/node-api.ts';
import { createSlotApi } from '../kube/slot-api.ts';
import { lookUpSlots } from '../kube/slot-lookup.ts';
import type { Transport } from '../kube/transport.ts';
import { listNodes } from '../kube/watch-nodes.ts';
import { CLUSTER_OPTIONS, NAMESPACE_OPTION, openCluster } from './cluster-options.ts';
import { inParallel } from './in-parallel.ts';
import { describeOutcome, type NodeOutcome } from './release-text.ts';
import { countNodes } from './table.ts';

const MAX_NODES_IN_FLIGHT = 10;
/** A 409 means that somebody else wrote first: an agent, a kubelet. So many in a row are no coincidence. */
const MAX_ATTEMPTS = 5;

const OPTIONS = {
  ...CLUSTER_OPTIONS,
  ...NAMESPACE_OPTION,
  all: { type: 'boolean', default: false, describe: 'Every node on which an agent holds something' },
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
      .epilog(
        'A running agent does not take a released node again before its check has recovered. What a person did stays. ' +
          'It needs the rights to get and patch Nodes (and to list them with --all), and to list and delete Leases in the ' +
          'namespace of the agents, else the slots stay until the agents give them back.',
      )
      .check(({ nodes = [], all, yes, dryRun }) => {
        if (all === nodes.length > 0) throw new Error('release needs the names of nodes, or --all, and not both');
        if (yes || dryRun || process.stdin.isTTY) return true;
        throw new Error('standard input is no terminal to ask on, so --yes is required (or --dry-run)');
      }),
  handler: release,
};

/** What is to be done to one node. */
type Plan = {
  readonly node: string;
  readonly release: Exclude<Release, { kind: 'Unreadable' }>;
  readonly leases: readonly SlotLease[];
};

async function release(options: ArgumentsCamelCase<ReleaseOptions>): Promise<void> {
  const { transport, namespace } = openCluster(options);
  const isText = options.output === 'text';
  const outcomes: NodeOutcome[] = [];
  const end = (outcome: NodeOutcome) => {
    outcomes.push(outcome);
    if (outcome.error !== null) process.exitCode = 1;
    if (isText) (outcome.error === null ? print : printError)(describeOutcome(outcome));
  };

  const names = options.all ? await heldNodes(transport) : [...new Set(options.nodes)];
  const leases = names.length === 0 ? [] : await readLeases(transport, namespace);
  const plans = await planAll(transport, names, leases, end);
  const toDo = plans.filter(hasWork);
  for (const plan of plans.filter((plan) => !hasWork(plan))) end(outcomeOf(plan));

  if (options.dryRun) {
    for (const plan of toDo) end({ ...outcomeOf(plan), result: 'Planned' });
  } else if (toDo.length > 0 && (options.yes || (await isConfirmed(toDo)))) {
    await inParallel(toDo, MAX_NODES_IN_FLIGHT, async (plan) => end(await carryOut(transport, namespace, plan)));
  } else if (toDo.length > 0) {
    printError('nothing was done');
    process.exitCode = 1;
  }
  if (isText && names.length === 0) print('no node is held');
  if (!isText) print(JSON.stringify({ dryRun: options.dryRun, nodes: outcomes.sort(byNode) }));
}

async function heldNodes(transport: Transport): Promise<string[]> {
  const nodes = await listNodes(transport, '');
  return nodes.filter(({ annotations }) => annotations[LEDGER_ANNOTATION] !== undefined).map(({ name }) => name);
}

async function readLeases(transport: Transport, namespace: string): Promise<readonly SlotLease[]> {
  const { leases, problem } = await lookUpSlots(transport, namespace);
  if (problem !== null) printError(`slots are left to the agents to give back: ${problem}`);
  return leases ?? [];
}

/** Reads the nodes; those that cannot be released have ended with that. */
async function planAll(
  transport: Transport,
  names: readonly string[],
  leases: readonly SlotLease[],
  end: (outcome: NodeOutcome) => void,
): Promise<Plan[]> {
  const plans: Plan[] = [];
  await inParallel(names, MAX_NODES_IN_FLIGHT, async (name) => {
    try {
      const node = await createNodeApi(transport, name).read();
      const release = releaseNode(node);
      if (release.kind === 'Unreadable') throw new Error(`${release.problem}; nothing was touched`);
      const own = leases.filter(({ ownerUid }) => ownerUid === node.uid);
      // A slot without an effect is an agent's that is about to act, so it is not ours to take.
      plans.push({ node: name, release, leases: release.kind === 'NotHeld' ? [] : own });
    } catch (error) {
      end({ node: name, result: 'Failed', steps: [], slots: [], error: messageOf(error) });
    }
  });
  return plans.sort(byNode);
}

function hasWork({ release, leases }: Plan): boolean {
  return release.kind === 'Release' || leases.length > 0;
}

async function isConfirmed(plans: readonly Plan[]): Promise<boolean> {
  for (const plan of plans) printError(describeOutcome({ ...outcomeOf(plan), result: 'Planned' }));
  const terminal = createInterface({ input: process.stdin, output: process.stderr });
  // Ctrl-D and Ctrl-C are a no.
  const closed = new Promise<string>((resolve) => terminal.once('close', () => resolve('')));
  const asked = terminal.question(`Release ${countNodes(plans.length)}? [y/N] `).catch(() => '');
  const answer = await Promise.race([asked, closed]);
  terminal.close();
  return /^y(es)?$/i.test(answer.trim());
}

/** Writes to one node, and gives its slots back when that has landed. */
async function carryOut(
  transport: Transport,
  namespace: string,
  { node, release, leases }: Plan,
): Promise<NodeOutcome> {
  const slotApi = createSlotApi(transport, namespace);
  let outcome: NodeOutcome | null = null;
  try {
    const written = await writeRelease(transport, node, release);
    outcome = outcomeOf({ node, release: written, leases: [] });
    // The agent has ended the episode meanwhile; slots are its own affair again.
    if (written.kind === 'NotHeld') return outcome;
    for (const lease of leases) {
      await slotApi.remove(lease);
      outcome = { ...outcome, result: 'Released', slots: [...outcome.slots, lease.budget] };
    }
    return outcome;
  } catch (error) {
    return { ...(outcome ?? { node, steps: [], slots: [] }), result: 'Failed', error: messageOf(error) };
  }
}

/** @returns what was done in the end: after a conflict, that of the Node as it is then */
async function writeRelease(transport: Transport, name: string, planned: Plan['release']): Promise<Plan['release']> {
  const api = createNodeApi(transport, name);
  let release: Release = planned;
  for (let attempt = 1; ; attempt++) {
    if (release.kind === 'Unreadable') throw new Error(`${release.problem}; nothing was touched`);
    if (release.kind !== 'Release') return release;
    try {
      await api.patch(release.patch);
      return release;
    } catch (error) {
      if (!hasStatus(error, 409) || attempt === MAX_ATTEMPTS) throw error;
      release = releaseNode(await api.read());
    }
  }
}

/** As if all of the plan were done. */
function outcomeOf({ node, release, leases }: Plan): NodeOutcome {
  const isNothing = release.kind !== 'Release' && leases.length === 0;
  return {
    node,
    result: isNothing ? release.kind : 'Released',
    steps: release.kind === 'Release' ? release.steps : [],
    slots: leases.map(({ budget }) => budget),
    error: null,
  };
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

function byNode(a: { readonly node: string }, b: { readonly node: string }): number {
  return a.node < b.node ? -1 : 1;
}

function print(line: string): void {
  process.stdout.write(`${line}\n`);
}

function printError(line: string): void {
  process.stderr.write(`${line}\n`);
}
