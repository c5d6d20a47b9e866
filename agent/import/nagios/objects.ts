import type { Note } from '../notes.ts';
import type { Definition, Directives } from './read-cfg.ts';

/** Templates by type and name, from which objects inherit. */
export class Templates {
  readonly notes: Note[] = [];
  readonly #templates = new Map<string, Definition>();
  readonly #inherited = new Map<Definition, Directives>();

  constructor(definitions: readonly Definition[]) {
    for (const definition of definitions) {
      const name = definition.directives.get('name')?.value;
      if (name !== undefined) this.#templates.set(`${definition.type} ${name}`, definition);
    }
  }

  /** The directives of an object with those it inherits; the word null takes away what would be inherited. */
  resolve(definition: Definition): Directives {
    return new Map([...this.#inherit(definition)].filter(([, { value }]) => value !== 'null'));
  }

  /** Its own first, then those of each template of `use`, in order. */
  #inherit(definition: Definition): Directives {
    const known = this.#inherited.get(definition);
    if (known !== undefined) return known;
    // That is all that a template that uses itself inherits from itself.
    this.#inherited.set(definition, definition.directives);
    const inherited = new Map(definition.directives);
    const use = definition.directives.get('use');
    for (const name of use?.value.split(',').map((each) => each.trim()) ?? []) {
      const template = this.#templates.get(`${definition.type} ${name}`);
      if (template === undefined) {
        const why = 'this template is in none of the files; give the one that defines it as well';
        if (use) this.notes.push({ what: `use ${name}`, place: use.place, why });
        continue;
      }
      for (const [key, directive] of this.#inherit(template)) {
        if (!['name', 'register', 'use'].includes(key) && !inherited.has(key)) inherited.set(key, directive);
      }
    }
    this.#inherited.set(definition, inherited);
    return inherited;
  }
}
