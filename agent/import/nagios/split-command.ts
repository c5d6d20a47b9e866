/** Words by which a shell does something itself, before a program of that name. */
const SHELL_WORDS = new Set(
  '! { } if case for while until function . : [ alias bg break cd command continue eval exec exit export fg read readonly return set shift source test times trap type ulimit umask unset wait'.split(
    ' ',
  ),
);

/** What means something to a shell outside of quotes; a `~` or a `#` only where a word begins. */
const SPECIAL = /[|&;<>()$`*?[\]{}\n]/;

/** The words of a command line, as a shell would split them; null if it takes a shell to know what it means. */
export function splitCommand(line: string): string[] | null {
  const words: string[] = [];
  let word: string | null = null;
  for (let at = 0; at < line.length; at++) {
    const character = line[at] ?? '';
    if (/[ \t]/.test(character)) {
      if (word !== null) words.push(word);
      word = null;
    } else if (character === "'") {
      const end = line.indexOf("'", at + 1);
      if (end === -1) return null;
      word = (word ?? '') + line.slice(at + 1, end);
      at = end;
    } else if (character === '"') {
      const quoted = readQuoted(line, at);
      if (quoted === null) return null;
      word = (word ?? '') + quoted.text;
      at = quoted.end;
    } else if (character === '\\') {
      at++;
      if (at === line.length) return null;
      word = (word ?? '') + line[at];
    } else {
      if (SPECIAL.test(character) || (word === null && /[~#]/.test(character))) return null;
      word = (word ?? '') + character;
    }
  }
  if (word !== null) words.push(word);
  const [first] = words;
  const isForShell = first === undefined || SHELL_WORDS.has(first) || /^[A-Za-z_]\w*=/.test(first);
  return isForShell ? null : words;
}

/** A part in double quotes, where a backslash escapes some characters; null if a shell puts something in, or it does not end. */
function readQuoted(line: string, start: number): { text: string; end: number } | null {
  let text = '';
  for (let at = start + 1; at < line.length; at++) {
    const character = line[at] ?? '';
    if (character === '"') return { text, end: at };
    if (character === '$' || character === '`') return null;
    const isEscape = character === '\\' && /["\\$`]/.test(line[at + 1] ?? '');
    if (isEscape) at++;
    text += line[at];
  }
  return null;
}
