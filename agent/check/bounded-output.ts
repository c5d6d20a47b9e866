import type { Readable } from 'node:stream';

/** How much of each stream is kept, from its beginning, in bytes. */
export const KEPT_BYTES = 4096;

/** Reads a stream to its end, so that its writer never blocks, and keeps only the first {@link KEPT_BYTES}. */
export class BoundedOutput {
  readonly #stream: Readable | undefined;
  readonly #kept = Buffer.alloc(KEPT_BYTES);
  #bytes = 0;

  /** Without a stream, because the child got none (too many open files), it is empty. */
  constructor(stream: Readable | undefined) {
    this.#stream = stream;
    stream?.on('data', (chunk: Uint8Array) => {
      // Copied, because a slice would keep the whole chunk in memory.
      if (this.#bytes < KEPT_BYTES) this.#kept.set(chunk.subarray(0, KEPT_BYTES - this.#bytes), this.#bytes);
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
    const kept = this.#kept.subarray(0, Math.min(this.#bytes, KEPT_BYTES));
    return new TextDecoder().decode(kept, { stream: this.#bytes > KEPT_BYTES });
  }

  /** Stops reading; a process that still writes gets SIGPIPE. */
  close(): void {
    this.#stream?.destroy();
  }
}

/** Frees a chunk's memory at once: left to the garbage collector, a flood piles up 60 MB on Node, 280 MB on Deno. */
function release({ buffer, length }: Uint8Array): void {
  const isAllOfIt = length === buffer.byteLength;
  if (isAllOfIt && buffer instanceof ArrayBuffer) buffer.transfer(0);
}
