import type { Place, Source } from './source.ts';

/** A value, each part of it with the place where it was written. */
export type Located = LocatedScalar | LocatedList | LocatedMap;
export type LocatedScalar = {
  readonly kind: 'scalar';
  readonly value: string | number | boolean | null;
  readonly place: Place;
  /** Of a string that another format stands in: its text, with the places of its own characters where they are known. */
  readonly inside: Source;
};
export type LocatedList = { readonly kind: 'list'; readonly items: readonly Located[]; readonly place: Place };
export type LocatedMap = { readonly kind: 'map'; readonly fields: ReadonlyMap<string, Field>; readonly place: Place };
export type Field = { readonly keyPlace: Place; readonly node: Located };

/** How deep a file may be nested; none that means something comes near. */
export const MAX_DEPTH = 64;

export function scalar(value: LocatedScalar['value'], place: Place, inside?: Source): LocatedScalar {
  return { kind: 'scalar', value, place, inside: inside ?? { text: String(value), placeOf: () => place } };
}

/** The string in that field; undefined where there is none. */
export function stringAt(node: Located | undefined, name: string): string | undefined {
  const child = node?.kind === 'map' ? node.fields.get(name)?.node : undefined;
  return child?.kind === 'scalar' && typeof child.value === 'string' ? child.value : undefined;
}

/** The beginning of a value as JSON, for a person. */
export function describe(node: Located): string {
  if (node.kind === 'list') return 'a list';
  if (node.kind === 'map') return 'an object';
  const text = JSON.stringify(node.value);
  return text.length > 80 ? `${text.slice(0, 79)}…` : text;
}
