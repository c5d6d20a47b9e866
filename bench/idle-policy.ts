/** The text of a policy file: another revision for each number, with a check that is out of the way. */
export function idlePolicy(revision: number): string {
  return JSON.stringify({
    apiVersion: 'node-svc-checker/v1',
    kind: 'NodeCheckPolicy',
    metadata: { name: 'bench' },
    spec: { check: { command: ['/bin/true'], periodSeconds: 3600, failureThreshold: revision + 1 } },
  });
}
