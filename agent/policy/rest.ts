import type { Place } from './read-directory.ts';

/** What is edited in place counts once two looks found the same that are so far apart; half a file is not what was meant. */
export const AT_REST_MS = 1_000;

/** What one read of the directory found. */
export type Look = {
  /** Equal for two looks exactly when they found the same. */
  readonly content: string;
  /** Null if the directory could not be read. */
  readonly place: Place | null;
  /** When the read began and ended, on a clock that is never set, ms. */
  readonly beganMs: number;
  readonly endedMs: number;
};

/** What is known of a directory after all looks so far. */
export type Rest = {
  readonly content: string;
  /** When a look found this first, with none since that found something else. */
  readonly sinceMs: number;
  /** Since when looks have found now this, now that; null at rest. */
  readonly movingSinceMs: number | null;
  /** Where the files stood when they were last at rest; null before. */
  readonly place: Place | null;
};

/**
 * What is known after one more look. A directory is at rest if two looks AT_REST_MS apart found the same, and none in
 * between found something else; or at once if a link that is swapped has published what is there, which was whole then. So is
 * what an agent finds when it starts.
 *
 * @param before null before the first look
 */
export function restAfter(before: Rest | null, { content, place, beganMs, endedMs }: Look): Rest {
  const sinceMs = before?.content === content ? before.sinceMs : endedMs;
  const wasAtRest = before?.content === content && before.movingSinceMs === null;
  // An agent that starts takes what it finds: there is no earlier look, and nobody edits most directories ever.
  const isFirst = before === null && place !== null;
  if (isFirst || wasAtRest || beganMs - sinceMs >= AT_REST_MS || isPublished(place, before?.place ?? null)) {
    return { content, sinceMs, movingSinceMs: null, place: place ?? before?.place ?? null };
  }
  return { content, sinceMs, movingSinceMs: before?.movingSinceMs ?? endedMs, place: before?.place ?? null };
}

/**
 * Whether a link was swapped since the files were last at rest. A volume's `..data` leads to nothing else ever; of a
 * link to the directory that is only known once it has led elsewhere.
 */
function isPublished(place: Place | null, last: Place | null): boolean {
  if (place === null || place.path === last?.path) return false;
  return place.publishedBy === '..data' || (place.publishedBy === 'link' && last !== null && place.base !== last.base);
}
