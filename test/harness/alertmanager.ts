import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parse } from 'yaml';
import { requireBinary } from './binaries.ts';
import { freePort, type ManagedProcess, type Supervisor } from './processes.ts';

/** What is shipped for Alertmanager, and where it expects to be. */
export const SHIPPED = fileURLToPath(new URL('../../deploy/alertmanager', import.meta.url));
const INSTALLED = '/etc/alertmanager';

/** An alert as Alertmanager sends it to a webhook. */
export interface DeliveredAlert {
  readonly status: 'firing' | 'resolved';
  readonly labels: Readonly<Record<string, string>>;
  readonly annotations: Readonly<Record<string, string>>;
}

/** Plays Slack, Teams and a webhook. */
export interface Receiver {
  readonly url: string;
  /** What the webhook got, oldest first. */
  readonly alerts: readonly DeliveredAlert[];
  /** What Slack and Teams would have got, as it was sent. */
  readonly slack: readonly string[];
  readonly teams: readonly string[];
  close(): void;
}

/** @param status of every answer; other than 2xx it refuses what it got */
export async function startReceiver(status = 200): Promise<Receiver> {
  const [alerts, slack, teams]: [DeliveredAlert[], string[], string[]] = [[], [], []];
  const server = createServer(async (request, response) => {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk);
    const body = Buffer.concat(chunks).toString('utf8');
    if (request.url === '/webhook') alerts.push(...JSON.parse(body).alerts);
    if (request.url === '/slack') slack.push(body);
    if (request.url === '/teams') teams.push(body);
    response.writeHead(status).end('ok');
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    alerts,
    slack,
    teams,
    close() {
      server.close();
      server.closeAllConnections();
    },
  };
}

/** The text of a shipped configuration whose template and secrets are where a test has them. */
export function relocated(file: string, secrets: string): string {
  return readFileSync(join(SHIPPED, file), 'utf8')
    .replaceAll(`${INSTALLED}/templates`, join(SHIPPED, 'templates'))
    .replaceAll(`${INSTALLED}/secrets`, secrets);
}

/**
 * Starts a real Alertmanager with the shipped routing, in a copy: it waits 1 s where the shipped one waits longer, before it
 * repeats itself, too; its
 * Slack and Teams are the receiver, and so is a webhook that it has in addition.
 */
export async function startAlertmanager(
  supervisor: Supervisor,
  dir: string,
  receiver: Receiver,
): Promise<{ address: string; process: ManagedProcess }> {
  const secrets = join(dir, 'secrets');
  mkdirSync(secrets);
  for (const name of ['slack', 'teams']) writeFileSync(join(secrets, `${name}-url`), `${receiver.url}/${name}`);
  const config = parse(
    relocated('alertmanager.yaml', secrets).replaceAll(/(group_wait|group_interval|repeat_interval): \w+/g, '$1: 1s'),
  );
  const slack = config.receivers.find((one: { slack_configs?: unknown }) => one.slack_configs !== undefined);
  slack.webhook_configs = [{ url: `${receiver.url}/webhook`, send_resolved: true }];
  writeFileSync(join(dir, 'alertmanager.json'), JSON.stringify(config));
  const address = `127.0.0.1:${await freePort()}`;
  const process = supervisor.start('alertmanager', requireBinary('alertmanager'), [
    `--config.file=${join(dir, 'alertmanager.json')}`,
    `--storage.path=${join(dir, 'alertmanager')}`,
    `--web.listen-address=${address}`,
    '--cluster.listen-address=',
  ]);
  return { address, process };
}
