import type { PolicyError } from '../../core/policy.ts';
import { MAX_ERRORS } from '../limits.ts';
import { describe, type Located, type LocatedMap } from '../located.ts';
import type { Note } from '../notes.ts';
import { type Place, Refusal } from '../source.ts';
import { parseGoDuration } from './go-duration.ts';

/** What was found while a monitor was read. */
export class Findings {
  readonly errors: PolicyError[] = [];
  readonly notes: Note[] = [];
  omitted = 0;

  refuse(place: Place, path: string, requirement: string, found?: string): void {
    this.add(new Refusal(place, path, requirement, found));
  }

  add({ error }: Refusal): void {
    if (this.errors.length < MAX_ERRORS) this.errors.push(error);
    else this.omitted++;
  }
}

/** The fields of one object, each read once and as what it has to be; what was never asked for is not known. */
export class Fields {
  readonly place: Place;
  readonly #map: LocatedMap;
  readonly #path: string;
  readonly #findings: Findings;
  readonly #known = new Set<string>();

  constructor(map: LocatedMap, path: string, findings: Findings) {
    this.place = map.place;
    this.#map = map;
    this.#path = path;
    this.#findings = findings;
  }

  /** The empty string where there is none; refused if it is not a string. */
  string(name: string): string {
    const node = this.#take(name);
    if (node === undefined) return '';
    if (node.kind === 'scalar' && typeof node.value === 'string') return node.value;
    this.refuse(name, 'must be a string', node);
    return '';
  }

  /** As {@link string}, but it must be there. */
  needed(name: string): string {
    const text = this.string(name);
    if (text === '' && !this.#refused(name)) this.refuse(name, 'is required');
    return text;
  }

  /** Seconds of a Go duration; undefined where there is none. */
  seconds(name: string): number | undefined {
    if (this.#take(name) === undefined) return undefined;
    const text = this.string(name);
    const seconds = parseGoDuration(text);
    if (seconds === null && !this.#refused(name)) {
      this.refuse(name, 'must be a duration above zero, as 30s or 1m30s', this.#take(name));
    }
    return seconds ?? undefined;
  }

  /** The items of a list; none where there is none. */
  list(name: string): readonly Located[] {
    const node = this.#take(name);
    if (node === undefined) return [];
    if (node.kind === 'list') return node.items;
    this.refuse(name, 'must be a list', node);
    return [];
  }

  /** Objects of a list, or of a field. */
  objects(name: string): Fields[] {
    const node = this.#take(name);
    const items =
      node?.kind === 'map'
        ? [[node, `${this.#path}.${name}`] as const]
        : this.list(name).map((item, index) => [item, `${this.#path}.${name}[${index}]`] as const);
    return items.flatMap(([item, path]) => {
      if (item.kind === 'map') return [new Fields(item, path, this.#findings)];
      this.#findings.refuse(item.place, path, 'must be an object', describe(item));
      return [];
    });
  }

  /** Those of a list that can be words of a command. */
  strings(name: string): string[] {
    return this.list(name).flatMap((item, index) => {
      const text = item.kind === 'scalar' && typeof item.value === 'string' ? item.value : null;
      if (text !== null && !text.includes('\0')) return [text];
      const requirement = text === null ? 'must be a string' : 'must not contain a NUL character';
      this.#findings.refuse(item.place, `${this.#path}.${name}[${index}]`, requirement, describe(item));
      return [];
    });
  }

  placeOf(name: string): Place {
    const field = this.#map.fields.get(name);
    return field?.keyPlace ?? this.place;
  }

  refuse(name: string, requirement: string, node?: Located): void {
    const found = node && describe(node);
    this.#findings.refuse(node?.place ?? this.placeOf(name), `${this.#path}.${name}`, requirement, found);
  }

  /** Notes for the fields that are there and say something that a policy cannot. */
  leaveOut(reasons: Readonly<Record<string, string>>): Note[] {
    return Object.entries(reasons).flatMap(([name, why]) =>
      this.#take(name) === undefined ? [] : [{ what: name, place: this.placeOf(name), why }],
    );
  }

  /** Notes for the fields that nobody asked for. */
  leaveOutUnknown(): Note[] {
    const unknown = [...this.#map.fields].filter(([name]) => !this.#known.has(name));
    return unknown.map(([what, { keyPlace }]) => ({
      what,
      place: keyPlace,
      why: 'no field that node-problem-detector knows',
    }));
  }

  #take(name: string): Located | undefined {
    this.#known.add(name);
    const node = this.#map.fields.get(name)?.node;
    // Go leaves a field as it is where JSON has null.
    return node?.kind === 'scalar' && node.value === null ? undefined : node;
  }

  #refused(name: string): boolean {
    return this.#findings.errors.some(({ path }) => path === `${this.#path}.${name}`);
  }
}
