import type { PolicyLoad } from '../../agent/core/policy.ts';
import { loadPolicyFiles } from '../../agent/policy/load-policies.ts';
import type { Observer } from './world.ts';

/** For a world whose test looks at the Node, the requests or the Events itself. */
export const NOBODY: Observer = {
  began() {},
  runStarted: () => ({}),
  runEnded() {},
  changed() {},
  sent() {},
  given() {},
  told() {},
};

/** A directory with these documents, a file each; their apiVersion goes without saying. */
export function loadOf(...documents: readonly object[]): PolicyLoad {
  return loadPolicyFiles(
    documents.map((document, n) => ({
      name: `${n}.json`,
      bytes: Buffer.from(JSON.stringify({ apiVersion: 'node-svc-checker/v1', ...document })),
    })),
  );
}
