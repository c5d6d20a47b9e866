/*
 * How much a policy directory may cost. No policy comes near; the bounds keep a file that got there by mistake from
 * taking the agent's memory, or its one thread from the checks it runs.
 */

export const MAX_FILE_BYTES = 1024 * 1024;
export const MAX_FILES = 256;
export const MAX_TOTAL_BYTES = 4 * 1024 * 1024;

/** In all files together, empty ones counted. */
export const MAX_DOCUMENTS = 4096;

/** Keys, values, spaces, and lines as well; a policy has some 200. The YAML parser's time can grow with their square. */
export const MAX_TOKENS_PER_DOCUMENT = 20_000;

/** Fields and list items; what stands behind an alias counts at each use. */
export const MAX_VALUES_PER_DOCUMENT = 5_000;

export const MAX_DEPTH = 64;

/** What one YAML document may have, each as told above. */
export type DocumentBounds = { readonly tokens: number; readonly values: number; readonly depth: number };

/** What a document of a policy file may have. */
export const POLICY_BOUNDS: DocumentBounds = {
  tokens: MAX_TOKENS_PER_DOCUMENT,
  values: MAX_VALUES_PER_DOCUMENT,
  depth: MAX_DEPTH,
};

/** Errors told; the others are only counted. */
export const MAX_ERRORS = 100;

/*
 * How much a rendered stream of Kubernetes objects may cost, most of which is none of ours: every object of a few
 * clusters fits.
 */

export const MAX_STREAM_BYTES = 16 * 1024 * 1024;

/** What a document of a stream may have; there are lists with all the objects of a cluster. */
export const MANIFEST_BOUNDS: DocumentBounds = { tokens: 1_000_000, values: 500_000, depth: 256 };

/** What an API server takes, the values of all keys together. */
export const MAX_CONFIG_MAP_BYTES = 1024 * 1024;
