import { decodeRows, type VatId } from '@cooperage/protocol';
import type {
  ColumnValue,
  KernelDb,
  TableChange,
  VatStores,
} from '../ports.ts';
import { CLISTS, SCHEMA } from '../store/schema.ts';
import { VATS, VAT_CHANGES } from '../store/vat-schema.ts';
import { TIMERS } from '../store/service-schema.ts';
import { namesIn, survivesHeap } from './durable-work.ts';

type Row = readonly ColumnValue[];

/** What a disk holds, whatever of it is folded: all tables but the vats' changes, and each vat's store with these. */
export type Content = {
  readonly tables: Map<string, Map<string, Row>>;
  readonly stores: Map<VatId, Map<string, string>>;
};

const keysOf = new Map(SCHEMA.map(({ name, keys }) => [name, keys]));
const keyOf = (table: string, row: Row): string =>
  JSON.stringify(row.slice(0, keysOf.get(table)));

const applyToStore = (content: Content, row: Row): void => {
  const [vat, key, value] = row;
  const store = content.stores.get(vat as VatId) ?? new Map<string, string>();
  content.stores.set(vat as VatId, store);
  if (value === null) {
    store.delete(String(key));
  } else {
    store.set(String(key), String(value));
  }
};

const forgetEnded = ({ tables, stores }: Content): void => {
  const vats = tables.get(VATS.name);
  for (const vat of stores.keys()) {
    if (!vats?.has(JSON.stringify([vat]))) {
      stores.delete(vat);
    }
  }
};

/** Reads all of it; the database must have been prepared. */
export const readContent = (
  db: Pick<KernelDb, 'load'>,
  stores: Pick<VatStores, 'list' | 'read'>,
): Content => {
  const content: Content = { tables: new Map(), stores: new Map() };
  for (const { name } of SCHEMA) {
    if (name !== VAT_CHANGES.name) {
      const rows = db
        .load(name)
        .map((row): [string, Row] => [keyOf(name, row), row]);
      content.tables.set(name, new Map(rows));
    }
  }
  for (const vat of stores.list()) {
    content.stores.set(vat, new Map(decodeRows(stores.read(vat).image)));
  }
  db.load(VAT_CHANGES.name).forEach(row => applyToStore(content, row));
  forgetEnded(content);
  return content;
};

/** What the content becomes by a commit; the one given stays as it is. */
export const afterCommit = (
  before: Content,
  changes: readonly TableChange[],
): Content => {
  const content: Content = {
    tables: new Map(before.tables),
    stores: new Map(before.stores),
  };
  for (const { table, puts, deletes } of changes) {
    if (table === VAT_CHANGES.name) {
      const touched = new Set(puts.map(([vat]) => vat as VatId));
      for (const vat of touched) {
        content.stores.set(vat, new Map(content.stores.get(vat)));
      }
      puts.forEach(row => applyToStore(content, row));
    } else {
      const rows = new Map(content.tables.get(table));
      deletes.forEach(key => rows.delete(JSON.stringify(key)));
      puts.forEach(row => rows.set(keyOf(table, row), row));
      content.tables.set(table, rows);
    }
  }
  forgetEnded(content);
  return content;
};

/** The content as text: two are the same when their texts are. */
export const textOf = ({ tables, stores }: Content): string =>
  JSON.stringify([
    [...tables]
      .map(([name, rows]) => [name, [...rows].sort(byKey)] as const)
      .filter(([, rows]) => rows.length > 0)
      .sort(byKey),
    [...stores]
      .map(([vat, rows]) => [vat, [...rows].sort(byKey)] as const)
      .filter(([, rows]) => rows.length > 0)
      .sort(byKey),
  ]);
/** The content that has that text. */
export const contentOf = (text: string): Content => {
  const [tables, stores]: [
    [string, [string, Row][]][],
    [VatId, [string, string][]][],
  ] = JSON.parse(text);
  return {
    tables: new Map(tables.map(([name, rows]) => [name, new Map(rows)])),
    stores: new Map(stores.map(([vat, rows]) => [vat, new Map(rows)])),
  };
};

const byKey = (
  [left]: readonly [string, ...unknown[]],
  [right]: readonly [string, ...unknown[]],
): number => (left < right ? -1 : Number(left > right));

const column = (row: Row, name: string, schema: typeof CLISTS) =>
  row[schema.columns.findIndex(each => each.name === name)];

/** Times that are waited for, each to be told to a vat once, by their numbers. */
export const alarmsIn = ({ tables }: Content): string[] =>
  [...(tables.get(TIMERS.name)?.values() ?? [])]
    .filter(
      row =>
        column(row, 'handler', TIMERS) !== null &&
        column(row, 'period', TIMERS) === null,
    )
    .map(row => String(column(row, 'id', TIMERS)));

/** How often vats were woken. */
export const wakesIn = ({ stores }: Content): number =>
  [...stores.values()].reduce(
    (sum, store) => sum + Number(store.get('k') ?? 0),
    0,
  );

/** Each reference of each vat by its c-list, and what the vat's own store says that it means. */
export const meaningsIn = (
  content: Content,
): { kref: string; label: string }[] => {
  const found: { kref: string; label: string }[] = [];
  const names = new Map(
    [...content.stores].map(([vat, store]) => [vat, namesIn(store)]),
  );
  for (const row of content.tables.get(CLISTS.name)?.values() ?? []) {
    const [endpoint, kref, vref] = row;
    const label = names.get(endpoint as VatId)?.get(String(vref))?.label;
    if (label !== undefined) {
      found.push({ kref: String(kref), label });
    }
  }
  return found;
};

/** Where a vat's c-list and its store do not agree, in words. */
export const disagreementsIn = (content: Content): string[] => {
  const problems: string[] = [];
  const lists = new Map<VatId, string[]>();
  for (const row of content.tables.get(CLISTS.name)?.values() ?? []) {
    const [endpoint, , vref, reachable] = row;
    const list = lists.get(endpoint as VatId) ?? [];
    list.push(`${vref} ${reachable}`);
    lists.set(endpoint as VatId, list);
  }
  for (const row of content.tables.get(VATS.name)?.values() ?? []) {
    const vat = String(column(row, 'id', VATS)) as VatId;
    const isAsleep = column(row, 'asleep', VATS) === 1;
    const store = content.stores.get(vat) ?? new Map<string, string>();
    const own = [...namesIn(store)]
      .filter(([vref]) => !isAsleep || survivesHeap(store, vref))
      .map(([vref, { isStrong }]) => `${vref} ${Number(isStrong)}`);
    const kernels = (lists.get(vat) ?? []).sort().join();
    if (own.sort().join() !== kernels) {
      problems.push(
        `${vat} has ${own.join()} by its store, and ${kernels} by its c-list`,
      );
    }
  }
  return problems;
};
