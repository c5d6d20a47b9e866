import { type Field, type Located, MAX_DEPTH, scalar } from './located.ts';
import { Refusal, type Source } from './source.ts';

const WORDS: ReadonlyMap<string, boolean | null> = new Map([
  ['true', true],
  ['false', false],
  ['null', null],
]);

/**
 * Reads JSON values that follow one another. As strict as what reads such files today: YAML, of which JSON is a part, would
 * make something of a missing comma.
 *
 * @throws Refusal at the first character that is no JSON
 */
export function readJson(source: Source): Located[] {
  const reader = new JsonReader(source);
  const values: Located[] = [];
  while (!reader.isAtEnd()) values.push(reader.read('$', 0));
  return values;
}

class JsonReader {
  readonly #source: Source;
  #at = 0;

  constructor(source: Source) {
    this.#source = source;
  }

  isAtEnd(): boolean {
    this.#match(/[ \t\r\n]*/y);
    return this.#at === this.#source.text.length;
  }

  read(path: string, depth: number): Located {
    if (this.isAtEnd()) throw this.#refusal(path, 'must be complete', 'the end of the text');
    if (depth > MAX_DEPTH) throw this.#refusal(path, `must have at most ${MAX_DEPTH} levels`);
    const place = this.#place();
    switch (this.#source.text[this.#at]) {
      case '{':
        return { kind: 'map', fields: this.#readFields(path, depth), place };
      case '[':
        return { kind: 'list', items: this.#readItems(path, depth), place };
      case '"':
        return scalar(this.#readString(path), place);
      default:
        return scalar(this.#readWord(path), place);
    }
  }

  #readFields(path: string, depth: number): ReadonlyMap<string, Field> {
    const fields = new Map<string, Field>();
    for (const _ of this.#separated(path, '}')) {
      const keyPlace = this.#place();
      if (this.#source.text[this.#at] !== '"')
        throw this.#refusal(path, 'must have a field name in double quotes here');
      const name = this.#readString(path);
      const fieldPath = `${path}.${name}`;
      if (fields.has(name)) throw new Refusal(keyPlace, fieldPath, 'must be there only once');
      this.#expect(fieldPath, ':');
      fields.set(name, { keyPlace, node: this.read(fieldPath, depth + 1) });
    }
    return fields;
  }

  #readItems(path: string, depth: number): Located[] {
    const items: Located[] = [];
    for (const _ of this.#separated(path, ']')) items.push(this.read(`${path}[${items.length}]`, depth + 1));
    return items;
  }

  /** Stops before each of what is separated by commas, and after `end`. */
  *#separated(path: string, end: '}' | ']'): Generator<void> {
    this.#at++;
    for (let count = 0; ; count++) {
      if (this.isAtEnd()) throw this.#refusal(path, `must end with ${end}`, 'the end of the text');
      if (this.#source.text[this.#at] === end) break;
      if (count > 0) {
        if (this.#source.text[this.#at] !== ',') throw this.#refusal(path, `must have , or ${end} here`);
        this.#at++;
        this.isAtEnd();
      }
      yield;
    }
    this.#at++;
  }

  #expect(path: string, character: string): void {
    if (this.isAtEnd() || this.#source.text[this.#at] !== character) {
      throw this.#refusal(path, `must have ${character} here`);
    }
    this.#at++;
  }

  #readString(path: string): string {
    const { text } = this.#source;
    let end = this.#at + 1;
    while (end < text.length && text[end] !== '"') end += text[end] === '\\' ? 2 : 1;
    try {
      const value: string = JSON.parse(text.slice(this.#at, end + 1));
      this.#at = end + 1;
      return value;
    } catch {
      throw this.#refusal(path, 'must be a JSON string, on one line and ended by a double quote');
    }
  }

  #readWord(path: string): number | boolean | null {
    const start = this.#at;
    const word = this.#match(/[-+.\w]+/y);
    const known = WORDS.get(word);
    if (known !== undefined) return known;
    if (/^-?(0|[1-9]\d*)(\.\d+)?([eE][-+]?\d+)?$/.test(word)) return Number(word);
    this.#at = start;
    throw this.#refusal(path, 'must be a JSON value');
  }

  #match(pattern: RegExp): string {
    pattern.lastIndex = this.#at;
    const found = pattern.exec(this.#source.text)?.[0] ?? '';
    this.#at += found.length;
    return found;
  }

  #place() {
    return this.#source.placeOf(this.#at);
  }

  #refusal(path: string, requirement: string, found?: string): Refusal {
    const [next = ''] = /^\S{0,20}/.exec(this.#source.text.slice(this.#at)) ?? [];
    return new Refusal(this.#place(), path, requirement, found ?? JSON.stringify(next));
  }
}
