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

/** Errors told; the others are only counted. */
export const MAX_ERRORS = 100;
