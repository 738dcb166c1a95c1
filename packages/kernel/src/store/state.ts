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
import { makeTables } from './table.ts';

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

/**
 * The whole state of the kernel, in memory, with its indexes. Read freely;
 * write only inside a crank (`store.begin` … `store.keep` or `store.undo`).
 */
export const makeState = (db: KernelDb) => {
  const store = makeTables(db);
  const counters = store.table(makeCodec<[CounterName], CounterRow>(COUNTERS));
  const clusters = store.table(makeCodec<[ClusterId], ClusterRow>(CLUSTERS));
  const vats = store.table(
    makeCodec<[VatId], VatRow>(VATS, ['parametersSlots', 'endowments']),
  );
  const bundles = store.table({
    ...makeCodec<[BundleHash], BundleRow>(BUNDLES),
    resident: false,
  });
  const objects = store.table(makeCodec<[Kref], ObjectRow>(OBJECTS));
  const promises = store.table(
    makeCodec<[Kref], PromiseRow>(PROMISES, ['subscribers', 'slots']),
  );
  const clists = store.table(makeCodec<[EndpointId, Kref], CListRow>(CLISTS));
  const queue = store.table(makeCodec<[number], QueueRow>(QUEUE, ['slots']));
  const home = store.table(makeCodec<[string], HomeRow>(HOME));
  const sessions = store.table(makeCodec<[SessionId], SessionRow>(SESSIONS));
  const retiring = store.table(
    makeCodec<[SessionId, Vref], RetiringRow>(RETIRING),
  );
  const vatChanges = store.table(
    makeCodec<[VatId, string], VatChangeRow>(VAT_CHANGES),
  );
  const indexes = {
    clusterByName: clusters.index(row => row.name),
    vatsByCluster: vats.indexGroup(row => row.cluster),
    promisesByDecider: promises.indexGroup(row => row.decider ?? undefined),
    clistByVref: clists.index(row => `${row.endpoint} ${row.vref}`),
    clistByEndpoint: clists.indexGroup(row => row.endpoint),
    clistByKref: clists.indexGroup(row => row.kref),
    queueByName: queue.indexGroup(
      row => row.queue,
      row => row.position,
    ),
    notifies: queue.indexGroup(row =>
      row.kind === 'notify' ? `${row.queue} ${row.target}` : undefined,
    ),
    retiringBySession: retiring.indexGroup(row => row.session),
    changesByVat: vatChanges.indexGroup(row => row.vat),
  };
  store.load();

  /** The next number of that kind; it is never given again once this crank is kept. */
  const allot = (name: CounterName): number => {
    const next = counters.get(name)?.next ?? 1;
    counters.put({ name, next: next + 1 });
    return next;
  };

  return {
    store,
    counters,
    clusters,
    vats,
    bundles,
    objects,
    promises,
    clists,
    queue,
    home,
    sessions,
    retiring,
    vatChanges,
    ...indexes,
    allot,
  };
};
harden(makeState);

export type State = ReturnType<typeof makeState>;
