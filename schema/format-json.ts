const LINE_WIDTH = 120;

/**
 * Prints JSON the way the repository's formatter leaves it alone: an array stands on one line if it fits, and so does
 * an object that holds no object itself.
 */
export function formatJson(value: unknown): string {
  return `${print(value, '', 0)}\n`;
}

/** @param taken characters of the line already used before the value and after it */
function print(value: unknown, indent: string, taken: number): string {
  if (typeof value !== 'object' || value === null) return JSON.stringify(value);
  const line = printOnOneLine(value);
  if (line !== null && indent.length + taken + line.length <= LINE_WIDTH) return line;

  const inner = `${indent}  `;
  const entries = Object.entries(value);
  const lines = entries.map(([key, member], index) => {
    const name = Array.isArray(value) ? '' : `${JSON.stringify(key)}: `;
    const comma = index < entries.length - 1 ? ',' : '';
    return inner + name + print(member, inner, name.length + comma.length) + comma;
  });
  const [open, close] = Array.isArray(value) ? '[]' : '{}';
  return [open, ...lines, indent + close].join('\n');
}

/** Null if the value has to be spread over lines whatever its length. */
function printOnOneLine(value: unknown): string | null {
  if (typeof value !== 'object' || value === null) return JSON.stringify(value);
  if (Array.isArray(value)) {
    const items = value.map(printOnOneLine);
    return items.includes(null) ? null : `[${items.join(', ')}]`;
  }
  const members = Object.entries(value).map(([key, member]) => {
    const holdsObject = typeof member === 'object' && member !== null && !Array.isArray(member);
    const line = printOnOneLine(member);
    return holdsObject || line === null ? null : `${JSON.stringify(key)}: ${line}`;
  });
  if (members.length === 0) return '{}';
  return members.includes(null) ? null : `{ ${members.join(', ')} }`;
}
