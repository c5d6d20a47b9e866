import { parseArgs } from 'node:util';
import { playStory } from './plot.ts';
import { type Stage, setStage } from './stage.ts';
import { HELP, invite, summarize } from './words.ts';

/** What is still open after this, once everything was closed, shall not keep the terminal. */
const EXIT_WITHIN_MS = 2_000;
/** How much of each agent's log a failure shows. */
const LOG_TAIL = 12;

/** Somebody ends the story: not a failure, but not its end either. */
class Interruption extends Error {
  readonly exitCode: number;

  constructor(exitCode: number) {
    super('interrupted');
    this.exitCode = exitCode;
  }
}

process.exitCode = await main(process.argv.slice(2));
setTimeout(() => process.exit(), EXIT_WITHIN_MS).unref();

async function main(args: string[]): Promise<number> {
  const options = readOptions(args);
  if ('exitCode' in options) return options.exitCode;
  const signal = watchForInterruption();

  let stage: Stage | undefined;
  try {
    stage = await setStage({ output: process.stdout, env: process.env, signal });
    await playStory(stage);
    if (options.keep) await stayUp(stage);
    else {
      stage.chapter('The end: both nodes are back, and take pods again.');
      stage.screen.close();
      stage.screen.print(summarize(stage));
    }
    return 0;
  } catch (error) {
    stage?.screen.close();
    if (error instanceof Interruption) {
      process.stderr.write('\nstory: interrupted, ending the agents\n');
      return error.exitCode;
    }
    explain(error, stage);
    return 1;
  } finally {
    await stage?.close();
  }
}

function readOptions(args: string[]): { keep: boolean } | { exitCode: number } {
  try {
    const options = { keep: { type: 'boolean' }, help: { type: 'boolean', short: 'h' } } as const;
    const { values } = parseArgs({ args, options });
    if (!values.help) return { keep: values.keep ?? false };
    process.stdout.write(HELP);
    return { exitCode: 0 };
  } catch (error) {
    process.stderr.write(`story: ${error instanceof Error ? error.message : error}\nTry: npm run story -- --help\n`);
    return { exitCode: 2 };
  }
}

/** Aborts on a signal, and when nobody reads the output any more. */
function watchForInterruption(): AbortSignal {
  const interruption = new AbortController();
  for (const [name, number] of [
    ['SIGHUP', 1],
    ['SIGINT', 2],
    ['SIGTERM', 15],
  ] as const) {
    // A second one changes nothing: ending takes seconds at most.
    process.on(name, () => interruption.abort(new Interruption(128 + number)));
  }
  process.stdout.on('error', () => interruption.abort(new Interruption(1)));
  return interruption.signal;
}

async function stayUp(stage: Stage): Promise<void> {
  stage.chapter('Your turn: break a node, or edit the policy. Ctrl-C ends it.');
  stage.screen.print(`${summarize(stage)}\n${invite(stage)}`);
  try {
    await stage.untilEnd();
  } catch (error) {
    // Ctrl-C is how this is meant to end.
    if (!(error instanceof Interruption)) throw error;
  }
  stage.screen.close();
  stage.screen.print('\nEnding the agents.');
}

/** Says what went wrong, and what the agents said before it did. */
function explain(error: unknown, stage: Stage | undefined): void {
  const tails = [...(stage?.agents.values() ?? [])].map(({ nodeName, log }) => {
    const lines = log.slice(-LOG_TAIL).map((entry) => `  ${JSON.stringify(entry)}\n`);
    return `The last of the log on ${nodeName}:\n${lines.join('')}`;
  });
  process.stderr.write(`\nstory: ${error instanceof Error ? error.message : error}\n${tails.join('')}`);
}
