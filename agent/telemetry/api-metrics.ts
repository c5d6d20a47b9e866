import { Counter, type Registry } from 'prom-client';

/** What the agent asks for. Anything else counts as `other`, so that no path can ever become a label. */
const RESOURCES: ReadonlySet<string> = new Set([
  'daemonsets',
  'events',
  'leases',
  'namespaces',
  'nodes',
  'nodes/status',
  'pods',
  'pods/eviction',
]);

export type ApiMetrics = ReturnType<typeof createApiMetrics>;

/** What is asked of the API server. */
export function createApiMetrics(registry: Registry) {
  const requests = new Counter({
    name: 'nsc_api_requests_total',
    help: 'Requests to the API server; code 0 where no whole answer came, resource other for what the agent has no name for.',
    labelNames: ['verb', 'resource', 'code'],
    registers: [registry],
  });
  return {
    /** @param status null when no whole answer came */
    requested({ method, path, status }: { method: string; path: string; status: number | null }): void {
      requests.inc({ verb: method, resource: resourceOf(path), code: status ?? 0 });
    },
  };
}

/** `/api/v1/nodes/node-1` → `nodes`, `…/pods/a/eviction` → `pods/eviction`: names never become labels. */
export function resourceOf(path: string): string {
  const [, resource = '', , subresource] = path
    .replace(/^\/apis\/[^/]+\/[^/]+|^\/api\/[^/]+/, '')
    .replace(/^\/namespaces\/[^/]+(?=\/)/, '')
    .split('/');
  const name = subresource === undefined ? resource : `${resource}/${subresource}`;
  return RESOURCES.has(name) ? name : 'other';
}
