/**
 * A vat's store on its way into the vat: one buffer, to be transferred.
 *
 * Layout: `u32 count`, `u32` bytes of all keys, the bytes of each key as `u32`,
 * those of each value, then all keys, then all values. Numbers are in the
 * machine's own order, which the buffer never leaves; texts are UTF-8; rows are
 * in the byte order of their keys.
 */
export type Row = readonly [key: string, value: string];

/** A text inside a larger memory. */
export type TextBytes = {
  readonly memory: Uint8Array;
  readonly start: number;
  readonly length: number;
};

/** Up to here a loop copies faster than a call does. */
const SHORT = 32;

const makeColumn = (expected: number) => {
  const lengths: number[] = [];
  let bytes = new Uint8Array(expected);
  let used = 0;

  const grow = (size: number): void => {
    const larger = new Uint8Array(Math.max(size, 2 * bytes.length));
    larger.set(bytes.subarray(0, used));
    bytes = larger;
  };

  return {
    add: ({ memory, start, length }: TextBytes): void => {
      if (used + length > bytes.length) {
        grow(used + length);
      }
      if (length < SHORT) {
        for (let offset = 0; offset < length; offset += 1) {
          bytes[used + offset] = memory[start + offset] ?? 0;
        }
      } else {
        bytes.set(memory.subarray(start, start + length), used);
      }
      used += length;
      lengths.push(length);
    },
    lengths: (): readonly number[] => lengths,
    bytes: (): Uint8Array => bytes.subarray(0, used),
  };
};

/**
 * Packs rows that come in the byte order of their keys, each its key first. It
 * copies what it is given, once more for each time that it turns out to be more
 * than the bytes expected.
 */
export const makeRowPacker = (expectedBytes = 4096) => {
  const keys = makeColumn(Math.ceil(expectedBytes / 4));
  const values = makeColumn(expectedBytes);
  return Object.freeze({
    addKey: keys.add,
    addValue: values.add,
    /** Once, after the last row. */
    pack: (): ArrayBuffer => {
      const count = keys.lengths().length;
      const texts = 8 + 8 * count;
      const keyBytes = keys.bytes();
      const valueBytes = values.bytes();
      const buffer = new ArrayBuffer(
        texts + keyBytes.length + valueBytes.length,
      );
      new Uint32Array(buffer, 0, 2).set([count, keyBytes.length]);
      new Uint32Array(buffer, 8, count).set(keys.lengths());
      new Uint32Array(buffer, 8 + 4 * count, count).set(values.lengths());
      new Uint8Array(buffer, texts).set(keyBytes);
      new Uint8Array(buffer, texts + keyBytes.length).set(valueBytes);
      return buffer;
    },
  });
};

/** Packs rows that the caller has already put in the byte order of their keys. */
export const encodeRows = (rows: readonly Row[]): ArrayBuffer => {
  const encoder = new TextEncoder();
  const packer = makeRowPacker();
  const bytesOf = (text: string): TextBytes => {
    const memory = encoder.encode(text);
    return { memory, start: 0, length: memory.length };
  };
  for (const [key, value] of rows) {
    packer.addKey(bytesOf(key));
    packer.addValue(bytesOf(value));
  }
  return packer.pack();
};

/** How many rows were packed into the buffer. */
export const countRows = (buffer: ArrayBuffer): number =>
  new Uint32Array(buffer, 0, 1)[0] ?? 0;

/** Rows of a block: what is decoded together. */
const BLOCK = 256;

/**
 * Packed rows, opened, in blocks that are decoded when something of them is
 * asked for. They keep the buffer.
 */
export type PackedRows = {
  readonly count: number;
  /** The last key of each block. */
  readonly lastKeys: readonly string[];
  /** The keys of a block; the caller's own. */
  keysOf(block: number): string[];
  valueAt(block: number, place: number): string;
  /** False when no value of the block has this text in it. */
  mayHold(block: number, text: string): boolean;
};

