import harden from '@endo/harden';
import { describe, expect, it } from 'vitest';
import type { ColumnValue, KernelDb, TableSchema } from '../ports.ts';

/** One database and what "restart" means for it. */
export type KernelDbUnderTest = {
  readonly db: KernelDb;
  /** Opens what was committed, as after a crash: `db` is not used again. */
  reopen(): Promise<KernelDbUnderTest>;
  dispose(): Promise<void> | void;
};

const column = (
  name: string,
  type: TableSchema['columns'][number]['type'],
) => ({
  name,
  type,
  about: '',
});

const WORDS: TableSchema = {
  name: 'words',
  keys: 2,
  columns: [
    column('group', 'text'),
    column('number', 'integer'),
    column('label', 'text?'),
    column('weight', 'integer?'),
  ],
};
const BLOBS: TableSchema = {
  name: 'blobs',
  keys: 1,
  columns: [column('name', 'text'), column('bytes', 'blob')],
};
const COUNTS: TableSchema = {
  name: 'counts',
  keys: 1,
  columns: [column('id', 'integer'), column('count', 'integer')],
};
const SCHEMA = [WORDS, BLOBS, COUNTS];

const LARGEST = Number.MAX_SAFE_INTEGER;
const TEXTS = [
  '',
  ' ',
  '0',
  '007',
  'null',
  '{"a":1}',
  '"quoted" \\ \'single\'',
  'line\nbreak\ttab\r',
  'nul\u0000inside',
  'é',
  '\uFEFFmarked',
  '\uE000',
  '\uFFFD',
  '\u{1F600}',
  '\u{10FFFF}',
  `${'x'.repeat(100)}\u{1F600}`,
];

const utf8 = (text: string): number[] => [...new TextEncoder().encode(text)];
/** Order by bytes, written so that it owes nothing to the code under test. */
const byBytes = (left: string, right: string): number => {
  const [a, b] = [utf8(left), utf8(right)];
  const at = a.findIndex((byte, index) => byte !== b[index]);
  return at < 0 ? a.length - b.length : (a[at] ?? 0) - (b[at] ?? -1);
};

const put = (table: string, ...puts: ColumnValue[][]) => ({
  table,
  puts,
  deletes: [],
});
const remove = (table: string, ...deletes: ColumnValue[][]) => ({
  table,
  puts: [],
  deletes,
});

