import { createReadStream } from 'node:fs';
import type { ArgumentsCamelCase, CommandModule, InferredOptionTypes, Options } from 'yargs';
import type { NodeView } from '../core/node.ts';
import { readNodesFile } from '../core/plan/nodes-file.ts';
import { type Plan, planChange } from '../core/plan/plan.ts';
import { RISKS, type RiskKind } from '../core/plan/risks.ts';
import type { PolicySet } from '../core/policy.ts';
import { listNodeViews } from '../kube/watch-nodes.ts';
import { formatPolicyErrors, toPrintable } from '../policy/format-error.ts';
import { MAX_STREAM_BYTES } from '../policy/limits.ts';
import { readBounded } from '../policy/read-bounded.ts';
import { type PolicySource, readPolicyInput } from '../policy/read-input.ts';
import { CLUSTER_OPTIONS, openCluster, SELECTOR_OPTION } from './cluster-options.ts';
import { formatPlansJson } from './plan-json.ts';
import { formatPlansMarkdown } from './plan-markdown.ts';
import { formatPlansText } from './plan-text.ts';

/** A plan, and of what. */
export type NamedPlan = {
  /** `namespace/name` of the ConfigMaps that have the same; null: the whole input is one set. */
  readonly configMaps: readonly string[] | null;
  readonly plan: Plan;
};

const OPTIONS = {
  nodes: { type: 'string', requiresArg: true, describe: 'A file that nsc nodes wrote: which nodes there are' },
  ...CLUSTER_OPTIONS,
  output: {
    alias: 'o',
    choices: ['text', 'markdown', 'json'],
    default: 'text',
    describe: 'Format',
  },
  'fail-on': {
    type: 'string',
    array: true,
    requiresArg: true,
    choices: Object.keys(RISKS) as RiskKind[],
    default: [] as RiskKind[],
    describe: 'Exit with code 1 if the change is of one of these kinds',
  },
} as const satisfies Record<string, Options>;

type PlanOptions = InferredOptionTypes<typeof OPTIONS> & { readonly old: string; readonly new: string };

/** `nsc plan`: what a change of the policies would do, before it does it. */
export const planCommand: CommandModule<object, PlanOptions> = {
  command: 'plan <old> <new>',
  describe: 'Tell what a change of the policies would do, and what becomes of the nodes',
  builder: (yargs) =>
    yargs
      .positional('old', { type: 'string', demandOption: true, describe: WHERE })
      .positional('new', { type: 'string', demandOption: true, describe: 'The same, as it is to be' })
      .nargs('old', 1)
      .nargs('new', 1)
      .options(OPTIONS)
      .check((options) => {
        if (options.old === '-' && options.new === '-')
          throw new Error('only one of <old> and <new> can be standard input');
        return true;
      })
      .example('$0 plan git:main:policies policies', 'what a branch changes')
      .example('$0 plan old.yaml new.yaml --nodes nodes.json', 'rendered manifests; and which nodes it reaches')
      .example('$0 plan git:HEAD^:policies policies --fail-on harm-added', 'as a gate')
      .epilog(
        `Kinds of changes: ${Object.entries(RISKS)
          .map(([kind, what]) => `${kind}: ${what}`)
          .join('; ')}.`,
      ) as never,
  handler: printPlan,
};

const WHERE =
  'A directory of policy files, a file, - for standard input, or git:REVISION:PATH; a file may be a rendered stream of ' +
  'Kubernetes objects';

async function printPlan(options: ArgumentsCamelCase<PlanOptions>): Promise<void> {
  const before = await readPolicyInput(options.old, process.stdin);
  const after = await readPolicyInput(options.new, process.stdin);
  const errors = [...before, ...after].flatMap(({ load }) =>
    load.valid ? [] : formatPolicyErrors(load.errors, load.omitted),
  );
  if (errors.length > 0) {
    process.stderr.write(`${errors.join('\n')}\n`);
    process.exitCode = 1;
    return;
  }
  const nodes = await readNodes(options);
  const plans = pair(before, after, options).map(({ names, ...sets }): NamedPlan => {
    return { configMaps: names, plan: planChange(sets.before, sets.after, nodes) };
  });
  process.stdout.write(format(plans, options.output));
  const kinds = new Set(plans.flatMap(({ plan }) => plan.risks.map(({ kind }) => kind)));
  if (options.failOn.some((kind) => kinds.has(kind))) process.exitCode = 1;
}

