import harden from '@endo/harden';
import {
  encodeError,
  isExportVref,
  isPromiseKref,
  makeImportVref,
  parseKref,
  type CapData,
  type Delivery,
  type EndpointId,
  type Holdings,
  type Kref,
  type Resolution,
  type VatId,
  type Vref,
} from '@cooperage/protocol';
import type { CLists } from '../clist.ts';
import { insistRow } from '../faults.ts';
import type { GcAction } from '../gc/actions.ts';
import { survivesHeap } from '../heap-survival.ts';
import type { Inbox } from '../inbox.ts';
import type { Promises } from '../promises.ts';
import { draftVat } from '../store/drafts.ts';
import type { CListRow, QueueRow } from '../store/schema.ts';
import type { State } from '../store/state.ts';

/**
 * A delivery on its way to an endpoint, and all that it implies for the
 * endpoint's c-list. Until `land` none of it is in the tables: the cranks of
 * others that are applied meanwhile don't see it, and an abandoned delivery
 * leaves no trace.
 */
export type Flight = {
  // Every flight is made with all of these, in this order: see `store/drafts.ts`.
  readonly endpoint: EndpointId;
  readonly item: QueueRow | null;
  readonly delivery: Delivery;
  /** What the endpoint is asked to look through, with a startVat. */
  readonly held: Holdings | undefined;
  readonly additions: ReadonlyMap<Kref, Vref>;
  readonly reached: ReadonlySet<Kref>;
  /** Every reference that the delivery names. */
  readonly named: ReadonlySet<Kref>;
  readonly retired: readonly Kref[];
  /** Promises that it names as not settled yet, and that are told in notifies to come. */
  readonly later: readonly Kref[];
  /** What it tells of objects, if that is what it does. */
  readonly action: GcAction | null;
  /** The promise that the endpoint decides once this has landed. */
  readonly decides: Kref | null;
};

/** The first number of a vref that is allotted for a vat. */
export const FIRST_IMPORT = 50;
const NEW_VAT = Object.freeze({ nextImport: FIRST_IMPORT });

type NamesOptions = {
  readonly isNew?: boolean;
  /** Whether the endpoint will still have this entry of its c-list. */
  readonly counts?: (row: CListRow) => boolean;
};
const ALL = (): boolean => true;

const TOO_MUCH = encodeError<Vref>(
  'Error',
  'the answer is too much to be told together with what names it: ask for less at once',
);

