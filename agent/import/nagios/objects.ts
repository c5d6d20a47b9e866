import type { Note } from '../notes.ts';
import type { Definition, Directives } from './read-cfg.ts';

/** Templates by type and name, from which objects inherit. */
export class Templates {
  readonly notes: Note[] = [];
  readonly #templates = new Map<string, Definition>();

  constructor(definitions: readonly Definition[]) {
    for (const definition of definitions) {
      const name = definition.directives.get('name')?.value;
      if (name !== undefined) this.#templates.set(`${definition.type} ${name}`, definition);
    }
  }

  /** The directives of an object with those it inherits: its own first, then those of each template of `use`, in order. */
  resolve(definition: Definition, inheriting: ReadonlySet<Definition> = new Set()): Directives {
    const resolved = new Map(definition.directives);
    const use = definition.directives.get('use');
    for (const name of use?.value.split(',').map((each) => each.trim()) ?? []) {
      const template = this.#templates.get(`${definition.type} ${name}`);
      // A template that uses itself inherits nothing more from itself.
      if (template !== undefined && inheriting.has(template)) continue;
      if (template === undefined) {
        const why = 'this template is in none of the files; give the one that defines it as well';
        if (use) this.notes.push({ what: `use ${name}`, place: use.place, why });
        continue;
      }
      for (const [key, directive] of this.resolve(template, new Set([...inheriting, definition]))) {
        if (!['name', 'register', 'use'].includes(key) && !resolved.has(key)) resolved.set(key, directive);
      }
    }
    // The word null takes away what would be inherited.
    return inheriting.size > 0 ? resolved : new Map([...resolved].filter(([, { value }]) => value !== 'null'));
  }
}
