/** On these `nsc run` ends with exit code 0. */
export const END_SIGNALS = ['SIGTERM', 'SIGINT'] as const;

/** What they do until there is something to end in order. */
export function endAtOnce(): void {
  process.exit(0);
}

// As soon as this file is loaded, which is why main.ts imports it first: all the others take most of the time that a start
// takes. Without a handler a signal ends the process as one that failed, and as pid 1 it is lost and the agent runs on.
if (process.argv[2] === 'run') for (const signal of END_SIGNALS) process.on(signal, endAtOnce);
