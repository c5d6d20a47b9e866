/** What one file may have, and so may standard input: more than any ConfigMap, and than the objects of most Nagios servers. */
export const MAX_FILE_BYTES = 4 * 1024 * 1024;

/** Files that are read in all, those that others name among them. */
export const MAX_FILES = 1000;

/** Errors told; the others are only counted. */
export const MAX_ERRORS = 100;