/** A set of policies, and the ConfigMaps that have it. */
type Side = { readonly names: readonly string[]; readonly set: PolicySet };

type Pair = {
  /** Those of the ConfigMaps; null: the input is one set. */
  readonly names: readonly string[] | null;
  readonly before: PolicySet;
  readonly after: PolicySet;
};

/** One set on each side is one set that changed, whatever it is called; of several, those of one name. */
function pair(before: readonly PolicySource[], after: readonly PolicySource[], paths: PlanOptions): Pair[] {
  const [old, now] = [sidesOf(before), sidesOf(after)];
  const [onlyOld, onlyNow] = [old[0], now[0]];
  if (onlyOld && onlyNow && old.length === 1 && now.length === 1) {
    const isOne = before.length === 1 && after.length === 1;
    return [{ names: isOne ? null : onlyNow.names, before: onlyOld.set, after: onlyNow.set }];
  }
  const gone = old.find((side) => !now.some((other) => isNamedAlike(side, other)));
  if (gone) throw missing(gone, paths.old, paths.new);
  return now.map((side) => {
    const was = old.find((other) => isNamedAlike(side, other));
    if (was === undefined) throw missing(side, paths.new, paths.old);
    return { names: side.names, before: was.set, after: side.set };
  });
}

/**
 * Each set of a cluster once: a Job that verifies a rollout has what it verifies once more. ConfigMaps with one name are those of
 * several clusters, and numbered.
 */
function sidesOf(sources: readonly PolicySource[]): Side[] {
  const alike = (source: PolicySource) => `${setOf(source).revision}${/ \(\d+\)$/.exec(source.name)?.[0] ?? ''}`;
  return [...Map.groupBy(sources, alike).values()].flatMap((group) => {
    const [first] = group;
    return first ? [{ names: group.map(({ name }) => name), set: setOf(first) }] : [];
  });
}

function isNamedAlike(a: Side, b: Side): boolean {
  const names = b.names.map(withoutHash);
  return a.names.some((name) => names.includes(withoutHash(name)));
}

/** kustomize adds a hash of the contents (api/hasher), so one ConfigMap has another name after each change. */
function withoutHash(name: string): string {
  return name.replace(/-[2456789bcdfghkmt]{10}(?=$| \()/, '');
}

function missing({ names }: Side, where: string, notIn: string): Error {
  return new Error(`${where} has the ConfigMap ${names.join(', ')}, and ${notIn} has not`);
}

function setOf({ load }: PolicySource): PolicySet {
  if (!load.valid) throw new TypeError('what is not valid is refused before');
  return load.set;
}

/** null: nobody said which there are. */
async function readNodes({ nodes, kubeconfig, context }: PlanOptions): Promise<readonly NodeView[] | null> {
  if (nodes !== undefined) return readNodesAt(nodes);
  if (kubeconfig === undefined && context === undefined) return null;
  return listNodeViews(openCluster({ kubeconfig, context }).transport, SELECTOR_OPTION.selector.default);
}

async function readNodesAt(path: string): Promise<NodeView[]> {
  try {
    const bytes = await readBounded(createReadStream(path), MAX_STREAM_BYTES);
    if (bytes === null) throw new Error(`must be at most ${MAX_STREAM_BYTES} bytes long`);
    return readNodesFile(new TextDecoder().decode(bytes));
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error);
    // It may quote what it found.
    throw new Error(toPrintable(`could not read the nodes in ${path}: ${message}`));
  }
}

function format(plans: readonly NamedPlan[], output: PlanOptions['output']): string {
  if (output === 'json') return `${formatPlansJson(plans)}\n`;
  const lines = output === 'markdown' ? formatPlansMarkdown(plans) : formatPlansText(plans, process.stdout.columns);
  return `${lines.join('\n')}\n`;
}
