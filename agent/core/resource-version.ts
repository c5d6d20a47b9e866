/**
 * Whether a resourceVersion is older than another one of the same resource: they are integers of any length, as etcd's
 * revisions are (KEP-5504 makes that a promise).
 *
 * @param inDoubt the answer where one of them is no integer
 */
export function isOlderVersion(a: string, b: string, inDoubt: boolean): boolean {
  if (!/^\d+$/.test(a) || !/^\d+$/.test(b)) return inDoubt;
  return a.length === b.length ? a < b : BigInt(a) < BigInt(b);
}
