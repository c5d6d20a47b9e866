import { existsSync, readFileSync } from 'node:fs';
import type { RequestOptions } from 'node:https';
import { homedir } from 'node:os';
import { delimiter, dirname, join, resolve } from 'node:path';
import { KubeConfig } from '@kubernetes/client-node';
import { parse } from 'yaml';

const SERVICE_ACCOUNT_DIRECTORY = '/var/run/secrets/kubernetes.io/serviceaccount';

/** How to reach and convince one API server. */
export type Credentials = {
  /** URL of the API server. */
  readonly server: string;
  /** Where they came from, for messages: a file's path or `in-cluster service account`. */
  readonly source: string;
  /** The namespace of the kubeconfig context or service account; `default` when it names none. */
  readonly namespace: string;
  /** TLS settings, agent and authorization header for one request. Token files are read again as they rotate. */
  requestOptions(): Promise<RequestOptions>;
  /** Reads everything from its source again, for credentials that were replaced on disk. */
  reload(): void;
};

/**
 * Finds credentials as Kubernetes agents do: the given kubeconfig, else `$KUBECONFIG`, else the pod's service account,
 * else `~/.kube/config`.
 *
 * @param context of the kubeconfig, instead of its current-context
 * @throws Error that says what was looked for, when there are none or they cannot be read
 */
export function loadCredentials(kubeconfig: string | undefined, env: NodeJS.ProcessEnv, context?: string): Credentials {
  const source = findSource(kubeconfig, env);
  const load = () => {
    const loaded = source.load();
    if (context !== undefined) loaded.setCurrentContext(context);
    return loaded;
  };
  let config = load();
  const cluster = config.getCurrentCluster();
  if (!cluster) {
    const asked = context === undefined ? 'current-context' : '--context';
    const found = JSON.stringify(config.getCurrentContext() ?? null);
    throw new Error(
      `cannot use ${source.name}: ${asked} must name a context and a cluster that it defines, found ${found}`,
    );
  }
  return {
    server: cluster.server,
    source: source.name,
    namespace: config.getContextObject(config.getCurrentContext())?.namespace || 'default',
    async requestOptions() {
      const options: RequestOptions = {};
      await config.applyToHTTPSOptions(options);
      return options;
    },
    reload() {
      config = load();
    },
  };
}

type Source = { readonly name: string; load(): KubeConfig };

function findSource(kubeconfig: string | undefined, env: NodeJS.ProcessEnv): Source {
  if (kubeconfig !== undefined) return fileSource([kubeconfig]);
  const listed = (env.KUBECONFIG ?? '').split(delimiter).filter((file) => file !== '');
  // As kubectl, a list may name files that do not exist.
  if (listed.length > 0) return fileSource(listed.length === 1 ? listed : listed.filter((file) => existsSync(file)));
  if (env.KUBERNETES_SERVICE_HOST && existsSync(join(SERVICE_ACCOUNT_DIRECTORY, 'token'))) {
    return { name: 'in-cluster service account', load: loadInCluster };
  }
  const home = join(homedir(), '.kube', 'config');
  if (existsSync(home)) return fileSource([home]);
  throw new Error(
    `no credentials for an API server: looked for --kubeconfig, $KUBECONFIG, a service account in ${SERVICE_ACCOUNT_DIRECTORY} and ${home}`,
  );
}

function loadInCluster(): KubeConfig {
  const config = new KubeConfig();
  config.loadFromCluster();
  return config;
}

function fileSource(files: readonly string[]): Source {
  const load = () => {
    const merged = new KubeConfig();
    // As kubectl, the first file that names a current-context decides.
    for (const file of files) merged.mergeConfig(loadFile(file), Boolean(merged.currentContext));
    return merged;
  };
  return { name: files.join(delimiter), load };
}

function loadFile(file: string): KubeConfig {
  const config = new KubeConfig();
  try {
    const content: unknown = parse(readFileSync(file, 'utf8'));
    if (typeof content !== 'object' || content === null) throw new Error('it must be a YAML mapping of kind Config');
    config.loadFromString(JSON.stringify(withTokenFiles(content, dirname(file))));
    config.makePathsAbsolute(dirname(resolve(file)));
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new Error(`cannot load kubeconfig ${file}: ${reason}`, { cause });
  }
  return config;
}

/** client-node ignores kubeconfig's `tokenFile`; its own provider of that name reads one, and again every minute. */
function withTokenFiles(content: object, directory: string): object {
  if (!('users' in content) || !Array.isArray(content.users)) return content;
  const users = content.users.map((entry) => {
    const tokenFile: unknown = entry?.user?.tokenFile;
    if (typeof tokenFile !== 'string') return entry;
    const config = { tokenFile: resolve(directory, tokenFile) };
    return { ...entry, user: { ...entry.user, token: undefined, 'auth-provider': { name: 'tokenFile', config } } };
  });
  return { ...content, users };
}
