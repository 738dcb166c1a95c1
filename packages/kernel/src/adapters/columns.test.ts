import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { ColumnType, ColumnValue, TableSchema } from '../ports.ts';
import {
  bytesOf,
  compareRows,
  insistChange,
  insistColumns,
  isNothing,
  isOfType,
  statementsFor,
  viewCounters,
  weighChange,
  weightOf,
} from './columns.ts';

const schemaOf = (keys: number, ...types: ColumnType[]): TableSchema => ({
  name: 'things',
  keys,
  columns: types.map((type, index) => ({
    name: `c${index}`,
    type,
    about: '',
  })),
});

describe('a column', () => {
  const values: readonly (ColumnValue | undefined)[] = [
    ...['', 'a', 0, -1, 2 ** 53 - 1, 2 ** 53, 1.5, NaN, null, undefined],
    new Uint8Array(),
  ];

  it.each<[ColumnType, readonly unknown[]]>([
    ['text', ['', 'a']],
    ['text?', ['', 'a', null]],
    ['integer', [0, -1, 2 ** 53 - 1]],
    ['integer?', [0, -1, 2 ** 53 - 1, null]],
    ['blob', [new Uint8Array()]],
  ])('that is %s holds nothing else', (type, wanted) => {
    expect(values.filter(value => isOfType(value, type))).toEqual(wanted);
  });

  it('weighs the bytes of its text in UTF-8, eight for a number, and a blob’s', () => {
    const unit = fc.constantFrom(
      ...['\0', 'a', '\x7f', '\x80', '\u07ff', '\u0800', '\ud7ff', '\ue000'],
      ...['\uffff', '\u{10000}', '\u{10ffff}'],
    );
    fc.assert(
      fc.property(
        fc.array(unit).map(units => units.join('')),
        text => {
          expect(bytesOf(text)).toBe(new TextEncoder().encode(text).length);
        },
      ),
      { numRuns: 50 },
    );
    expect(
      [1, null, new Uint8Array(3), new Uint8Array(), 'é'].map(bytesOf),
    ).toEqual([8, 0, 3, 0, 2]);
    expect(weightOf([1, null, 'é'])).toBe(10);
  });
});

describe('a row', () => {
  it.each<[readonly ColumnValue[], number, string | undefined]>([
    [['a', 1], 2, undefined],
    [['a'], 1, undefined],
    [['a', 'b'], 2, 'column c1 must be integer'],
    [['a', 1, 2], 2, '3 columns given, 2 wanted'],
    [['a', null], 1, '2 columns given, 1 wanted'],
    [[], 1, 'column c0 must be text'],
  ])(
    '%j of %i columns is refused when it does not fit: %s',
    (row, count, problem) => {
      const schema = schemaOf(1, 'text', 'integer');
      const insist = () => insistColumns(schema, row, count);
      if (problem === undefined) {
        insist();
      } else {
        expect(insist).toThrow(
          expect.objectContaining({
            code: 'STORAGE_FAILED',
            message: `storage failed to write to table things: ${problem}`,
          }),
        );
      }
    },
  );

  it('is as a whole in what is put, and by its key in what is deleted', () => {
    const schema = schemaOf(1, 'text', 'integer');
    insistChange(schema, { table: '', puts: [['a', 1]], deletes: [['a']] });
    expect(() =>
      insistChange(schema, { table: '', puts: [['a']], deletes: [] }),
    ).toThrow('must be integer');
    expect(() =>
      insistChange(schema, { table: '', puts: [], deletes: [['a', 1]] }),
    ).toThrow('2 columns given, 1 wanted');
  });

  it('comes before another by its key: numbers by value, texts by their bytes', () => {
    expect(compareRows(['a', 10], ['a', 9], 2)).toBeGreaterThan(0);
    expect(compareRows(['a', 10], ['a', 9], 1)).toBe(0);
    expect(compareRows(['\uffff'], ['\u{10000}'], 1)).toBeLessThan(0);
    expect(compareRows(['10', 2], ['9', 1], 2)).toBeLessThan(0);
  });
});

describe('a change', () => {
  const change = (puts: ColumnValue[][], deletes: ColumnValue[][] = []) => ({
    table: 'things',
    puts,
    deletes,
  });

  it('takes one statement for more than three rows, or one for each where they have blobs', () => {
    const plain = schemaOf(1, 'text', 'integer');
    const blobs = schemaOf(1, 'text', 'blob');
    expect([0, 3, 4].map(rows => statementsFor(plain, rows))).toEqual([
      0, 3, 1,
    ]);
    expect([3, 4].map(rows => statementsFor(blobs, rows))).toEqual([3, 4]);
  });

  it('weighs all rows that it writes, and is nothing without any', () => {
    expect(weighChange(change([['a', 1]], [['bc'], ['d']]))).toEqual({
      rows: 3,
      bytes: 12,
    });
    expect(isNothing([])).toBe(true);
    expect(isNothing([change([]), change([])])).toBe(true);
    expect(isNothing([change([]), change([['a']])])).toBe(false);
    expect(isNothing([change([], [['a']]), change([])])).toBe(false);
    expect(isNothing([change([['a']], [['b']])])).toBe(false);
  });
});

it('a view of counters shows what is counted when it is looked at', () => {
  let counters = { statements: 1, rows: 2, bytes: 3, commits: 4 };
  const view = viewCounters(() => counters);
  expect({ ...view }).toEqual(counters);
  counters = { statements: 5, rows: 6, bytes: 7, commits: 8 };
  expect({ ...view }).toEqual(counters);
});
