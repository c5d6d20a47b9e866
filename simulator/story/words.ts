import { NODE_NAMES, SECOND_SICK_NODE, SICK_NODE } from './cluster.ts';
import { eventsOn, patchesOf, requestsAbout, slotsOf, writesOf } from './evidence.ts';
import type { Stage } from './stage.ts';

export const HELP = `Plays the story of a node that gets sick, and of a second one that has to wait for the disruption
budget, with three real agents and an API server in this process.

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
  const writes = writesOf(simulator);
  const slotsTakenBy = (name: string) =>
    writes.filter((write) => write.startsWith('create Lease ') && write.endsWith(`-${name}`)).length;
  const reasons = eventsOn(simulator, SICK_NODE).map(({ reason }) => reason);
  return `
Played in ${(elapsedMs() / 1000).toFixed(1)} s; ${verified.length} assertions held. What was seen:
  checks run         ${perNode((name) => agents.get(name)?.reading.runs ?? 0)}
  failures counted   ${perNode((name) => agents.get(name)?.reading.failedRuns ?? 0)}
  writes to Node     ${perNode((name) => patchesOf(simulator, name).length)}   (one each is the policy report)
  requests about it  ${perNode((name) => requestsAbout(simulator, name).length)}
  slots taken        ${perNode(slotsTakenBy)}   (Leases left: ${slotsOf(simulator).length})
  Events on ${SICK_NODE}   ${reasons.slice(0, 4).join(', ')},
                     ${reasons.slice(4).join(', ')}`;
}

/** What to try while the story stays up. */
export function invite({ files, agents }: Stage): string {
  const sick = files.sickFile(SICK_NODE);
  const second = files.sickFile(SECOND_SICK_NODE);
  const kubectl = `kubectl --kubeconfig ${files.kubeconfig}`;
  return `
The agents go on. In another terminal:
  break ${SICK_NODE}    touch ${sick}
  then another    touch ${second}
                  (denied until you heal ${SICK_NODE}, see SLOT; or raise maxUnavailable)
  heal them       rm -f ${sick} ${second}
  edit policy     \${EDITOR:-vi} ${files.policyFile}
                  (in force once saved; try mode: Observe, or a mistake)
  edit budget     \${EDITOR:-vi} ${files.budgetFile}
  look at it      ${kubectl} describe node ${SICK_NODE}
  see the slots   ${kubectl} get leases
  metrics         curl -s http://${agents.get(SICK_NODE)?.httpAddress}/metrics
Ctrl-C ends the agents and removes ${files.dir}.
`;
}
