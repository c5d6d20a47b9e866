/** Says that a text goes on. */
const SIGN = '…';
const SEPARATOR = '; ';
/** A longer item of a list that does not fit is shortened, so that there is room for others. */
const MAX_ITEM_BYTES = 500;

const UTF8 = new TextEncoder();

/** How long a text is in UTF-8. */
export function bytesOf(text: string): number {
  return UTF8.encode(text).length;
}

/** The text, if it takes no more bytes of UTF-8 than that; else its first words, and `…`. */
export function shorten(text: string, maxBytes: number): string {
  if (bytesOf(text) <= maxBytes) return text;
  let kept = '';
  let left = maxBytes - bytesOf(SIGN);
  for (const character of text) {
    left -= bytesOf(character);
    if (left < 0) break;
    kept += character;
  }
  const words = kept.replace(/\s+\S*$/, '');
  // Of a very long word at the end a part says more than nothing.
  return (words.length > kept.length / 2 ? words : kept) + SIGN;
}

/**
 * The items as one text of no more bytes of UTF-8 than that: all of them, or the first ones, each whole or shortened, and
 * how many more there are: `a; b; and 3 more`. The first is always among them.
 *
 * @param maxBytes at least 32
 */
export function listWithin(items: readonly string[], maxBytes: number): string {
  const whole = items.join(SEPARATOR);
  if (bytesOf(whole) <= maxBytes) return whole;
  // No more have a place with their separators.
  const most = Math.floor(maxBytes / SEPARATOR.length);
  const short = items.slice(0, most).map((item) => shorten(item, MAX_ITEM_BYTES));
  for (let count = short.length; count > 1; count--) {
    const text = [...short.slice(0, count), ...moreThan(count, items)].join(SEPARATOR);
    if (bytesOf(text) <= maxBytes) return text;
  }
  const more = moreThan(1, items);
  const room = maxBytes - bytesOf(['', ...more].join(SEPARATOR));
  return [shorten(items[0] ?? '', room), ...more].join(SEPARATOR);
}

function moreThan(count: number, { length }: readonly string[]): readonly string[] {
  return length > count ? [`and ${length - count} more`] : [];
}
