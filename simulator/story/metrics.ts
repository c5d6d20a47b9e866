import { NODE_NAMES } from './cluster.ts';
import { eventsOn, patchesOf, requestsOfAgents } from './evidence.ts';
import { BUDGET_NAME, POLICY_NAME } from './files.ts';
import type { Stage } from './stage.ts';

/** A scrape is one small answer of a process on this machine. */
const SCRAPE_DEADLINE_MS = 5_000;

/**
 * What each agent has counted is what its log, its Node, its Events and the API server say.
 *
 * @throws Error when an agent does not answer, or a count is another
 */
export async function verifyMetrics({ agents, simulator, verify }: Stage): Promise<void> {
  const scrapes = await Promise.all(
    NODE_NAMES.map(async (name) => ({ name, text: await scrape(agents.get(name)?.httpAddress) })),
  );
  const compare = (what: string, series: string, truth: (name: string) => number) =>
    verify(
      `the metrics say the same: ${what}`,
      scrapes.map(({ text }) => sampleOf(text, series)),
      NODE_NAMES.map(truth),
    );
  const events = (name: string, reason: string) =>
    eventsOn(simulator, name).filter((one) => one.reason === reason).length;
  const succeeded = (action: string) => `nsc_node_actions_total{action="${action}",result="Success"}`;

  compare(
    'failed checks',
    `nsc_check_results_total{policy="${POLICY_NAME}",verdict="Failed"}`,
    (name) => agents.get(name)?.reading.failedRuns ?? 0,
  );
  compare('cordons', succeeded('Cordoned'), (name) => events(name, 'NodeCordoned'));
  compare('drains', succeeded('DrainSucceeded'), (name) => events(name, 'DrainSucceeded'));
  compare('releases', succeeded('GivenBack'), (name) => events(name, 'NodeReleased'));
  compare('denied slots', `nsc_budget_denials_total{budget="${BUDGET_NAME}"}`, (name) => events(name, 'BudgetDenied'));
  compare(
    'writes to the Node',
    'nsc_api_requests_total{verb="PATCH",resource="nodes",code="200"}',
    (name) => patchesOf(simulator, name).length,
  );
  const evictions = requestsOfAgents(simulator).filter(
    ({ path, status }) => path.endsWith('/eviction') && status === 201,
  );
  verify(
    'the metrics say the same: evictions, of all nodes',
    scrapes.reduce((sum, { text }) => sum + sampleOf(text, 'nsc_drain_pods_total{result="Evicted"}'), 0),
    evictions.length,
  );
}

async function scrape(address: string | undefined): Promise<string> {
  const answer = await fetch(`http://${address}/metrics`, { signal: AbortSignal.timeout(SCRAPE_DEADLINE_MS) });
  return answer.text();
}

/** A series that is not there has counted nothing. */
function sampleOf(scraped: string, series: string): number {
  const line = scraped.split('\n').find((one) => one.startsWith(`${series} `));
  return Number(line?.slice(series.length) ?? 0);
}
