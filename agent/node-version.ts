/** The oldest Node.js that the Kubernetes client, and so this program, works on. */
const OLDEST = [22, 19] as const;

/**
 * Says what is wrong with the Node.js that runs this program, as a sentence for a person; undefined if nothing is.
 *
 * @param version As in `process.versions.node`, which Deno sets too: to the Node.js that it is compatible with.
 */
export function findNodeProblem(version: string): string | undefined {
  const [major = 0, minor = 0] = version.split('.').map(Number);
  const [oldestMajor, oldestMinor] = OLDEST;
  const fits = major > oldestMajor || (major === oldestMajor && minor >= oldestMinor);
  return fits ? undefined : `needs Node.js ${OLDEST.join('.')} or newer, found ${version}`;
}
