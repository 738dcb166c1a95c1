import harden from '@endo/harden';
import {
  isExportVref,
  isPromiseKref,
  type BundleHash,
  type ClusterId,
  type EndpointId,
  type Kref,
  type SessionId,
  type VatId,
  type Vref,
} from '@cooperage/protocol';
import type { ColumnValue, KernelDb, TableSchema } from '../ports.ts';
import {
  draftEntry,
  draftItem,
  draftObject,
  draftPromise,
  draftVat,
} from './drafts.ts';
import { ENDED, type EndedRow } from './ended-schema.ts';
import {
  BUNDLES,
  CLISTS,
  COUNTERS,
  HOME,
  KEPT_BUNDLES,
  OBJECTS,
  PROMISES,
  QUEUE,
  RETIRING,
  SESSIONS,
  type BundleKeeper,
  type BundleRow,
  type CListRow,
  type CounterName,
  type CounterRow,
  type HomeRow,
  type KeptBundleRow,
  type ObjectRow,
  type PromiseRow,
  type QueueRow,
  type RetiringRow,
  type SessionRow,
} from './schema.ts';
import {
  CLUSTERS,
  ENDINGS,
  TRIALS,
  VATS,
  VAT_CHANGES,
  type ClusterRow,
  type EndingRow,
  type TrialRow,
  type VatChangeRow,
  type VatRow,
} from './vat-schema.ts';
import {
  ALIASES,
  BIRTHS,
  CALLS,
  CHILDREN,
  QUOTAS,
  SERVICE_OBJECTS,
  TIMER,
  TIMERS,
  type AliasRow,
  type BirthRow,
  type CallRow,
  type ChildRow,
  type QuotaRow,
  type ServiceObjectRow,
  type TimerRow,
} from './service-schema.ts';
import { makeTables, type Tables } from './table.ts';
import {
  weighAlias,
  weighAnswer,
  weighChange,
  weighMessage,
  weighRepeat,
} from './weights.ts';
import { WRITERS, type WriterRow } from './writers.ts';

/** Rows are records whose fields are the columns; `lists` are the columns that hold JSON, mostly a list. `shape` copies a row as rows are made elsewhere (see `drafts.ts`). */
const makeCodec = <Row extends object>(
  schema: TableSchema,
  lists: readonly string[] = [],
  shape: (row: Row) => Row = row => row,
) => ({
  schema,
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
      shape(
        Object.fromEntries(
          schema.columns.map(({ name }, index) => [
            name,
            lists.includes(name)
              ? Object.freeze(JSON.parse(String(columns[index])))
              : columns[index],
          ]),
        ) as Row,
      ),
    ),
});

const openTables = (store: Tables) => ({
  writers: store.table<[string, string], WriterRow>(makeCodec(WRITERS)),
  counters: store.table<[CounterName], CounterRow>(makeCodec(COUNTERS)),
  clusters: store.table<[ClusterId], ClusterRow>(
    makeCodec(CLUSTERS, ['services']),
  ),
  vats: store.table<[VatId], VatRow>(
    makeCodec(VATS, ['parametersSlots', 'endowments', 'limits'], draftVat),
  ),
  endings: store.table<[EndpointId], EndingRow>(makeCodec(ENDINGS)),
  ended: store.table<[number], EndedRow>(makeCodec(ENDED)),
  bundles: store.table<[BundleHash], BundleRow>({
    ...makeCodec(BUNDLES),
    resident: false,
  }),
  keptBundles: store.table<[BundleKeeper, string], KeptBundleRow>(
    makeCodec(KEPT_BUNDLES),
  ),
  objects: store.table<[Kref], ObjectRow>(makeCodec(OBJECTS, [], draftObject)),
  promises: store.table<[Kref], PromiseRow>(
    makeCodec(PROMISES, ['subscribers', 'slots'], draftPromise),
  ),
  clists: store.table<[EndpointId, Kref], CListRow>(
    makeCodec(CLISTS, [], draftEntry),
  ),
  queue: store.table<[number], QueueRow>(
    makeCodec(QUEUE, ['slots'], draftItem),
  ),
  home: store.table<[string], HomeRow>(makeCodec(HOME)),
  sessions: store.table<[SessionId], SessionRow>(makeCodec(SESSIONS)),
  retiring: store.table<[SessionId, Vref], RetiringRow>(makeCodec(RETIRING)),
  vatChanges: store.table<[VatId, string], VatChangeRow>(
    makeCodec(VAT_CHANGES),
  ),
  trials: store.table<[VatId], TrialRow>(makeCodec(TRIALS)),
  serviceObjects: store.table<[Kref], ServiceObjectRow>(
    makeCodec(SERVICE_OBJECTS),
  ),
  aliases: store.table<[Kref], AliasRow>(makeCodec(ALIASES)),
  timers: store.table<[number], TimerRow>(makeCodec(TIMERS)),
  calls: store.table<[number], CallRow>(makeCodec(CALLS, ['slots'])),
  quotas: store.table<[number], QuotaRow>(makeCodec(QUOTAS)),
  births: store.table<[number], BirthRow>(makeCodec(BIRTHS, ['slots'])),
  children: store.table<[VatId], ChildRow>(makeCodec(CHILDREN)),
});

/** What goes through a queue in its own order: the messages of one sender, or all notifies. */
export const laneOf = ({
  queue,
  kind,
  sender,
}: Pick<QueueRow, 'queue' | 'kind' | 'sender'>): string =>
  kind === 'notify' ? `${queue} notifies` : `${queue} ${sender}`;
harden(laneOf);

