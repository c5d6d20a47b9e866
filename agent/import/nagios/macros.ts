/** As `HOSTADDRESS`, `USER1`, `ARG1`, `_SERVICEPORT`, `HOSTSTATE:web`; a `$` of another text is a `$`. */
const MACRO = /^_?[A-Z][A-Z0-9_]*(:[^$]*)?$/;

/** A text with the values of its macros, and those that have none. */
export type Expanded = { readonly text: string; readonly missing: readonly string[] };

/**
 * Puts in the values of `$MACROS$` as Nagios does: `$$` is a `$`.
 *
 * @param lookUp undefined for a macro that has no value here
 */
export function expandMacros(text: string, lookUp: (macro: string) => string | undefined): Expanded {
  const missing: string[] = [];
  const parts = text.split('$');
  const expanded = parts.map((part, index) => {
    if (index % 2 === 0) return part;
    if (part === '' && index < parts.length - 1) return '$';
    if (index === parts.length - 1 || !MACRO.test(part)) return `$${part}${index < parts.length - 1 ? '$' : ''}`;
    const value = lookUp(part);
    if (value === undefined) missing.push(`$${part}$`);
    return value ?? `$${part}$`;
  });
  return { text: expanded.join(''), missing: [...new Set(missing)] };
}

/** `check_disk!20%!10%` as the command's name and its arguments; `\!` is a `!` in one. */
export function splitCheckCommand(text: string): { name: string; args: string[] } {
  const [name = '', ...args] = text.split(/(?<!\\)!/).map((part) => part.replaceAll('\\!', '!'));
  return { name: name.trim(), args };
}
