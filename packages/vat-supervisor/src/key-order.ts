import harden from '@endo/harden';
import { compareKeys } from '@cooperage/protocol';

const CHUNK = 512;

/** Index of the first item that does not come before `key`. */
const lowerBound = (
  length: number,
  at: (index: number) => string,
  key: string,
): number => {
  let low = 0;
  let high = length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (compareKeys(at(middle), key) < 0) {
      low = middle + 1;
    } else {
      high = middle;
    }
  }
  return low;
};

/**
 * A set of keys in the byte order of their UTF-8. Sorted runs of at most 512
 * keys, found by their last key: a look-up costs two binary searches, a change
 * moves one run.
 */
export const makeKeyOrder = (sorted: readonly string[]) => {
  const chunks: string[][] = [];
  for (let start = 0; start < sorted.length; start += CHUNK / 2) {
    chunks.push(sorted.slice(start, start + CHUNK / 2));
  }
  const lastOf = (index: number): string => chunks[index]?.at(-1) ?? '';
  /** Index of the chunk where a key is, or belongs; `chunks.length` past the end. */
  const chunkFor = (key: string): number =>
    lowerBound(chunks.length, lastOf, key);
  const placeIn = (chunk: readonly string[], key: string): number =>
    lowerBound(chunk.length, index => chunk[index] ?? '', key);

  return Object.freeze({
    /** Adds a key that is not there. */
    add: (key: string) => {
      const index = Math.min(chunkFor(key), chunks.length - 1);
      const chunk = chunks[index];
      if (chunk === undefined) {
        chunks.push([key]);
        return;
      }
      chunk.splice(placeIn(chunk, key), 0, key);
      if (chunk.length > CHUNK) {
        chunks.splice(index + 1, 0, chunk.splice(CHUNK / 2));
      }
    },
    /** Removes a key that is there. */
    remove: (key: string) => {
      const index = chunkFor(key);
      const chunk = chunks[index];
      if (chunk === undefined) {
        return;
      }
      chunk.splice(placeIn(chunk, key), 1);
      if (chunk.length === 0) {
        chunks.splice(index, 1);
      }
    },
    /** The first key after this one, which need not be there itself. */
    next: (key: string): string | undefined => {
      const index = chunkFor(key);
      const chunk = chunks[index];
      if (chunk === undefined) {
        return undefined;
      }
      const place = placeIn(chunk, key);
      return chunk[place] === key
        ? (chunk[place + 1] ?? chunks[index + 1]?.[0])
        : chunk[place];
    },
  });
};
harden(makeKeyOrder);
