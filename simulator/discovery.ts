import { noSuchPath } from './api-error.ts';
import { PODS, RESOURCES, type Resource } from './resources.ts';

const VERBS = ['create', 'delete', 'get', 'list', 'patch', 'update', 'watch'];

/** The version the simulator says it is; its behaviour is compared with this one's. */
const VERSION = { major: '1', minor: '35', gitVersion: 'v1.35.4', platform: 'simulator' };

/** What clients like kubectl ask first: which groups, versions and resources there are. Undefined: not such a path. */
export function discover(path: string): object | undefined {
  const [root, ...rest] = path.split('/').filter((part) => part !== '');
  if (root === 'version' && rest.length === 0) return VERSION;
  if (root === 'api' && rest.length === 0) return { kind: 'APIVersions', versions: ['v1'] };
  if (root === 'apis' && rest.length === 0) return groupList();
  if (root === 'api' && rest.length === 1) return resourceList('', rest[0] ?? '');
  if (root === 'apis' && rest.length === 2) return resourceList(rest[0] ?? '', rest[1] ?? '');
  return undefined;
}

function groupList(): object {
  const named = [...new Set(RESOURCES.map(({ group }) => group))].filter((group) => group !== '');
  const groups = named.map((name) => {
    const version = { groupVersion: `${name}/v1`, version: 'v1' };
    return { name, versions: [version], preferredVersion: version };
  });
  return { kind: 'APIGroupList', apiVersion: 'v1', groups };
}

function resourceList(group: string, version: string): object {
  const resources = RESOURCES.filter((resource) => resource.group === group && resource.version === version);
  if (resources.length === 0) throw noSuchPath();
  const groupVersion = group === '' ? version : `${group}/${version}`;
  return { kind: 'APIResourceList', groupVersion, resources: resources.flatMap(describeResource) };
}

function describeResource(resource: Resource): object[] {
  const { plural, kind, namespaced } = resource;
  const described: object[] = [{ name: plural, singularName: kind.toLowerCase(), namespaced, kind, verbs: VERBS }];
  if (resource.hasStatus) {
    described.push({ name: `${plural}/status`, singularName: '', namespaced, kind, verbs: ['get', 'patch', 'update'] });
  }
  if (resource === PODS) {
    const eviction = { kind: 'Eviction', group: 'policy', version: 'v1', verbs: ['create'] };
    described.push({ name: 'pods/eviction', singularName: '', namespaced, ...eviction });
  }
  return described;
}
