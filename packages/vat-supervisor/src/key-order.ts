import harden from '@endo/harden';
import { compareKeys, type PackedRows } from '@cooperage/protocol';

const CHUNK = 512;

/** Index of the first item that does not come before `key`. */
export const lowerBound = (
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

harden(lowerBound);

/** A run of keys: its own, or those of a block of the opened rows until somebody looks. */
type Chunk = { keys: string[] | undefined; readonly block: number };

/**
 * A set of keys in the byte order of their UTF-8. Sorted runs of at most 512
 * keys, found by their last key: a look-up costs two binary searches, a change
 * moves one run. The key after the one that was given last is found at once.
 * It begins with the keys of opened rows.
 */
export const makeKeyOrder = ({
  lastKeys,
  keysOf,
}: Pick<PackedRows, 'lastKeys' | 'keysOf'>) => {
  const chunks = lastKeys.map((_, block): Chunk => ({
    keys: undefined,
    block,
  }));
  const lastOf = (index: number): string => {
    const chunk = chunks[index];
    return chunk?.keys?.at(-1) ?? lastKeys[chunk?.block ?? -1] ?? '';
  };
  const keysIn = (chunk: Chunk | undefined): string[] =>
    chunk === undefined ? [] : (chunk.keys ??= keysOf(chunk.block));
  /** Index of the chunk where a key is, or belongs; `chunks.length` past the end. */
  const chunkFor = (key: string): number =>
    lowerBound(chunks.length, lastOf, key);
  const placeIn = (keys: readonly string[], key: string): number =>
    lowerBound(keys.length, index => keys[index] ?? '', key);

  /** Where `next` found the key that it gave last. Another may be there now, or none. */
  let lastChunk = 0;
  let lastPlace = 0;

  const nextAt = (index: number, place: number): string | undefined => {
    if (index >= chunks.length) {
      return undefined;
    }
    const keys = keysIn(chunks[index]);
    if (place >= keys.length) {
      return nextAt(index + 1, 0);
    }
    lastChunk = index;
    lastPlace = place;
    return keys[place];
  };

  return Object.freeze({
    /** Adds a key that is not there. */
    add: (key: string) => {
      const index = Math.min(chunkFor(key), chunks.length - 1);
      const chunk = chunks[index];
      if (chunk === undefined) {
        chunks.push({ keys: [key], block: -1 });
        return;
      }
      const keys = keysIn(chunk);
      keys.splice(placeIn(keys, key), 0, key);
      if (keys.length > CHUNK) {
        const half = keys.splice(CHUNK / 2);
        chunks.splice(index + 1, 0, { keys: half, block: -1 });
      }
    },
    /** Removes a key that is there. */
    remove: (key: string) => {
      const index = chunkFor(key);
      const keys = keysIn(chunks[index]);
      keys.splice(placeIn(keys, key), 1);
      if (keys.length === 0) {
        chunks.splice(index, 1);
      }
    },
    /** The first key after this one, which need not be there itself. */
    next: (key: string): string | undefined => {
      if (chunks[lastChunk]?.keys?.[lastPlace] === key) {
        return nextAt(lastChunk, lastPlace + 1);
      }
      const index = chunkFor(key);
      const keys = keysIn(chunks[index]);
      const place = placeIn(keys, key);
      return nextAt(index, keys[place] === key ? place + 1 : place);
    },
  });
};
harden(makeKeyOrder);
