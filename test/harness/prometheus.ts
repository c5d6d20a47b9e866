import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { requireBinary } from './binaries.ts';
import { freePort, startSupervisor } from './processes.ts';
import { waitFor } from './wait-for.ts';

export interface ScrapeTarget {
  /** host:port */
  readonly address: string;
  /** What every series of it gets. */
  readonly labels: Readonly<Record<string, string>>;
}

/** One series, with its samples in the order of time. */
export interface Series {
  readonly labels: Readonly<Record<string, string>>;
  readonly samples: readonly { readonly atSeconds: number; readonly value: number }[];
}

/** Seconds since the epoch, and seconds between two evaluations. */
export interface QueryRange {
  readonly startSeconds: number;
  readonly endSeconds: number;
  readonly stepSeconds: number;
}

/** A real Prometheus, which scrapes what it is told to. */
export interface Prometheus {
  readonly url: string;
  /** What is scraped from now on, instead of what was. */
  setTargets(targets: readonly ScrapeTarget[]): void;
  /** Evaluates once; now, unless it is told when. @throws Error with what Prometheus answered. */
  query(expression: string, atSeconds?: number): Promise<Series[]>;
  /** Evaluates at every step. @throws Error with what Prometheus answered. */
  queryRange(expression: string, range: QueryRange): Promise<Series[]>;
  stop(): Promise<void>;
}

type Sample = [atSeconds: number, value: string];
interface Answer {
  readonly status: string;
  readonly error?: string;
  readonly data: { readonly result: { metric: Record<string, string>; value?: Sample; values?: Sample[] }[] };
}

export interface PrometheusOptions {
  /** Between two scrapes, and two evaluations of the rules; 1 when absent. */
  readonly intervalSeconds?: number;
  /** The content of a rule file, and the host:port of the Alertmanager that gets what fires. */
  readonly alerting?: { readonly rules: unknown; readonly alertmanager: string };
}

/** Starts one with the name of a job; call `stop` in `after`. */
export async function startPrometheus(
  job: string,
  { intervalSeconds = 1, alerting }: PrometheusOptions = {},
): Promise<Prometheus> {
  const dir = mkdtempSync(join(tmpdir(), 'nsc-prometheus-'));
  const targetsFile = join(dir, 'targets.json');
  const setTargets: Prometheus['setTargets'] = (targets) =>
    writeFileSync(targetsFile, JSON.stringify(targets.map(({ address, labels }) => ({ targets: [address], labels }))));
  setTargets([]);
  const discovery = [{ files: [targetsFile], refresh_interval: '1s' }];
  writeFileSync(join(dir, 'rules.yml'), JSON.stringify(alerting?.rules ?? {}));
  const alertmanagers = alerting ? [{ static_configs: [{ targets: [alerting.alertmanager] }] }] : [];
  writeFileSync(
    join(dir, 'prometheus.yml'),
    JSON.stringify({
      global: { scrape_interval: `${intervalSeconds}s`, evaluation_interval: `${intervalSeconds}s` },
      rule_files: ['rules.yml'],
      alerting: { alertmanagers },
      scrape_configs: [{ job_name: job, file_sd_configs: discovery }],
    }),
  );
  const address = `127.0.0.1:${await freePort()}`;
  const url = `http://${address}`;
  const supervisor = startSupervisor(dir);
  const prometheus = supervisor.start('prometheus', requireBinary('prometheus'), [
    `--config.file=${dir}/prometheus.yml`,
    `--storage.tsdb.path=${dir}/data`,
    `--web.listen-address=${address}`,
  ]);
  try {
    const ready = async () => prometheus.hasExited() || (await fetch(`${url}/-/ready`)).ok;
    await waitFor(ready, { what: 'Prometheus to be ready' });
    if (prometheus.hasExited()) throw new Error(`Prometheus ended:\n${prometheus.logTail()}`);
  } catch (error) {
    await supervisor.end();
    throw error;
  }
  return {
    url,
    setTargets,
    query: (query, atSeconds) =>
      ask(`${url}/api/v1/query`, { query, ...(atSeconds !== undefined && { time: atSeconds }) }),
    queryRange: (query, { startSeconds, endSeconds, stepSeconds }) =>
      ask(`${url}/api/v1/query_range`, { query, start: startSeconds, end: endSeconds, step: stepSeconds }),
    stop: () => supervisor.end(),
  };
}

async function ask(url: string, parameters: Readonly<Record<string, string | number>>): Promise<Series[]> {
  const body = new URLSearchParams();
  for (const [name, value] of Object.entries(parameters)) body.set(name, String(value));
  const answer = (await (await fetch(url, { method: 'POST', body })).json()) as Answer;
  if (answer.status !== 'success') throw new Error(`${parameters.query}: ${answer.error}`);
  return answer.data.result.map(({ metric, value, values }) => ({
    labels: metric,
    samples: (values ?? (value ? [value] : [])).map(([atSeconds, text]) => ({ atSeconds, value: Number(text) })),
  }));
}
