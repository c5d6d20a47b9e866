import { NODE_NAMES, SICK_NODE } from './cluster.ts';
import { eventsOn, patchesOf, requestsOf } from './evidence.ts';
import type { Stage } from './stage.ts';

export const HELP = `Plays the story of a node that gets sick, with three real agents and an API server in this process.

Usage: make run [KEEP=1]
       npm run story -- [--keep]

Options:
  --keep   stay up after the story, to break nodes and edit the policy by hand; Ctrl-C ends it
  --help   this text

On a terminal it draws a live board; with CI set, TERM=dumb or output to a file it prints lines.
NO_COLOR takes the colours away. Exits 0 when everything happened as told, 1 when not, 2 for a
wrong option.

Example: make run KEEP=1
`;

/** What was seen, with counts. */
export function summarize({ simulator, agents, verified, elapsedMs }: Stage): string {
  const perNode = (count: (name: string) => number) => NODE_NAMES.map((name) => `${name} ${count(name)}`).join('  ');
  const reasons = eventsOn(simulator, SICK_NODE).map(({ reason }) => reason);
  return `
Played in ${(elapsedMs() / 1000).toFixed(1)} s; ${verified.length} assertions held. What was seen:
  checks run         ${perNode((name) => agents.get(name)?.reading.runs ?? 0)}
  failures counted   ${perNode((name) => agents.get(name)?.reading.failedRuns ?? 0)}
  writes to Node     ${perNode((name) => patchesOf(simulator, name).length)}   (one each is the policy report)
  all requests       ${perNode((name) => requestsOf(simulator, name).length)}
  Events on ${SICK_NODE}   ${reasons.slice(0, 4).join(', ')},
                     ${reasons.slice(4).join(', ')}`;
}

/** What to try while the story stays up. */
export function invite({ files, agents }: Stage): string {
  const sick = files.sickFile(SICK_NODE);
  const kubectl = `kubectl --kubeconfig ${files.kubeconfig}`;
  return `
The agents go on. In another terminal:
  break ${SICK_NODE}    touch ${sick}
  heal it         rm ${sick}
  edit policy     \${EDITOR:-vi} ${files.policyFile}
                  (in force once saved; try mode: Observe, or a mistake)
  look at it      ${kubectl} describe node ${SICK_NODE}
  metrics         curl -s http://${agents.get(SICK_NODE)?.httpAddress}/metrics
Ctrl-C ends the agents and removes ${files.dir}.
`;
}
