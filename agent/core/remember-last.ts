/**
 * The same pure function of a text, which remembers what the last text came to: a Node says the same at nearly every event,
 * and is asked several times at each.
 *
 * The text is all that the answer rests on, so the answer cannot go stale. It is given to everybody who asks, so nobody may
 * change it.
 */
export function rememberLast<T>(read: (text: string) => T): (text: string) => T {
  let last: { readonly text: string; readonly answer: T } | null = null;
  return (text) => {
    if (last?.text !== text) last = { text, answer: read(text) };
    return last.answer;
  };
}