const addIndexes = (tables: ReturnType<typeof openTables>) => ({
  clusterByName: tables.clusters.index(row => row.name),
  clusterByBootstrap: tables.clusters.index(
    row => row.bootstrapResult ?? undefined,
  ),
  vatsByCluster: tables.vats.indexGroup(row => row.cluster),
  vatsByBundle: tables.vats.indexGroup(row => row.bundle),
  keptByKeeper: tables.keptBundles.firstGroups(),
  keptByHash: tables.keptBundles.indexGroup(row => row.hash),
  promisesByDecider: tables.promises.indexGroup(
    row => row.decider ?? undefined,
  ),
  clistByVref: tables.clists.pairIndex(row => row.vref),
  clistByEndpoint: tables.clists.firstGroups(),
  /** Entries whose endpoints have let an object go, and would know it again: by object. */
  recognizers: tables.clists.indexGroup(row =>
    row.reachable || isExportVref(row.vref) ? undefined : row.kref,
  ),
  /** In the order of rounds, and within one in that of arrival. */
  queueByName: tables.queue.indexGroup(
    row => row.queue,
    row => row.round,
  ),
  /** One sender's messages in one queue, or its notifies, in that order. */
  lanes: tables.queue.indexGroup(laneOf, row => row.round),
  /** In the order of the queue, whatever was undone or loaded: see `refusals.ts`. */
  messages: tables.queue.indexGroup(
    row => (row.kind === 'message' ? row.queue : undefined),
    row => row.round,
  ),
  notifies: tables.queue.indexGroup(row =>
    row.kind === 'notify' ? `${row.queue} ${row.target}` : undefined,
  ),
  /** What alarms have to tell an object, and have not told it yet. */
  wakes: tables.queue.indexGroup(row =>
    row.sender === TIMER ? `${row.queue} ${row.target}` : undefined,
  ),
  /** In the order in which the sessions were told. */
  retiringBySession: tables.retiring.indexGroup(
    row => row.session,
    row => row.delivery,
  ),
  changesByVat: tables.vatChanges.firstGroups(),
  /** All of them, the next one first. */
  timersByTime: tables.timers.indexGroup(
    () => 'all',
    row => row.time,
  ),
  timersByTimer: tables.timers.indexGroup(row => row.timer),
  timerByAlarm: tables.timers.index(row => row.alarm ?? undefined),
  callsByObject: tables.calls.indexGroup(row => row.object),
  quotasByParent: tables.quotas.indexGroup(row => row.parent ?? undefined),
  birthsByCluster: tables.births.indexGroup(row => row.cluster),
  birthsByBundle: tables.births.indexGroup(row => row.bundle),
  childrenByQuota: tables.children.indexGroup(row => row.quota),
  childByNode: tables.children.index(row => row.node),
});

/** The one who settled a promise, or is to, and the one who made it. */
export const pairOf = ({
  maker,
  settler,
  decider,
}: Pick<PromiseRow, 'maker' | 'settler' | 'decider'>): string =>
  `${settler ?? decider} ${maker}`;
harden(pairOf);

/** What the rows of endpoints weigh; see `usage.ts`. */
const addSums = (tables: ReturnType<typeof openTables>) => ({
  changeUnits: tables.vatChanges.indexSum(row => row.vat, weighChange),
  /** What messages count: of each sender, wherever they wait; and of each queue. */
  sentUnits: tables.queue.indexSum(
    row => (row.kind === 'message' ? (row.sender ?? undefined) : undefined),
    weighMessage,
  ),
  queuedUnits: tables.queue.indexSum(
    row => (row.kind === 'message' ? row.queue : undefined),
    weighMessage,
  ),
  /** Promises in the c-list of the one who made them, and what their answers count. */
  promisesMade: tables.clists.indexSum(
    row =>
      isPromiseKref(row.kref) && isExportVref(row.vref)
        ? row.endpoint
        : undefined,
    () => 1,
  ),
  promiseUnits: tables.promises.indexSum(
    row => (row.isLeft ? undefined : (row.maker ?? undefined)),
    weighAnswer,
  ),
  /** Answers that others hold, whose askers have been told, by both that had to do with them. */
  leftUnits: tables.promises.indexSum(
    row => (row.isLeft && row.maker !== null ? pairOf(row) : undefined),
    weighAnswer,
  ),
  /** What the objects count that services have made, by who has asked for them; aliases apart. */
  serviceUnits: tables.serviceObjects.indexSum(
    row => row.maker ?? undefined,
    row => row.units,
  ),
  aliasUnits: tables.aliases.indexSum(
    row => row.maker ?? undefined,
    weighAlias,
  ),
  /** The same by cluster: who has asked for them may have ended. */
  serviceUnitsOfCluster: tables.serviceObjects.indexSum(
    row => row.cluster ?? undefined,
    row => row.units,
  ),
  aliasUnitsOfCluster: tables.aliases.indexSum(
    row => row.cluster ?? undefined,
    weighAlias,
  ),
  /** How often the alarms of a timer object come in a second. */
  repeatsPerSecond: tables.timers.indexSum(row => row.timer, weighRepeat),
  exported: tables.clists.indexSum(
    row => (isExportVref(row.vref) ? row.endpoint : undefined),
    () => 1,
  ),
});

/**
 * The whole state of the kernel, in memory, with its indexes. Read freely;
 * write only inside a crank (`store.begin` … `store.keep` or `store.undo`).
 */
export const makeState = (db: KernelDb) => {
  const store = makeTables(db);
  const tables = openTables(store);
  const indexes = { ...addIndexes(tables), ...addSums(tables) };
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
