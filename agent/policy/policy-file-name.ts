const POLICY_FILE = /^[^.].*\.(yaml|yml|json)$/s;

/** Whether a file in a directory, or a key of a ConfigMap, is a policy file: `*.yaml`, `*.yml` or `*.json`, no dot first. */
export function isPolicyFileName(name: string): boolean {
  return POLICY_FILE.test(name);
}
