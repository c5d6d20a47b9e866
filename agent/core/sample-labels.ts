import { selectorMatches } from './label-selector.ts';
import type { LabelSelector } from './policy.ts';

/** Labels of a node. */
export type Labels = Readonly<Record<string, string>>;

/** What a label can be, as far as the selectors tell it apart; undefined: it is absent. */
type Value = string | undefined;

/** Labels that both selectors select; null: there are none. An absent selector selects everything. */
export function labelsInBoth(a: LabelSelector | undefined, b: LabelSelector | undefined): Labels | null {
  const chosen = byKey(a, b, (value, of) => of(a, value) && of(b, value));
  return chosen.every(({ values }) => values.length > 0) ? labelsOf(chosen) : null;
}

/** Labels that the first selector selects and the second does not; null: there are none. */
export function labelsInFirstOnly(first: LabelSelector | undefined, second: LabelSelector | undefined): Labels | null {
  const inFirst = byKey(first, second, (value, of) => of(first, value));
  if (inFirst.some(({ values }) => values.length === 0)) return null;
  // A selector asks something of each key by itself, so one key that only the first lets be so is enough.
  for (const outside of byKey(first, second, (value, of) => of(first, value) && !of(second, value))) {
    if (outside.values.length === 0) continue;
    return labelsOf(inFirst.map((each) => (each.key === outside.key ? outside : each)));
  }
  return null;
}

type Choice = { readonly key: string; readonly values: readonly Value[] };

/** For each key that either selector asks about, those of its values that satisfy `isWanted`. */
function byKey(
  a: LabelSelector | undefined,
  b: LabelSelector | undefined,
  isWanted: (value: Value, of: (selector: LabelSelector | undefined, value: Value) => boolean) => boolean,
): Choice[] {
  const keys = [...new Set([...keysOf(a), ...keysOf(b)])];
  return keys.map((key) => {
    const named = [...valuesOf(a, key), ...valuesOf(b, key)];
    const of = (selector: LabelSelector | undefined, value: Value) =>
      selectorMatches(only(selector, key), value === undefined ? {} : { [key]: value });
    return { key, values: [undefined, ...named, otherThan(named)].filter((value) => isWanted(value, of)) };
  });
}

function labelsOf(choices: readonly Choice[]): Labels {
  const entries = choices.flatMap(({ key, values: [value] }) => (value === undefined ? [] : [[key, value] as const]));
  return Object.fromEntries(entries);
}

function only({ matchLabels = {}, matchExpressions = [] }: LabelSelector = {}, key: string): LabelSelector {
  return {
    matchLabels: Object.fromEntries(Object.entries(matchLabels).filter(([each]) => each === key)),
    matchExpressions: matchExpressions.filter((requirement) => requirement.key === key),
  };
}

function keysOf({ matchLabels = {}, matchExpressions = [] }: LabelSelector = {}): string[] {
  return [...Object.keys(matchLabels), ...matchExpressions.map(({ key }) => key)];
}

function valuesOf(selector: LabelSelector | undefined, key: string): string[] {
  const { matchLabels, matchExpressions } = only(selector, key);
  return [...Object.values(matchLabels ?? {}), ...(matchExpressions ?? []).flatMap(({ values = [] }) => values)];
}

/** A label value that is none of these. */
function otherThan(values: readonly string[]): string {
  let value = 'other';
  for (let n = 2; values.includes(value); n++) value = `other-${n}`;
  return value;
}