/** What every kernel database must do. `make` gives an empty one. */
export const runKernelDbTests = (
  name: string,
  make: () => Promise<KernelDbUnderTest>,
): void => {
  const withDb = async (
    work: (under: KernelDbUnderTest) => Promise<void> | void,
  ): Promise<void> => {
    const under = await make();
    try {
      under.db.prepare(SCHEMA);
      await work(under);
    } finally {
      await under.dispose();
    }
  };

  describe(`kernel database: ${name}`, () => {
    for (const [size, count] of [
      ['few', 1],
      ['many', TEXTS.length],
    ] as const) {
      it(`gives back ${size} rows as they were put, also after a restart`, () =>
        withDb(async under => {
          const rows = TEXTS.slice(-count).map((text, index): ColumnValue[] => [
            text,
            index % 2 ? LARGEST : -LARGEST,
            index % 3 ? text : null,
            index % 4 ? index : null,
          ]);
          under.db.commit([put('words', ...rows)]);
          const sorted = rows.toSorted((left, right) =>
            byBytes(String(left[0]), String(right[0])),
          );
          expect(under.db.load('words')).toEqual(sorted);
          for (const row of rows) {
            expect(under.db.read('words', row.slice(0, 2))).toEqual(row);
          }
          const later = await under.reopen();
          later.db.prepare(SCHEMA);
          expect(later.db.load('words')).toEqual(sorted);
          await later.dispose();
        }));
    }

    it('orders rows by the bytes of their text and the value of their integers', () =>
      withDb(({ db }) => {
        const rows = TEXTS.flatMap((text): ColumnValue[][] =>
          [10, 9, -1, 0].map(number => [text, number, null, null]),
        );
        db.commit([put('words', ...rows)]);
        expect(
          db.load('words').map(([text, number]) => [text, number]),
        ).toEqual(
          TEXTS.toSorted(byBytes).flatMap(text =>
            [-1, 0, 9, 10].map(number => [text, number]),
          ),
        );
      }));

    it('gives back blobs, empty ones too, that nobody else can change', () =>
      withDb(({ db }) => {
        const bytes = Uint8Array.from({ length: 256 }, (_, index) => index);
        const rows = ['a', 'b', 'c', 'd', 'e'].map(key => [key, bytes]);
        db.commit([put('blobs', ...rows, ['f', new Uint8Array()])]);
        bytes[0] = 99;
        const read = db.read('blobs', ['a'])?.[1];
        expect(read).toEqual(
          Uint8Array.from({ length: 256 }, (_, index) => index),
        );
        expect(db.read('blobs', ['f'])).toEqual(['f', new Uint8Array()]);
        expect(db.load('blobs')).toHaveLength(6);
      }));

    it('replaces a row by its key and deletes by key, few and many', () =>
      withDb(({ db }) => {
        const rows = Array.from({ length: 20 }, (_, id) => [id, 0]);
        db.commit([put('counts', ...rows)]);
        db.commit([put('counts', [3, 1]), remove('counts', [4])]);
        db.commit([
          put('counts', [5, 2], [6, 2], [7, 2], [8, 2], [100, 2]),
          remove('counts', [10], [11], [12], [13], [999]),
        ]);
        const gone = new Set([4, 10, 11, 12, 13]);
        expect(db.load('counts')).toEqual([
          ...rows
            .filter(([id]) => !gone.has(id ?? 0))
            .map(([id = 0]) => [id, id === 3 ? 1 : id >= 5 && id <= 8 ? 2 : 0]),
          [100, 2],
        ]);
        db.commit([
          put('words', ['a', 1, '', 0], ['b', 1, '', 0], ['1', 1, null, 0]),
        ]);
        db.commit([
          remove('words', ['a', 2], ['b', 1], ['1', 1], ['', 0], ['c', 1]),
        ]);
        expect(db.load('words')).toEqual([['a', 1, '', 0]]);
      }));

    it('does not confuse an empty string with null or with no row', () =>
      withDb(({ db }) => {
        db.commit([put('words', ['', 0, '', 0], ['', 1, null, null])]);
        expect(db.read('words', ['', 0])).toEqual(['', 0, '', 0]);
        expect(db.read('words', ['', 1])).toEqual(['', 1, null, null]);
        expect(db.read('words', ['', 2])).toBe(undefined);
      }));

    const wrongRows: [string, ColumnValue[]][] = [
      ['a number for text', [1, 1, null, null]],
      ['text for an integer', ['a', '1', null, null]],
      ['a fraction', ['a', 1.5, null, null]],
      ['an integer too large', ['a', 2 ** 53, null, null]],
      ['NaN', ['a', NaN, null, null]],
      ['null where it must not be', ['a', null, null, null]],
      ['bytes for text', ['a', 1, new Uint8Array(), null]],
      ['a row too short', ['a', 1, null]],
      ['a row too long', ['a', 1, null, null, null]],
    ];
    it.each(wrongRows)(
      'leaves all as it was when a row of a commit is wrong: %s',
      (_, row) =>
        withDb(async under => {
          const { db } = under;
          db.commit([put('counts', [1, 1]), put('words', ['a', 1, 'x', 1])]);
          const before = { ...db.counters };
          expect(() =>
            db.commit([
              put('counts', [1, 2], [2, 2], [3, 2], [4, 2], [5, 2]),
              remove('words', ['a', 1]),
              put('words', ['b', 1, null, null], row),
            ]),
          ).toThrow(expect.objectContaining({ code: 'STORAGE_FAILED' }));
          expect(db.load('counts')).toEqual([[1, 1]]);
          expect(db.load('words')).toEqual([['a', 1, 'x', 1]]);
          expect(db.counters).toMatchObject({
            rows: before.rows,
            bytes: before.bytes,
            commits: before.commits,
          });
          db.commit([put('counts', [9, 9])]);
          const later = await under.reopen();
          later.db.prepare(SCHEMA);
          expect(later.db.load('counts')).toEqual([
            [1, 1],
            [9, 9],
          ]);
          await later.dispose();
        }),
    );

    it('names a table that it does not know', () =>
      withDb(({ db }) => {
        for (const work of [
          () => db.load('nothing'),
          () => db.read('nothing', ['a']),
          () => db.commit([put('nothing', ['a'])]),
        ]) {
          expect(work).toThrow(
            expect.objectContaining({
              code: 'STORAGE_FAILED',
              message: expect.stringContaining('nothing'),
            }),
          );
        }
      }));

    it('counts the statements, rows and bytes of a commit', () =>
      withDb(({ db }) => {
        const before = { ...db.counters };
        db.commit([
          put('counts', [1, 1], [2, 1], [3, 1], [4, 1]),
          put('words', ['é', 1, '\u{1F600}', null]),
          put('blobs', ['a', Uint8Array.of(1)], ['b', Uint8Array.of(1, 2)]),
        ]);
        db.commit([remove('counts', [1])]);
        db.commit([]);
        db.commit([put('counts')]);
        const { statements, rows, bytes, commits } = db.counters;
        expect({
          statements: statements - before.statements,
          rows: rows - before.rows,
          bytes: bytes - before.bytes,
          commits: commits - before.commits,
        }).toEqual({
          statements: 2 + 1 + 1 + 2 + 2 + 1,
          rows: 8,
          bytes: 64 + 14 + 5 + 8,
          commits: 2,
        });
      }));

    it('loses nothing when the tables are prepared again', () =>
      withDb(async under => {
        under.db.commit([put('counts', [1, 1])]);
        const later = await under.reopen();
        const more = { ...COUNTS, name: 'more' };
        later.db.prepare([...SCHEMA, more]);
        later.db.commit([put('more', [2, 2])]);
        expect(later.db.load('counts')).toEqual([[1, 1]]);
        expect(later.db.load('more')).toEqual([[2, 2]]);
        await later.dispose();
      }));

    it('refuses to work once it is closed', async () => {
      const under = await make();
      under.db.prepare(SCHEMA);
      under.db.close();
      expect(() => under.db.commit([put('counts', [1, 1])])).toThrow(
        expect.objectContaining({ code: 'STORAGE_FAILED' }),
      );
      expect(() => under.db.load('counts')).toThrow(
        expect.objectContaining({ code: 'STORAGE_FAILED' }),
      );
    });
  });
};
harden(runKernelDbTests);
