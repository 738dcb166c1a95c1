import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { compareKeys, decodeRows, encodeRows } from './rows.ts';

const text = fc.string({ unit: 'binary' });

describe('packed rows', () => {
  it('come out as they went in, empty strings and all', () => {
    fc.assert(
      fc.property(fc.array(fc.tuple(text, text)), rows => {
        expect(decodeRows(encodeRows(rows))).toEqual(rows);
      }),
    );
  });

  it('come out so from every block of many, ASCII or not', () => {
    const rows = Array.from(
      { length: 1_000 },
      (_, row) =>
        [`k${row}`, row > 300 && row < 500 ? `${row}é😀` : ''] as const,
    );
    expect(decodeRows(encodeRows(rows))).toEqual(rows);
  });

  it('keep a leading byte order mark', () => {
    expect(decodeRows(encodeRows([['\ufeffk', '\ufeff']]))).toEqual([
      ['\ufeffk', '\ufeff'],
    ]);
  });

  it('are refused when they are cut short', () => {
    const whole = encodeRows([['key', 'value']]);
    for (let length = 0; length < whole.byteLength; length += 1) {
      expect(() => decodeRows(whole.slice(0, length))).toThrow(RangeError);
    }
  });
});

describe('the order of keys', () => {
  it('is memcmp of their UTF-8', () => {
    fc.assert(
      fc.property(text, text, (left, right) => {
        expect(Math.sign(compareKeys(left, right))).toBe(
          Buffer.compare(Buffer.from(left), Buffer.from(right)),
        );
      }),
    );
  });

  it('puts an astral character behind U+FFFD, where < does not', () => {
    expect('\u{1f600}' < '\ufffd').toBe(true);
    expect(compareKeys('\u{1f600}', '\ufffd')).toBeGreaterThan(0);
  });
});
