import type { Readable } from 'node:stream';

/** How much of each stream is kept, from its beginning, in bytes. */
export const KEPT_BYTES = 4096;
/** How much of the end of a longer one is kept too, in bytes. */
export const KEPT_END_BYTES = 1024;

/**
 * Reads a stream to its end, so that its writer never blocks, and keeps only the first {@link KEPT_BYTES}, and of a longer
 * one the last {@link KEPT_END_BYTES}.
 */
export class BoundedOutput {
  readonly #stream: Readable | undefined;
  // Most checks write nothing.
  #kept: Buffer | undefined;
  #end: Buffer | undefined;
  #bytes = 0;

  /** Without a stream, because the child got none (too many open files), it is empty. */
  constructor(stream: Readable | undefined) {
    this.#stream = stream;
    stream?.on('data', (chunk: Uint8Array) => {
      // Copied, because a slice would keep the whole chunk in memory.
      const room = Math.max(0, KEPT_BYTES - this.#bytes);
      this.#kept ??= Buffer.alloc(KEPT_BYTES);
      this.#kept.set(chunk.subarray(0, room), Math.min(this.#bytes, KEPT_BYTES));
      if (chunk.length > room) this.#end = withLast(this.#end ?? this.#kept, chunk.subarray(room));
      this.#bytes += chunk.length;
      release(chunk);
    });
    // A pipe that breaks is one that has ended: what came before counts.
    stream?.on('error', () => {});
  }

  /** Bytes read in all, kept or dropped. */
  get bytes(): number {
    return this.#bytes;
  }

  /** What was kept, with U+FFFD for what is not UTF-8; a character cut by the bound is left out. */
  text(): string {
    const kept = this.#kept?.subarray(0, Math.min(this.#bytes, KEPT_BYTES));
    return new TextDecoder().decode(kept, { stream: this.#bytes > KEPT_BYTES });
  }

  /** The last of a stream that was not kept as a whole, else undefined; a character cut at its start is left out. */
  end(): string | undefined {
    if (this.#end === undefined) return undefined;
    const start = this.#end.findIndex((byte, i) => i === MAX_CUT_BYTES || !isWithinCharacter(byte));
    return new TextDecoder('utf-8', { ignoreBOM: true }).decode(this.#end.subarray(start));
  }

  /** Stops reading; a process that still writes gets SIGPIPE. */
  close(): void {
    this.#stream?.destroy();
  }
}

/** How many bytes a UTF-8 character has after its first one, at most. */
const MAX_CUT_BYTES = 3;

/** The last bytes of `before` and `chunk`, copied. */
function withLast(before: Buffer, chunk: Uint8Array): Buffer {
  return Buffer.concat([before.subarray(-KEPT_END_BYTES), chunk.subarray(-KEPT_END_BYTES)]).subarray(-KEPT_END_BYTES);
}

function isWithinCharacter(byte: number): boolean {
  return (byte & 0b1100_0000) === 0b1000_0000;
}

/** Frees a chunk's memory at once: left to the garbage collector, a flood piles up 60 MB on Node, 280 MB on Deno. */
function release({ buffer, length }: Uint8Array): void {
  const isAllOfIt = length === buffer.byteLength;
  if (isAllOfIt && buffer instanceof ArrayBuffer) buffer.transfer(0);
}
