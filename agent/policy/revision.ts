import { Buffer } from 'node:buffer';
import { createHash } from 'node:crypto';
import type { PositionInFile } from './block-position.ts';

/** A policy file as read. */
export type PolicyFile = {
  /** The name in its directory, or as the person knows it. */
  readonly name: string;
  readonly bytes: Uint8Array;
  /** Where its lines stand, if that is in another file; absent: in itself. */
  readonly positionIn?: PositionInFile;
};

/**
 * The revision of a set of files, whatever their order: the first 12 hex digits of the SHA-256 over the files sorted
 * by name, each as name, NUL, byte length in decimal, NUL, contents.
 */
export function revisionOf(files: readonly PolicyFile[]): string {
  const hash = createHash('sha256');
  for (const { name, bytes } of sortedByName(files)) hash.update(`${name}\0${bytes.length}\0`).update(bytes);
  return hash.digest('hex').slice(0, 12);
}

/** In lexical order, which is that of the names' UTF-8 bytes and the same on every machine and in every locale. */
export function sortedByName<File extends { readonly name: string }>(files: readonly File[]): File[] {
  return [...files].sort((a, b) => compareNames(a.name, b.name));
}

export function compareNames(a: string, b: string): number {
  return Buffer.compare(Buffer.from(a), Buffer.from(b));
}
