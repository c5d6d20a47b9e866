import { type Place, Refusal, type Source } from '../source.ts';

export type Setting = { readonly name: string; readonly value: string; readonly place: Place };
/** A `define TYPE { … }`. */
export type Definition = { readonly type: string; readonly place: Place; readonly directives: Directives };
export type Directives = ReadonlyMap<string, Directive>;
export type Directive = { readonly value: string; readonly place: Place };

/** What stands in a file of Nagios or NRPE, whichever of them it is: objects, settings, macros, commands. */
export type CfgFile = { readonly settings: readonly Setting[]; readonly definitions: readonly Definition[] };

/**
 * Reads a configuration file as Nagios and NRPE do, line by line.
 *
 * @throws Refusal at the first line that is neither `define TYPE {` nor NAME=VALUE
 */
export function readCfg(source: Source): CfgFile {
  const settings: Setting[] = [];
  const definitions: Definition[] = [];
  let open: { type: string; place: Place; directives: Map<string, Directive> } | null = null;
  for (const { text, offset, joined } of linesOf(source.text, () => open !== null)) {
    const place = source.placeOf(offset);
    if (text === '' || text.startsWith('#') || text.startsWith(';')) continue;
    // A semicolon begins a comment where objects are, and belongs to the command where NRPE's commands are.
    const [, type, rest] = /^define\s+([a-z]+)\s*(.*)$/.exec(withoutComment(joined)) ?? [];
    if (open === null && type !== undefined) {
      if (rest !== '{')
        throw new Refusal(
          place,
          '$',
          'must end with { after the type, each directive on a line of its own',
          JSON.stringify(text),
        );
      open = { type, place, directives: new Map() };
    } else if (open !== null) {
      const line = withoutComment(joined);
      if (line === '}') {
        definitions.push(open);
        open = null;
      } else if (type !== undefined) {
        throw new Refusal(
          place,
          '$',
          `must have } before it: define ${open.type} of line ${open.place.line} is still open`,
        );
      } else if (line !== '') {
        const [, name = '', value = ''] = /^(\S+)\s*(.*)$/.exec(line) ?? [];
        open.directives.set(name, { value, place });
      }
    } else {
      const [, name, value] = /^([^=\s][^=]*?)\s*=\s*(.*)$/.exec(text) ?? [];
      if (name === undefined || value === undefined) {
        throw new Refusal(
          place,
          '$',
          'must be define TYPE {, or NAME=VALUE, as in files of Nagios and NRPE',
          JSON.stringify(text.slice(0, 80)),
        );
      }
      settings.push({ name, value, place });
    }
  }
  if (open !== null) throw new Refusal(open.place, '$', `must end with }`, `define ${open.type}`);
  return { settings, definitions };
}

type Line = { readonly text: string; readonly offset: number; readonly joined: string };

/**
 * Lines without the space around them, and `joined` with those that they go on in after a backslash.
 *
 * @param goOn whether they can: only inside of definitions
 */
function* linesOf(text: string, goOn: () => boolean): Generator<Line> {
  let begun: Line | null = null;
  let offset = 0;
  for (const raw of text.split('\n')) {
    const line = raw.trim();
    const first: Line = begun ?? { text: line, offset: offset + raw.length - raw.trimStart().length, joined: '' };
    const whole: Line = { ...first, joined: first.joined + line };
    offset += raw.length + 1;
    const goesOn = goOn() && /(?:^|[^\\])\\$/.test(whole.joined) && !whole.text.startsWith('#');
    begun = goesOn ? { ...whole, joined: whole.joined.slice(0, -1) } : null;
    if (!goesOn) yield whole;
  }
  if (begun !== null) yield begun;
}

function withoutComment(line: string): string {
  const end = /(?<!\\);/.exec(line)?.index ?? line.length;
  return line.slice(0, end).replaceAll('\\;', ';').trim();
}
