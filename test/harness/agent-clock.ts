import type { AgentProcess } from './agent-process.ts';

/**
 * How long an agent took from one line of its log to another, in seconds of its own clock: it starts a run of its check
 * every second, and is as late with that as with all else when the machine is busy.
 *
 * @param to the first line after `from` that matches
 */
export async function secondsBetween(agent: AgentProcess, from: RegExp, to: RegExp): Promise<number> {
  const first = await agent.waitForLine(from);
  const start = agent.lines.indexOf(first);
  await agent.waitForLine(to, { from: start });
  const between = agent.lines.slice(start);
  return between
    .slice(
      0,
      between.findIndex((line) => to.test(line)),
    )
    .filter((line) => line.startsWith('INFO: Running')).length;
}
