/** As `HOSTADDRESS`, `USER1`, `ARG1`, `HOSTSTATE:web`, of a variable of one's own `_HOSTsnmp-port`; a `$` of another text is a `$`. */
const MACRO = /^(_?[A-Z][A-Z0-9_]*|_(HOST|SERVICE|CONTACT)[^$:\s]+)(:[^$]*)?$/;

/** A text with the values of its macros, and those that have none. */
export type Expanded = { readonly text: string; readonly missing: readonly string[] };

/**
 * Puts in the values of `$MACROS$` as Nagios does: `$$` is a `$`.
 *
 * @param lookUp undefined for a macro that has no value here; what is missing in a value is missing in the text
 */
export function expandMacros(text: string, lookUp: (macro: string) => string | Expanded | undefined): Expanded {
  const missing: string[] = [];
  const parts = text.split('$');
  const expanded = parts.map((part, index) => {
    if (index % 2 === 0) return part;
    if (part === '' && index < parts.length - 1) return '$';
    if (index === parts.length - 1 || !MACRO.test(part)) return `$${part}${index < parts.length - 1 ? '$' : ''}`;
    const value = lookUp(part);
    if (typeof value === 'object') missing.push(...value.missing);
    if (value === undefined) missing.push(`$${part}$`);
    return (typeof value === 'object' ? value.text : value) ?? `$${part}$`;
  });
  return { text: expanded.join(''), missing: [...new Set(missing)] };
}

/** `check_disk!20%!10%` as the command's name and its arguments; `\!` is a `!` in one. */
export function splitCheckCommand(text: string): { name: string; args: string[] } {
  const [name = '', ...args] = text.split(/(?<!\\)!/).map((part) => part.replaceAll('\\!', '!'));
  return { name: name.trim(), args };
}

/** Those that a file gives a value; all others Nagios knows while it runs. */
const GIVEN_BY_FILES = /^\$(USER|ARG)\d+\$$/;

/**
 * Why a line with these macros left in it cannot be a command.
 *
 * @param isSecret whether a macro has a value that is kept back
 */
export function whyMissing(missing: readonly string[], isSecret: (macro: string) => boolean): string {
  const secret = missing.filter(isSecret);
  const [absent, others] = [true, false].map((given) =>
    missing.filter((macro) => !isSecret(macro) && GIVEN_BY_FILES.test(macro) === given),
  ) as [string[], string[]];
  const reasons: readonly (readonly [readonly string[], string, string])[] = [
    [
      secret,
      'is no path and may be a password, which is not written into a policy',
      'are no paths and may be passwords, which are not written into a policy',
    ],
    [absent, 'has no value in these files', 'have no values in these files'],
    [others, 'is not replaced by the importer', 'are not replaced by the importer'],
  ];
  return reasons
    .filter(([{ length }]) => length > 0)
    .map(([macros, one, several]) => `${macros.join(', ')} ${macros.length === 1 ? one : several}`)
    .join('; ');
}
