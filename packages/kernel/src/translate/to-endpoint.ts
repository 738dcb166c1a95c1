import harden from '@endo/harden';
import {
  isPromiseKref,
  makeImportVref,
  parseKref,
  type CapData,
  type Delivery,
  type EndpointId,
  type Kref,
  type Resolution,
  type VatId,
  type Vref,
} from '@cooperage/protocol';
import type { CLists } from '../clist.ts';
import { insistRow } from '../faults.ts';
import type { Inbox } from '../inbox.ts';
import type { Promises } from '../promises.ts';
import type { QueueRow } from '../store/schema.ts';
import type { State } from '../store/state.ts';

/**
 * A delivery on its way to an endpoint, and all that it implies for the
 * endpoint's c-list. Until `land` none of it is in the tables: the cranks of
 * others that are applied meanwhile don't see it, and an abandoned delivery
 * leaves no trace.
 */
export type Flight = {
  readonly endpoint: EndpointId;
  readonly item: QueueRow | null;
  readonly delivery: Delivery;
  readonly additions: ReadonlyMap<Kref, Vref>;
  readonly reached: ReadonlySet<Kref>;
  /** Every reference that the delivery names. */
  readonly named: ReadonlySet<Kref>;
  readonly retired: readonly Kref[];
  /** The promise that the endpoint decides once this has landed. */
  readonly decides: Kref | null;
};

export const makeFlights = (
  state: State,
  {
    clists,
    promises,
    inbox,
  }: { clists: CLists; promises: Promises; inbox: Inbox },
) => {
  /** Names for one endpoint: what it has, and what this flight gives it. */
  const makeNames = (endpoint: EndpointId) => {
    const additions = new Map<Kref, Vref>();
    const reached = new Set<Kref>();
    const named = new Set<Kref>();
    const vat = state.vats.get(endpoint as VatId);
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
      if (row) {
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
    return { made: { additions, reached, named }, toVref, toCapData };
  };

  const startVat = (vat: VatId): Flight => {
    const row = insistRow(state.vats.get(vat), `vat ${vat}`);
    const names = makeNames(vat);
    const parameters = names.toCapData({
      body: row.parametersBody,
      slots: row.parametersSlots,
    });
    return {
      endpoint: vat,
      item: null,
      delivery: ['startVat', parameters],
      ...names.made,
      retired: [],
      decides: null,
    };
  };

  const message = (endpoint: EndpointId, item: QueueRow): Flight => {
    const names = makeNames(endpoint);
    const target = names.toVref(item.target);
    const methargs = names.toCapData({ body: item.body, slots: item.slots });
    const result = item.result === null ? null : names.toVref(item.result);
    return {
      endpoint,
      item,
      delivery: ['message', target, { methargs, result }],
      ...names.made,
      retired: [],
      decides: item.result,
    };
  };

  const notify = (endpoint: EndpointId, item: QueueRow): Flight | undefined => {
    if (!clists.entry(endpoint, item.target)) {
      return undefined; // told already, with another
    }
    const names = makeNames(endpoint);
    const closure = promises.closureOf(item.target);
    const resolutions = closure.map((kref): Resolution => {
      const row = promises.get(kref);
      const data = { body: row.body ?? '', slots: row.slots };
      return [
        names.toVref(kref),
        row.state === 'rejected',
        names.toCapData(data),
      ];
    });
    return {
      endpoint,
      item,
      delivery: ['notify', resolutions],
      ...names.made,
      retired: closure,
      decides: null,
    };
  };

  /** Undefined when there is nothing left to tell: the item may go. */
  const prepare = (endpoint: EndpointId, item: QueueRow): Flight | undefined =>
    item.kind === 'message' ? message(endpoint, item) : notify(endpoint, item);

  /** Writes into the tables what the delivery implied. */
  const land = (flight: Flight): void => {
    const { endpoint, additions, reached, retired, item, decides } = flight;
    for (const [kref, vref] of additions) {
      clists.add(endpoint, kref, vref);
    }
    for (const kref of reached) {
      clists.reach(insistRow(clists.entry(endpoint, kref), `${kref}`));
    }
    const vat = state.vats.get(endpoint as VatId);
    if (vat && additions.size > 0) {
      state.vats.put({ ...vat, nextImport: vat.nextImport + additions.size });
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
    if (item) {
      inbox.remove(insistRow(inbox.get(item.position), 'item in flight'));
    }
  };

  return { startVat, prepare, land };
};
harden(makeFlights);

export type Flights = ReturnType<typeof makeFlights>;
