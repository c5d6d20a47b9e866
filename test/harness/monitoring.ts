import { mkdtempSync, readFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parse } from 'yaml';
import { RULE_FILE } from '../../deploy/helm/generate-chart-files.ts';
import { type Receiver, startAlertmanager, startReceiver } from './alertmanager.ts';
import { startSupervisor } from './processes.ts';
import { type Prometheus, type ScrapeTarget, startPrometheus } from './prometheus.ts';
import { waitFor } from './wait-for.ts';

/** As the Prometheus operator names the job of the shipped PodMonitor. */
const JOB = 'node-svc-checker/node-svc-checker';

/** A real Prometheus and a real Alertmanager with what is shipped, and somebody who is told. */
export type Monitoring = Pick<Receiver, 'alerts' | 'slack' | 'teams'> & Pick<Prometheus, 'query' | 'stop'>;

/**
 * Starts them, and waits until every target is scraped. The rules are the shipped ones, shortened in a copy, or a test
 * would take an hour: `for` is 2 s, `keep_firing_for` 10 s and a window of 5 minutes 6 s.
 */
export async function startMonitoring(targets: readonly ScrapeTarget[]): Promise<Monitoring> {
  const dir = mkdtempSync(join(tmpdir(), 'nsc-monitoring-'));
  const supervisor = startSupervisor(dir);
  const receiver = await startReceiver();
  let prometheus: Prometheus | undefined;
  const stop = async () => {
    await prometheus?.stop();
    await supervisor.end();
    receiver.close();
  };
  try {
    const alertmanager = await startAlertmanager(supervisor, dir, receiver);
    const alerting = { rules: shortenedRules(), alertmanager: alertmanager.address };
    prometheus = await startPrometheus(JOB, { alerting });
    prometheus.setTargets(targets);
    const { query } = prometheus;
    const isUp = async () => (await query('up == 1')).length === targets.length;
    await waitFor(isUp, { what: 'Prometheus to scrape every agent' });
    const { alerts, slack, teams } = receiver;
    return { alerts, slack, teams, query, stop };
  } catch (error) {
    await stop();
    throw error;
  }
}

function shortenedRules(): unknown {
  const { groups } = parse(readFileSync(RULE_FILE, 'utf8'));
  for (const rule of groups[0].rules) {
    rule.for = '2s';
    if (rule.keep_firing_for !== undefined) rule.keep_firing_for = '10s';
    rule.expr = rule.expr.replaceAll('[5m]', '[6s]');
  }
  return { groups };
}
