import type { ArgumentsCamelCase, CommandModule, InferredOptionTypes, Options } from 'yargs';
import { readPolicyReport } from '../core/policy-report.ts';
import { type ReportingNode, type Rollout, rolloutOf } from '../core/rollout.ts';
import { isRefusal } from '../kube/kube-error.ts';
import type { Transport } from '../kube/transport.ts';
import { type NodeMetadata, selectedNodes, watchNodes } from '../kube/watch-nodes.ts';
import { formatPolicyErrors } from '../policy/format-error.ts';
import { readPolicyInput } from '../policy/read-input.ts';
import { CLUSTER_OPTIONS, openCluster, SELECTOR_OPTION } from './cluster-options.ts';
import { parseDuration } from './duration.ts';
import { createLatestText } from './latest-text.ts';
import { printableJson } from './printable-json.ts';
import { describeResult, describeUnknown } from './rollout-text.ts';

/** A fleet reports by the hundred within a second; a line for each would be no progress to look at. */
const PROGRESS_EVERY_MS = 1_000;

const OPTIONS = {
  ...CLUSTER_OPTIONS,
  timeout: {
    type: 'string',
    requiresArg: true,
    default: '5m',
    describe: 'How long to wait, such as 90s, 5m or 1h30m; a kubelet takes up to 70 s',
  },
  ...SELECTOR_OPTION,
  output: { alias: 'o', choices: ['text', 'json'], default: 'text', describe: 'Format' },
} as const satisfies Record<string, Options>;

type VerifyRolloutOptions = InferredOptionTypes<typeof OPTIONS> & { readonly path: string };

/** `nsc verify-rollout`: has what stands in Git arrived on the nodes? Exit code 1 if not by the deadline. */
export const verifyRolloutCommand: CommandModule<object, VerifyRolloutOptions> = {
  command: 'verify-rollout <path>',
  describe: 'Wait until every node reports that it runs this policy revision',
  builder: (yargs) =>
    yargs
      .positional('path', {
        type: 'string',
        demandOption: true,
        describe: 'A directory of policy files, or - for rendered manifests on standard input',
      })
      .nargs('path', 1) // else yargs does not take - for a value
      .options(OPTIONS)
      .example('$0 verify-rollout policies/ --timeout 3m', 'the last step of a pipeline')
      .example('kubectl kustomize prod | $0 verify-rollout -', 'what a cluster should have')
      .check(({ timeout }) => parseDuration('--timeout', timeout) > 0),
  handler: verifyRollout,
};

async function verifyRollout(options: ArgumentsCamelCase<VerifyRolloutOptions>): Promise<void> {
  const revision = await readWantedRevision(options.path);
  if (revision === null) return;
  const { transport } = openCluster(options);
  const { timeout, selector } = options;
  const rollout = await awaitRollout(transport, { revision, selector, timeout });
  const lines =
    options.output === 'json'
      ? [printableJson({ revision, done: rollout.stragglers.length === 0, ...rollout })]
      : describeResult(rollout, revision, timeout);
  process.stderr.write(describeUnknown(rollout).join(''));
  process.stdout.write(`${lines.join('\n')}\n`);
  if (rollout.stragglers.length > 0) process.exitCode = 1;
}

/**
 * Follows the nodes until all of them run the revision, or until the deadline.
 *
 * @throws Error when the API server refuses to show Nodes, never showed them, or when no Node is selected
 */
async function awaitRollout(
  transport: Transport,
  { revision, selector, timeout }: { revision: string; selector: string; timeout: string },
): Promise<Rollout> {
  const ended = new AbortController();
  const nodes = new Map<string, ReportingNode>();
  let listed = false;
  let lastProblem: Error | null = null;
  let failure: Error | null = null;
  const end = () => ended.abort();
  const deadline = setTimeout(end, parseDuration('--timeout', timeout));
  const progress = createProgress(revision);

  const remember = ({ name, annotations }: NodeMetadata) =>
    nodes.set(name, { name, report: readPolicyReport(annotations) });
  const look = () => {
    if (nodes.size === 0) {
      failure = new Error(`there are no ${selectedNodes(selector)}, so none can be waited for`);
      end();
      return;
    }
    const rollout = rolloutOf(revision, nodes.values());
    if (rollout.stragglers.length === 0) end();
    else progress.show(rollout);
  };
  await watchNodes(
    transport,
    selector,
    {
      onList(list) {
        listed = true;
        nodes.clear();
        for (const node of list) remember(node);
        look();
      },
      onNode(node) {
        remember(node);
        look();
      },
      onGone(name) {
        nodes.delete(name);
        look();
      },
      onProblem(error) {
        lastProblem = error;
        // What is refused now is refused again; anything else may pass.
        if (!listed && isRefusal(error)) {
          failure = error;
          end();
        } else progress.problem(error);
      },
    },
    ended.signal,
  );
  clearTimeout(deadline);
  progress.stop();
  if (failure !== null) throw failure;
  if (!listed) throw lastProblem ?? new Error(`could not read ${selectedNodes(selector)} within ${timeout}`);
  return rolloutOf(revision, nodes.values());
}

/** null, with the errors on standard error, for what no agent would ever take. */
async function readWantedRevision(path: string): Promise<string | null> {
  const sources = await readPolicyInput(path, process.stdin);
  const errors = sources.flatMap(({ load }) => (load.valid ? [] : formatPolicyErrors(load.errors, load.omitted)));
  if (errors.length > 0) {
    process.stderr.write(`${errors.join('\n')}\nno agent would take these policies, so none is waited for\n`);
    process.exitCode = 1;
    return null;
  }
  if (sources.some(({ kind }) => kind === 'File')) {
    throw new Error(`a revision is that of a whole directory, and ${path} is a single file; name its directory`);
  }
  const revisions = new Map(sources.map(({ name, load }) => [load.valid ? load.set.revision : '', name]));
  if (revisions.size > 1) {
    const found = [...revisions].map(([revision, name]) => `${revision} (${name})`).join(', ');
    throw new Error(`a cluster has one policy revision, found ${found}; render one cluster at a time`);
  }
  return [...revisions.keys()][0] ?? null;
}

function createProgress(revision: string) {
  const progress = createLatestText(PROGRESS_EVERY_MS, (text) => process.stderr.write(text));
  return {
    show({ nodes, running, stragglers }: Rollout): void {
      const invalid = stragglers.filter(({ reason }) => reason === 'InvalidFiles').length;
      const buggy = stragglers.filter(({ reason }) => reason === 'InternalError').length;
      const trouble =
        (invalid > 0 ? `, ${invalid} could not load their newest files` : '') +
        (buggy > 0 ? `, ${buggy} met a defect of the agent` : '');
      const text = `waiting: ${running} of ${nodes} nodes run revision ${revision}${trouble}`;
      progress.show(() => ({ state: text, text: `${text}\n` }));
    },
    problem: ({ message }: Error) => process.stderr.write(`${message}; trying again\n`),
    stop: progress.stop,
  };
}
