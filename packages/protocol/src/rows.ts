/**
 * A vat's store on its way into the vat: one buffer, to be transferred.
 *
 * Layout, little-endian: `u32 count`, then for each row `u32 keyBytes`,
 * `u32 valueBytes`, key, value, both UTF-8, rows in the byte order of their keys.
 */
export type Row = readonly [key: string, value: string];

/** Packs rows that the caller has already put in the byte order of their keys. */
export const encodeRows = (rows: readonly Row[]): ArrayBuffer => {
  const encoder = new TextEncoder();
  const parts = rows.flatMap(([key, value]) => [
    encoder.encode(key),
    encoder.encode(value),
  ]);
  const size = parts.reduce((sum, part) => sum + 4 + part.length, 4);
  const buffer = new ArrayBuffer(size);
  const view = new DataView(buffer);
  const bytes = new Uint8Array(buffer);
  view.setUint32(0, rows.length, true);
  let offset = 4;
  for (let index = 0; index < parts.length; index += 2) {
    const key = parts[index] ?? new Uint8Array();
    const value = parts[index + 1] ?? new Uint8Array();
    view.setUint32(offset, key.length, true);
    view.setUint32(offset + 4, value.length, true);
    bytes.set(key, offset + 8);
    bytes.set(value, offset + 8 + key.length);
    offset += 8 + key.length + value.length;
  }
  return buffer;
};

/** The rows of a buffer that `encodeRows` packed; throws RangeError when it is cut short. */
export const decodeRows = (buffer: ArrayBuffer): Row[] => {
  const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });
  const view = new DataView(buffer);
  const bytes = new Uint8Array(buffer);
  const count = view.getUint32(0, true);
  const rows: Row[] = [];
  let offset = 4;
  for (let row = 0; row < count; row += 1) {
    const keyEnd = offset + 8 + view.getUint32(offset, true);
    const valueEnd = keyEnd + view.getUint32(offset + 4, true);
    if (valueEnd > bytes.length) {
      throw RangeError(`store image ends inside row ${row} of ${count}`);
    }
    rows.push([
      decoder.decode(bytes.subarray(offset + 8, keyEnd)),
      decoder.decode(bytes.subarray(keyEnd, valueEnd)),
    ]);
    offset = valueEnd;
  }
  return rows;
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
