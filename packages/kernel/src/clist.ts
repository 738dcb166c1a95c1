import harden from '@endo/harden';
import {
  isExportVref,
  isPromiseKref,
  makeKref,
  parseVref,
  type EndpointId,
  type Kref,
  type Vref,
} from '@cooperage/protocol';
import type { Refcounts } from './refcounts.ts';
import type { CListRow } from './store/schema.ts';
import type { State } from './store/state.ts';

/**
 * The c-lists: what each endpoint may name. Each is a bijection between krefs
 * and vrefs; the counts follow every change made here.
 */
export const makeCLists = (state: State, refcounts: Refcounts) => {
  const { clists, objects, promises } = state;

  const entry = (endpoint: EndpointId, kref: Kref): CListRow | undefined =>
    clists.get(endpoint, kref);
  const entryOfVref = (
    endpoint: EndpointId,
    vref: Vref,
  ): CListRow | undefined => state.clistByVref.get(`${endpoint} ${vref}`);

  /** Adds an entry that must not be there yet. */
  const add = (endpoint: EndpointId, kref: Kref, vref: Vref): void => {
    clists.put({ endpoint, kref, vref, reachable: 1 });
    if (isPromiseKref(kref) || !isExportVref(vref)) {
      refcounts.hold(kref);
    }
  };

  /** Removes an entry; an exported object is then an orphan. */
  const remove = (row: CListRow): void => {
    clists.delete(row.endpoint, row.kref);
    if (isPromiseKref(row.kref)) {
      refcounts.release(row.kref);
    } else if (isExportVref(row.vref)) {
      const object = objects.get(row.kref);
      if (object) {
        objects.put({ ...object, owner: null });
        refcounts.suspect(row.kref);
      }
    } else if (row.reachable) {
      refcounts.release(row.kref);
    } else {
      refcounts.releaseWeakly(row.kref);
    }
  };

  /** Sets the flag of an entry that may have lost it. */
  const reach = (row: CListRow): void => {
    if (!row.reachable) {
      clists.put({ ...row, reachable: 1 });
      if (!isExportVref(row.vref)) {
        refcounts.becomeReachable(row.kref);
      }
    }
  };

  /** A new object or promise that the endpoint exports under the vref. */
  const addExport = (endpoint: EndpointId, vref: Vref): Kref => {
    const kind = parseVref(vref)?.kind === 'promise' ? 'promise' : 'object';
    const kref = makeKref(kind, state.allot(kind));
    if (kind === 'object') {
      objects.put({ kref, owner: endpoint, reachable: 0, recognizable: 0 });
      refcounts.suspect(kref);
    } else {
      promises.put({
        kref,
        state: 'unresolved',
        decider: endpoint,
        subscribers: [],
        body: null,
        slots: [],
        refs: 0,
      });
    }
    add(endpoint, kref, vref);
    return kref;
  };

  return { entry, entryOfVref, add, remove, reach, addExport };
};
harden(makeCLists);

export type CLists = ReturnType<typeof makeCLists>;
