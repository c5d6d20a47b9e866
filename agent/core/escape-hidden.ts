/** What steers a terminal, ends a line for some readers, turns the direction of text, or is not seen. */
const HIDDEN = /[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}]/gu;

/**
 * The text with what is hidden as escapes of JSON, such as `\n` and `\u001b`: what others wrote must neither forge a line nor
 * steer a terminal. JSON stays the same value, in which it is found in strings alone.
 */
export function escapeHidden(text: string): string {
  return text.replace(HIDDEN, (character) => {
    const escaped = JSON.stringify(character).slice(1, -1);
    // JSON itself leaves most of them as they are.
    if (escaped !== character) return escaped;
    return character.split('').map(escapeOf).join('');
  });
}

function escapeOf(unit: string): string {
  return `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`;
}
