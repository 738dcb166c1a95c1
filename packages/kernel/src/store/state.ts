import harden from '@endo/harden';
import type {
  BundleHash,
  ClusterId,
  EndpointId,
  Kref,
  SessionId,
  VatId,
  Vref,
} from '@cooperage/protocol';
import type { ColumnValue, KernelDb, TableSchema } from '../ports.ts';
import {
  BUNDLES,
  CLISTS,
  CLUSTERS,
  COUNTERS,
  HOME,
  OBJECTS,
  PROMISES,
  QUEUE,
  RETIRING,
  SESSIONS,
  VATS,
  VAT_CHANGES,
  type BundleRow,
  type CListRow,
  type ClusterRow,
  type CounterName,
  type CounterRow,
  type HomeRow,
  type ObjectRow,
  type PromiseRow,
  type QueueRow,
  type RetiringRow,
  type SessionRow,
  type VatChangeRow,
  type VatRow,
} from './schema.ts';
import { makeTables, type Tables } from './table.ts';

/** Rows are records whose fields are the columns; `lists` are the columns that hold a JSON list. */
const makeCodec = <Key extends readonly ColumnValue[], Row extends object>(
  schema: TableSchema,
  lists: readonly string[] = [],
) => ({
  schema,
  keyOf: (row: Row): Key => {
    const fields = row as Record<string, ColumnValue>;
    return schema.columns
      .slice(0, schema.keys)
      .map(({ name }) => fields[name] ?? null) as readonly ColumnValue[] as Key;
  },
  toColumns: (row: Row): ColumnValue[] => {
    const fields = row as Record<string, ColumnValue>;
    return schema.columns.map(({ name }) =>
      lists.includes(name)
        ? JSON.stringify(fields[name])
        : (fields[name] ?? null),
    );
  },
  fromColumns: (columns: readonly ColumnValue[]): Row =>
    Object.freeze(
      Object.fromEntries(
        schema.columns.map(({ name }, index) => [
          name,
          lists.includes(name)
            ? Object.freeze(JSON.parse(String(columns[index])))
            : columns[index],
        ]),
      ),
    ) as Row,
});

const openTables = (store: Tables) => ({
  counters: store.table(makeCodec<[CounterName], CounterRow>(COUNTERS)),
  clusters: store.table(makeCodec<[ClusterId], ClusterRow>(CLUSTERS)),
  vats: store.table(
    makeCodec<[VatId], VatRow>(VATS, ['parametersSlots', 'endowments']),
  ),
  bundles: store.table({
    ...makeCodec<[BundleHash], BundleRow>(BUNDLES),
    resident: false,
  }),
  objects: store.table(makeCodec<[Kref], ObjectRow>(OBJECTS)),
  promises: store.table(
    makeCodec<[Kref], PromiseRow>(PROMISES, ['subscribers', 'slots']),
  ),
  clists: store.table(makeCodec<[EndpointId, Kref], CListRow>(CLISTS)),
  queue: store.table(makeCodec<[number], QueueRow>(QUEUE, ['slots'])),
  home: store.table(makeCodec<[string], HomeRow>(HOME)),
  sessions: store.table(makeCodec<[SessionId], SessionRow>(SESSIONS)),
  retiring: store.table(makeCodec<[SessionId, Vref], RetiringRow>(RETIRING)),
  vatChanges: store.table(
    makeCodec<[VatId, string], VatChangeRow>(VAT_CHANGES),
  ),
});

const addIndexes = (tables: ReturnType<typeof openTables>) => ({
  clusterByName: tables.clusters.index(row => row.name),
  vatsByCluster: tables.vats.indexGroup(row => row.cluster),
  vatsByBundle: tables.vats.indexGroup(row => row.bundle),
  promisesByDecider: tables.promises.indexGroup(
    row => row.decider ?? undefined,
  ),
  clistByVref: tables.clists.index(row => `${row.endpoint} ${row.vref}`),
  clistByEndpoint: tables.clists.indexGroup(row => row.endpoint),
  clistByKref: tables.clists.indexGroup(row => row.kref),
  /** In the order of rounds, and within one in that of arrival. */
  queueByName: tables.queue.indexGroup(
    row => row.queue,
    row => row.round,
  ),
  /** One sender's messages in one queue, in that order. */
  lanes: tables.queue.indexGroup(
    row => (row.kind === 'message' ? `${row.queue} ${row.sender}` : undefined),
    row => row.round,
  ),
  messages: tables.queue.indexGroup(row =>
    row.kind === 'message' ? row.queue : undefined,
  ),
  notifies: tables.queue.indexGroup(row =>
    row.kind === 'notify' ? `${row.queue} ${row.target}` : undefined,
  ),
  /** In the order in which the sessions were told. */
  retiringBySession: tables.retiring.indexGroup(
    row => row.session,
    row => row.delivery,
  ),
  changesByVat: tables.vatChanges.indexGroup(row => row.vat),
});

/**
 * The whole state of the kernel, in memory, with its indexes. Read freely;
 * write only inside a crank (`store.begin` … `store.keep` or `store.undo`).
 */
export const makeState = (db: KernelDb) => {
  const store = makeTables(db);
  const tables = openTables(store);
  const indexes = addIndexes(tables);
  store.load();

  /** The next number of that kind; it is never given again once this crank is kept. */
  const allot = (name: CounterName): number => {
    const next = tables.counters.get(name)?.next ?? 1;
    tables.counters.put({ name, next: next + 1 });
    return next;
  };

  return { store, ...tables, ...indexes, allot };
};
harden(makeState);

export type State = ReturnType<typeof makeState>;
