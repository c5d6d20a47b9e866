import { Buffer } from 'node:buffer';

/** All bytes of a stream, or null as soon as there are more than `limit`; the rest is not read then. */
export async function readBounded(stream: AsyncIterable<Uint8Array>, limit: number): Promise<Uint8Array | null> {
  const chunks: Uint8Array[] = [];
  let length = 0;
  for await (const chunk of stream) {
    length += chunk.length;
    if (length > limit) return null;
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}
