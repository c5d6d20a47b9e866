import { writeFileSync } from 'node:fs';

export interface KubeconfigOptions {
  readonly server: string;
  /** PEM of the server's CA; absent for plain http. */
  readonly ca?: string;
  readonly token?: string;
  /** The context's namespace. */
  readonly namespace?: string;
  /** insecure-skip-tls-verify, which client libraries also demand for plain http. */
  readonly insecure?: boolean;
}

/** Writes a kubeconfig with one context (as JSON, which is YAML too) and returns its path. */
export function writeKubeconfig(path: string, { server, ca, token, namespace, insecure }: KubeconfigOptions): string {
  const cluster = {
    server,
    ...(ca === undefined ? {} : { 'certificate-authority-data': Buffer.from(ca).toString('base64') }),
    ...(insecure ? { 'insecure-skip-tls-verify': true } : {}),
  };
  const config = {
    apiVersion: 'v1',
    kind: 'Config',
    clusters: [{ name: 'test', cluster }],
    users: [{ name: 'test', user: token === undefined ? {} : { token } }],
    contexts: [{ name: 'test', context: { cluster: 'test', user: 'test', ...(namespace ? { namespace } : {}) } }],
    'current-context': 'test',
  };
  writeFileSync(path, JSON.stringify(config, null, 2), { mode: 0o600 });
  return path;
}
