import type { Check, PolicyError } from '../core/policy.ts';
import type { Note } from './notes.ts';
import type { Place } from './source.ts';

/** What became of what was read. With errors there is nothing else to use. */
export type Imported = {
  readonly drafts: readonly Draft[];
  /** What people have to know beside the policies. */
  readonly notes: readonly Note[];
  readonly errors: readonly PolicyError[];
  /** How many more errors there are. */
  readonly omitted: number;
};

/** One policy to be, with the reason for each decision. All of them are in `mode: Observe`. */
export type Draft = {
  /** A DNS-1123 label, unique among the drafts. */
  readonly name: string;
  /** What it was made of. */
  readonly about: string;
  /** Where its command was written. */
  readonly place: Place;
  readonly check: DraftCheck;
  /** Absent: none. */
  readonly nodeCondition?: string;
  readonly why: Readonly<Partial<Record<Explained, string>>>;
  /** What is not in it, of what it was made of. */
  readonly notes: readonly Note[];
};

export type DraftCheck = Omit<Check, 'env' | 'initialDelaySeconds' | 'words'>;

/** The fields that a comment may stand before. */
export type Explained = 'mode' | 'nodeCondition' | 'unknown' | keyof DraftCheck;

/** Which the schema allows for every number of seconds. */
export const MOST_SECONDS = 86_400;

/** Whole seconds from 1 to a day; parts of a second count as one. */
export function toSeconds(seconds: number): number {
  return Math.min(Math.max(Math.ceil(seconds), 1), MOST_SECONDS);
}
