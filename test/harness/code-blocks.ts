/** The code blocks of a Markdown text in one language; one that is part of a list item loses the item's indentation. */
export function codeBlocks(text: string, language: string): string[] {
  const blocks = text.matchAll(new RegExp(`^( *)\`\`\`${language}\\n([\\s\\S]*?)^\\1\`\`\`$`, 'gm'));
  return [...blocks].map(([, indent = '', body = '']) => body.replace(new RegExp(`^${indent}`, 'gm'), ''));
}

/** The code blocks that have the name of a file behind their language, by that name. */
export function namedBlocks(text: string): Readonly<Record<string, string>> {
  const blocks = text.matchAll(/^```\w+ (\S+)\n([\s\S]*?)^```$/gm);
  return Object.fromEntries([...blocks].map(([, name = '', body = '']) => [name, body]));
}
