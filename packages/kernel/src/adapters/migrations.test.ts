import { describe, expect, it } from 'vitest';
import type { ColumnValue, TableSchema } from '../ports.ts';
import { PROMISES, SCHEMA } from '../store/schema.ts';
import { ALIASES, QUOTAS, SERVICE_OBJECTS } from '../store/service-schema.ts';
import { VATS } from '../store/vat-schema.ts';
import { MIGRATIONS } from './migrations.ts';
import { makeFileImages, openNodeStorage } from './sqlite-wasm.ts';

/** The schema as version 1 had it. */
const without = (
  schema: TableSchema,
  ...names: readonly string[]
): TableSchema => ({
  ...schema,
  columns: schema.columns.filter(({ name }) => !names.includes(name)),
});

const OLD_PROMISES = without(PROMISES, 'maker', 'settler', 'isLeft');
const OLD_VATS = without(VATS, 'limits', 'stoppedBy');
/** As version 3 had them. */
const VATS_OF_3 = without(VATS, 'stoppedBy');
const QUOTAS_OF_3 = without(QUOTAS, 'deadline');

/** As version 4 had them. */
const OBJECTS_OF_4 = without(SERVICE_OBJECTS, 'maker', 'units', 'cluster');
const ALIASES_OF_4 = without(ALIASES, 'maker', 'cluster');
/** As version 5 had them. */
const OBJECTS_OF_5 = without(SERVICE_OBJECTS, 'cluster');
const ALIASES_OF_5 = without(ALIASES, 'cluster');

/** A row of no meaning, but for what is named. */
const rowOf = (
  { columns }: TableSchema,
  known: Readonly<Record<string, ColumnValue>>,
): ColumnValue[] =>
  columns.map(({ name, type }) => {
    const usual = type.startsWith('integer') ? 0 : '[]';
    return name in known ? (known[name] ?? null) : usual;
  });

describe('the migrations', () => {
  it('bring a database of version 1 to the schema of now: promises of nobody, vats with the usual bounds, but stores as large as any may be that had no bound', async () => {
    const image = makeFileImages();
    const first = await openNodeStorage(image, []);
    first.db.prepare([OLD_PROMISES, OLD_VATS]);
    first.db.commit([
      {
        table: 'promises',
        puts: [['kp1', 'unresolved', 'v1', '[]', null, '[]', 1]],
        deletes: [],
      },
      {
        table: 'vats',
        puts: [
          rowOf(OLD_VATS, { id: 'v1', storeBytes: null }),
          rowOf(OLD_VATS, { id: 'v2', storeBytes: 100_000 }),
        ],
        deletes: [],
      },
    ]);
    const { db } = await openNodeStorage(image);
    db.prepare(SCHEMA);
    expect(db.load('promises')).toEqual([
      ['kp1', 'unresolved', 'v1', '[]', null, '[]', 1, null, null, 0],
    ]);
    const [id, storeBytes, limits] = ['id', 'storeBytes', 'limits'].map(name =>
      VATS.columns.findIndex(column => column.name === name),
    );
    expect(
      db
        .load('vats')
        .map(row => [row[id ?? -1], row[storeBytes ?? -1], row[limits ?? -1]]),
    ).toEqual([
      ['v1', 2 ** 30, '{}'],
      ['v2', 100_000, '{}'],
    ]);
    db.close();
  });

  it('bring one of version 3 to it: a person has paused what was paused, and suspended what says so', async () => {
    const image = makeFileImages();
    const first = await openNodeStorage(image, MIGRATIONS.slice(0, 2));
    first.db.prepare([VATS_OF_3, QUOTAS_OF_3]);
    const none = { failure: null, suspension: null, paused: 0, deadline: null };
    first.db.commit([
      {
        table: 'vats',
        puts: [
          { id: 'v1' },
          { id: 'v2', paused: 1 },
          { id: 'v3', suspension: 'suspended by a person' },
          { id: 'v4', suspension: 'it has passed its deadline' },
        ].map(known => rowOf(VATS_OF_3, { ...none, ...known })),
        deletes: [],
      },
      {
        table: 'quotas',
        puts: [rowOf(QUOTAS_OF_3, { id: 1, vats: 7 })],
        deletes: [],
      },
    ]);
    const { db } = await openNodeStorage(image);
    db.prepare(SCHEMA);
    const columnOf = (schema: TableSchema, name: string): number =>
      schema.columns.findIndex(column => column.name === name);
    expect(
      db
        .load('vats')
        .map(row => [
          row[columnOf(VATS, 'id')],
          row[columnOf(VATS, 'stoppedBy')],
        ]),
    ).toEqual([
      ['v1', null],
      ['v2', 'person'],
      ['v3', 'person'],
      ['v4', null],
    ]);
    expect(
      db
        .load('quotas')
        .map(row => [
          row[columnOf(QUOTAS, 'vats')],
          row[columnOf(QUOTAS, 'deadline')],
        ]),
    ).toEqual([[7, null]]);
    db.close();
  });

  it('bring one of version 4 to it: objects of services that count for nobody', async () => {
    const image = makeFileImages();
    const first = await openNodeStorage(image, MIGRATIONS.slice(0, 3));
    first.db.prepare([VATS, OBJECTS_OF_4, ALIASES_OF_4]);
    first.db.commit([
      {
        table: 'service_objects',
        puts: [['ko1', 'revoker', 'ko2']],
        deletes: [],
      },
      { table: 'aliases', puts: [['ko2', 'ko3', 1]], deletes: [] },
    ]);
    const { db } = await openNodeStorage(image);
    db.prepare(SCHEMA);
    expect([db.load('service_objects'), db.load('aliases')]).toEqual([
      [['ko1', 'revoker', 'ko2', null, 0, null]],
      [['ko2', 'ko3', 1, null, null]],
    ]);
    db.close();
  });

  it('bring one of version 5 to it: objects of services that count for the clusters of the vats that are there', async () => {
    const image = makeFileImages();
    const first = await openNodeStorage(image, MIGRATIONS.slice(0, 4));
    first.db.prepare([VATS, OBJECTS_OF_5, ALIASES_OF_5]);
    first.db.commit([
      {
        table: 'vats',
        puts: [rowOf(VATS, { id: 'v1', cluster: 'c7' })],
        deletes: [],
      },
      {
        table: 'service_objects',
        puts: [
          ['ko1', 'revoker', 'ko2', 'v1', 203],
          ['ko4', 'timer', '', 'v9', 200],
        ],
        deletes: [],
      },
      { table: 'aliases', puts: [['ko2', 'ko3', 1, 'v1']], deletes: [] },
    ]);
    const { db } = await openNodeStorage(image);
    db.prepare(SCHEMA);
    expect([db.load('service_objects'), db.load('aliases')]).toEqual([
      [
        ['ko1', 'revoker', 'ko2', 'v1', 203, 'c7'],
        ['ko4', 'timer', '', 'v9', 200, null],
      ],
      [['ko2', 'ko3', 1, 'v1', 'c7']],
    ]);
    db.close();
  });
});
