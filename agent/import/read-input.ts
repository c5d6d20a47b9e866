import { Buffer } from 'node:buffer';
import { createReadStream } from 'node:fs';
import { MAX_FILE_BYTES } from './limits.ts';
import { fileSource, Refusal, type Source } from './source.ts';

/** The path that stands for standard input. */
const STANDARD_INPUT = '-';

/**
 * The text of a file, or of `-`.
 *
 * @throws Refusal when it cannot be read, is too large or is no UTF-8
 */
export async function readInput(path: string, stdin: AsyncIterable<Uint8Array>): Promise<Source> {
  const whole = { file: path, line: 0, column: 0 };
  const chunks: Uint8Array[] = [];
  let length = 0;
  try {
    for await (const chunk of path === STANDARD_INPUT ? stdin : createReadStream(path)) {
      length += chunk.length;
      chunks.push(chunk);
      if (length > MAX_FILE_BYTES) break;
    }
  } catch (error) {
    const isMissing = error instanceof Error && 'code' in error && error.code === 'ENOENT';
    const message = error instanceof Error ? error.message : String(error);
    const reason = isMissing ? 'nothing is there: correct the path' : message;
    throw new Refusal(whole, '$', `must be a file that can be read (${reason})`);
  }
  if (length > MAX_FILE_BYTES) throw new Refusal(whole, '$', `must be at most ${MAX_FILE_BYTES} bytes long`);
  const bytes = Buffer.concat(chunks);
  const source = fileSource(path, new TextDecoder().decode(bytes));
  if (!isUtf8(bytes)) throw new Refusal(source.placeOf(source.text.indexOf('\ufffd')), '$', 'must be UTF-8');
  return source;
}

function isUtf8(bytes: Uint8Array): boolean {
  try {
    new TextDecoder('utf-8', { fatal: true }).decode(bytes);
    return true;
  } catch {
    return false;
  }
}