export const makeFlights = (
  state: State,
  {
    clists,
    promises,
    inbox,
  }: { clists: CLists; promises: Promises; inbox: Inbox },
) => {
  /** Names for one endpoint: those that it has and that count, and what this flight gives it. */
  const makeNames = (
    endpoint: EndpointId,
    { isNew = false, counts = ALL }: NamesOptions = {},
  ) => {
    const additions = new Map<Kref, Vref>();
    const reached = new Set<Kref>();
    const named = new Set<Kref>();
    const vat = isNew ? NEW_VAT : state.vats.get(endpoint as VatId);
    let next = vat?.nextImport ?? 0;
    const allot = (kref: Kref): Vref => {
      const kind = isPromiseKref(kref) ? 'promise' : 'object';
      if (vat) {
        next += 1;
        return makeImportVref(kind, next - 1);
      }
      return makeImportVref(kind, parseKref(kref)?.index ?? 0);
    };
    const toVref = (kref: Kref): Vref => {
      named.add(kref);
      const row = clists.entry(endpoint, kref);
      if (row && counts(row)) {
        if (!row.reachable) {
          reached.add(kref);
        }
        return row.vref;
      }
      const vref = additions.get(kref) ?? allot(kref);
      additions.set(kref, vref);
      return vref;
    };
    const toCapData = (data: CapData<Kref>): CapData => ({
      body: data.body,
      slots: data.slots.map(toVref),
    });
    return { additions, reached, named, toVref, toCapData };
  };

  /** What earlier heaps have left in the c-list, but exports and what this delivery names. */
  const holdingsOf = (vat: VatId, named: ReadonlySet<Kref>): Holdings => {
    const reachable: Vref[] = [];
    const recognizable: Vref[] = [];
    const waited: Vref[] = [];
    for (const row of state.clistByEndpoint.values(vat)) {
      if (named.has(row.kref) || !survivesHeap(state, row)) {
        continue;
      }
      if (isPromiseKref(row.kref)) {
        waited.push(row.vref);
      } else if (!isExportVref(row.vref)) {
        (row.reachable ? reachable : recognizable).push(row.vref);
      }
    }
    return { reachable, recognizable, promises: waited };
  };

  const makeStart = (
    vat: VatId,
    { isNew, parameters }: { isNew: boolean; parameters: CapData<Kref> },
  ): Flight => {
    const names = makeNames(vat, {
      isNew,
      counts: row => survivesHeap(state, row),
    });
    const delivery: Delivery = ['startVat', names.toCapData(parameters)];
    return {
      endpoint: vat,
      item: null,
      delivery,
      held: isNew ? undefined : holdingsOf(vat, names.named),
      additions: names.additions,
      reached: names.reached,
      named: names.named,
      retired: [],
      later: [],
      action: null,
      decides: null,
    };
  };

  /**
   * Starts the next heap of a vat that has had one, or has one still: to land when
   * that is lost, and the entries of what this adds have gone with it. Parameters
   * are those of before unless others are given.
   */
  const startVat = (vat: VatId, others?: CapData<Kref>): Flight => {
    const row = insistRow(state.vats.get(vat), `vat ${vat}`);
    const { parametersBody: body, parametersSlots: slots } = row;
    return makeStart(vat, {
      isNew: false,
      parameters: others ?? { body, slots },
    });
  };

  /** Starts a vat that is not in the tables yet; to land when it is. */
  const startNewVat = (vat: VatId, parameters: CapData<Kref>): Flight =>
    makeStart(vat, { isNew: true, parameters });

  const message = (endpoint: EndpointId, item: QueueRow): Flight => {
    const names = makeNames(endpoint);
    const target = names.toVref(item.target);
    const methargs = names.toCapData({ body: item.body, slots: item.slots });
    const result = item.result === null ? null : names.toVref(item.result);
    return {
      endpoint,
      item,
      delivery: ['message', target, { methargs, result }],
      held: undefined,
      additions: names.additions,
      reached: names.reached,
      named: names.named,
      retired: [],
      later: [],
      action: null,
      decides: item.result,
    };
  };

  const notify = (endpoint: EndpointId, item: QueueRow): Flight | undefined => {
    if (!clists.entry(endpoint, item.target)) {
      return undefined; // told already, with another
    }
    const names = makeNames(endpoint);
    const { together, later, refused } = promises.closureOf(
      inbox
        .notifiesAtHead(endpoint)
        .filter(kref => clists.entry(endpoint, kref)),
      kref => clists.entry(endpoint, kref) !== undefined,
    );
    const told = [...together].map((kref): Resolution => {
      const row = promises.get(kref);
      const data = { body: row.body ?? '', slots: row.slots };
      return [
        names.toVref(kref),
        row.state === 'rejected',
        names.toCapData(data),
      ];
    });
    const refusals = [...refused].map((kref): Resolution => [
      names.toVref(kref),
      true,
      TOO_MUCH,
    ]);
    return {
      endpoint,
      item,
      delivery: ['notify', [...told, ...refusals]],
      held: undefined,
      additions: names.additions,
      reached: names.reached,
      named: names.named,
      retired: [...together, ...refused],
      later: [...later],
      action: null,
      decides: null,
    };
  };

  const withoutItem = (
    endpoint: EndpointId,
    delivery: Delivery,
    action: GcAction | null,
  ): Flight => ({
    endpoint,
    item: null,
    delivery,
    held: undefined,
    additions: new Map(),
    reached: new Set(),
    named: new Set(action?.krefs),
    retired: [],
    later: [],
    action,
    decides: null,
  });

  /** Tells of objects that the endpoint has in its c-list. */
  const tell = (endpoint: EndpointId, action: GcAction): Flight => {
    const vrefs = action.krefs.map(
      kref => insistRow(clists.entry(endpoint, kref), `${kref}`).vref,
    );
    return withoutItem(endpoint, [action.kind, vrefs], action);
  };

  const reap = (vat: VatId): Flight =>
    withoutItem(vat, ['bringOutYourDead'], null);

  /** Undefined when there is nothing left to tell, as happens to sessions, which may ask for what they are about to hear. */
  const prepare = (endpoint: EndpointId, item: QueueRow): Flight | undefined =>
    item.kind === 'message' ? message(endpoint, item) : notify(endpoint, item);

  /**
   * The endpoint has been told, and knows no better. Nothing can have changed
   * that meanwhile: who is told to drop or retire its export is the only one
   * who could have brought it back, and nobody brings back an orphan.
   */
  const landAction = (
    endpoint: EndpointId,
    { kind, krefs }: GcAction,
  ): void => {
    for (const kref of krefs) {
      const row = insistRow(clists.entry(endpoint, kref), `${kref}`);
      if (kind === 'dropExports') {
        clists.unreach(row);
      } else {
        clists.remove(row);
      }
    }
  };

  /** Writes into the tables what the delivery implied. */
  const land = (flight: Flight): void => {
    const { endpoint, additions, reached, retired, later } = flight;
    const { item, action, decides } = flight;
    for (const [kref, vref] of additions) {
      clists.add(endpoint, kref, vref);
    }
    for (const kref of reached) {
      clists.reach(insistRow(clists.entry(endpoint, kref), `${kref}`));
    }
    const vat = state.vats.get(endpoint as VatId);
    if (vat && additions.size > 0) {
      const next = draftVat(vat);
      next.nextImport += additions.size;
      state.vats.put(next);
    }
    if (decides !== null) {
      promises.setDecider(decides, endpoint);
    }
    for (const kref of retired) {
      clists.remove(insistRow(clists.entry(endpoint, kref), `${kref}`));
      if (kref !== item?.target) {
        inbox.removeNotifies(endpoint, kref);
      }
    }
    later.forEach(kref => inbox.addNotify(endpoint, kref));
    if (item) {
      inbox.remove(insistRow(inbox.get(item.position), 'item in flight'));
    }
    if (action) {
      landAction(endpoint, action);
    }
  };

  return { startVat, startNewVat, prepare, tell, reap, land };
};
harden(makeFlights);

export type Flights = ReturnType<typeof makeFlights>;
