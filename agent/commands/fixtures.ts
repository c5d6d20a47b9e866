import { type SpawnSyncReturns, spawnSync } from 'node:child_process';

/** Options of the process beside the words of its command line. */
type RunOptions = { readonly cwd?: string; readonly input?: string; readonly env?: NodeJS.ProcessEnv };

/** For a command that does not end; on a busy machine its start alone can take a minute, in milliseconds. */
const DEADLINE_MS = 180_000;

/**
 * For tests: runs a command as main does, in a process of its own.
 *
 * @param module where the command is, as from `import.meta.resolve`
 * @param name what it is called there
 */
export function commandRunner(
  module: string,
  name: string,
): (...args: (string | RunOptions)[]) => SpawnSyncReturns<string> {
  const main = `
    import yargs from ${JSON.stringify(import.meta.resolve('yargs'))};
    import { ${name} } from ${JSON.stringify(module)};
    await yargs(process.argv.slice(1)).scriptName('nsc').command(${name}).strict().parseAsync();`;
  return (...args) => {
    const words = args.filter((arg) => typeof arg === 'string');
    const options = Object.assign({}, ...args.filter((arg) => typeof arg !== 'string'));
    const nodeArgs = ['--input-type=module', '--eval', main, '--', ...words];
    return spawnSync(process.execPath, nodeArgs, { encoding: 'utf8', timeout: DEADLINE_MS, ...options });
  };
}
