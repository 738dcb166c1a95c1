import harden from '@endo/harden';
import type { CListRow, ObjectRow, PromiseRow, QueueRow } from './schema.ts';
import type { VatRow } from './vat-schema.ts';

/*
 * Copies of rows, to be changed and put, of the tables that each message writes
 * to. They are written out, with their fields in the order in which they are made
 * elsewhere: V8 copies a frozen record by its spread field by field, many times
 * as slowly, and into one of another shape, and what meets rows of several shapes
 * is slow with all of them.
 */

type Draft<Row> = { -readonly [Field in keyof Row]: Row[Field] };

export const draftObject = (row: ObjectRow): Draft<ObjectRow> => ({
  kref: row.kref,
  owner: row.owner,
  iface: row.iface,
  reachable: row.reachable,
  recognizable: row.recognizable,
});
harden(draftObject);

export const draftPromise = (row: PromiseRow): Draft<PromiseRow> => ({
  kref: row.kref,
  state: row.state,
  decider: row.decider,
  subscribers: row.subscribers,
  body: row.body,
  slots: row.slots,
  refs: row.refs,
  maker: row.maker,
  settler: row.settler,
  isLeft: row.isLeft,
});
harden(draftPromise);

export const draftEntry = (row: CListRow): Draft<CListRow> => ({
  endpoint: row.endpoint,
  kref: row.kref,
  vref: row.vref,
  reachable: row.reachable,
});
harden(draftEntry);

export const draftItem = (row: QueueRow): Draft<QueueRow> => ({
  position: row.position,
  queue: row.queue,
  kind: row.kind,
  target: row.target,
  body: row.body,
  slots: row.slots,
  result: row.result,
  sender: row.sender,
  round: row.round,
  nth: row.nth,
  tries: row.tries,
});
harden(draftItem);

export const draftVat = (row: VatRow): Draft<VatRow> => ({
  id: row.id,
  cluster: row.cluster,
  name: row.name,
  bundle: row.bundle,
  parametersBody: row.parametersBody,
  parametersSlots: row.parametersSlots,
  endowments: row.endowments,
  incarnation: row.incarnation,
  asleep: row.asleep,
  root: row.root,
  failure: row.failure,
  suspension: row.suspension,
  deadline: row.deadline,
  onFault: row.onFault,
  storeBytes: row.storeBytes,
  paused: row.paused,
  stoppedBy: row.stoppedBy,
  critical: row.critical,
  eviction: row.eviction,
  nextImport: row.nextImport,
  fold: row.fold,
  limits: row.limits,
});
harden(draftVat);