/** Where each block of a column begins, and where the last one ends. */
const startsOfBlocks = (start: number, lengths: Uint32Array): number[] => {
  const starts: number[] = [];
  let at = start;
  for (let index = 0; index < lengths.length; index += 1) {
    if (index % BLOCK === 0) {
      starts.push(at);
    }
    at += lengths[index] ?? 0;
  }
  return [...starts, at];
};

const makeColumnReader = (
  bytes: Uint8Array,
  { start, lengths }: { start: number; lengths: Uint32Array },
) => {
  const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });
  const starts = startsOfBlocks(start, lengths);
  const bytesOf = (block: number): Uint8Array =>
    bytes.subarray(starts[block], starts[block + 1]);
  return {
    blocks: starts.length - 1,
    end: starts.at(-1) ?? start,
    decode: (block: number): string => decoder.decode(bytesOf(block)),
    lastOf: (block: number): string => {
      const last = Math.min((block + 1) * BLOCK, lengths.length) - 1;
      const end = starts[block + 1] ?? 0;
      return decoder.decode(bytes.subarray(end - (lengths[last] ?? 0), end));
    },
    textsOf: (block: number): string[] => {
      const own = bytesOf(block);
      const whole = decoder.decode(own);
      // Then all of it is ASCII: a unit is a byte, and pieces cost no copy.
      const isPlain = whole.length === own.length;
      const texts: string[] = [];
      let at = 0;
      const sizes = lengths.subarray(block * BLOCK, (block + 1) * BLOCK);
      for (const length of sizes) {
        const end = at + length;
        texts.push(
          isPlain
            ? whole.slice(at, end)
            : decoder.decode(own.subarray(at, end)),
        );
        at = end;
      }
      return texts;
    },
  };
};

/** Opens what `makeRowPacker` or `encodeRows` packed; throws RangeError when it is cut short. */
export const openRows = (buffer: ArrayBuffer): PackedRows => {
  const bytes = new Uint8Array(buffer);
  const [count = 0] = new Uint32Array(buffer, 0, 2);
  const keys = makeColumnReader(bytes, {
    start: 8 + 8 * count,
    lengths: new Uint32Array(buffer, 8, count),
  });
  const values = makeColumnReader(bytes, {
    start: keys.end,
    lengths: new Uint32Array(buffer, 8 + 4 * count, count),
  });
  if (values.end !== bytes.length) {
    throw RangeError(
      `a store image of ${count} rows has ${values.end} bytes, not ${bytes.length}`,
    );
  }
  const decoded: string[][] = [];
  return Object.freeze({
    count,
    lastKeys: Array.from({ length: keys.blocks }, (_, block) =>
      keys.lastOf(block),
    ),
    keysOf: keys.textsOf,
    valueAt: (block: number, place: number) => {
      const texts = (decoded[block] ??= values.textsOf(block));
      const text = texts[place];
      if (text === undefined) {
        throw RangeError(`block ${block} has no row ${place}`);
      }
      return text;
    },
    mayHold: (block: number, text: string) =>
      values.decode(block).includes(text),
  });
};

/** The rows of a buffer that was packed; throws RangeError when it is cut short. */
export const decodeRows = (buffer: ArrayBuffer): Row[] => {
  const { lastKeys, keysOf, valueAt } = openRows(buffer);
  return lastKeys.flatMap((_, block) =>
    keysOf(block).map((key, place) => [key, valueAt(block, place)] as const),
  );
};

/**
 * The order of keys in every store: memcmp of their UTF-8 bytes. It differs
 * from `<`, which compares UTF-16 units, only where a surrogate meets U+E000–U+FFFF.
 */
export const compareKeys = (left: string, right: string): number => {
  const length = Math.min(left.length, right.length);
  for (let index = 0; index < length; index += 1) {
    const a = left.charCodeAt(index);
    const b = right.charCodeAt(index);
    if (a !== b) {
      return orderOfUnit(a) - orderOfUnit(b);
    }
  }
  return left.length - right.length;
};

/** Lifts surrogates above the rest of the plane, as their code points are. */
const orderOfUnit = (unit: number): number =>
  unit >= 0xd800 && unit <= 0xdfff
    ? unit + 0x2800
    : unit >= 0xe000
      ? unit - 0x800
      : unit;
