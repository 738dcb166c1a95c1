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
import type { Refcounts } from './gc/refcounts.ts';
import { draftEntry, draftObject, draftPromise } from './store/drafts.ts';
import type { CListRow } from './store/schema.ts';
import type { State } from './store/state.ts';
import type { Usage } from './usage.ts';

/**
 * The c-lists: what each endpoint may name. Each is a bijection between krefs
 * and vrefs; the counts follow every change made here.
 */
export const makeCLists = (
  state: State,
  { refcounts, usage }: { refcounts: Refcounts; usage: Usage },
) => {
  const { clists, objects, promises } = state;

  const entry = (endpoint: EndpointId, kref: Kref): CListRow | undefined =>
    clists.get(endpoint, kref);
  const entryOfVref = (
    endpoint: EndpointId,
    vref: Vref,
  ): CListRow | undefined => state.clistByVref.get(endpoint, vref);

  /** Adds an entry that must not be there yet. */
  const add = (endpoint: EndpointId, kref: Kref, vref: Vref): void => {
    clists.put({ endpoint, kref, vref, reachable: 1 });
    if (isPromiseKref(kref) || !isExportVref(vref)) {
      refcounts.hold(kref);
    }
  };

  const mark = (row: CListRow, reachable: 0 | 1): void => {
    const next = draftEntry(row);
    next.reachable = reachable;
    clists.put(next);
  };

  /** Removes an entry; an exported object is then an orphan. */
  const remove = (row: CListRow): void => {
    clists.delete(row.endpoint, row.kref);
    if (isPromiseKref(row.kref)) {
      const promise = promises.get(row.kref);
      if (promise?.maker === row.endpoint) {
        const next = draftPromise(promise);
        next.isLeft = 1; // what still holds it is of others
        promises.put(next);
      }
      refcounts.release(row.kref);
    } else if (isExportVref(row.vref)) {
      const object = objects.get(row.kref);
      if (object) {
        const next = draftObject(object);
        next.owner = null;
        objects.put(next);
        refcounts.suspect(row.kref);
      }
    } else if (row.reachable) {
      refcounts.release(row.kref);
    } else {
      refcounts.releaseWeakly(row.kref);
    }
  };

  /** Sets the flag of an entry that may have lost it: an export is exported again, an import comes again. */
  const reach = (row: CListRow): void => {
    if (!row.reachable) {
      mark(row, 1);
      if (isExportVref(row.vref)) {
        refcounts.suspect(row.kref); // whatever names it may come to nothing
      } else {
        refcounts.becomeReachable(row.kref);
      }
    }
  };

  /** Takes the flag of an entry that has it. */
  const unreach = (row: CListRow): void => {
    mark(row, 0);
    if (isExportVref(row.vref)) {
      refcounts.suspect(row.kref);
    } else {
      refcounts.becomeUnreachable(row.kref);
    }
  };

  /** A new object or promise that the endpoint exports under the vref, and what it alleges it to be. Throws EndpointFault when it may have no more. */
  const addExport = (
    endpoint: EndpointId,
    vref: Vref,
    iface: string | null = null,
  ): Kref => {
    const kind = parseVref(vref)?.kind === 'promise' ? 'promise' : 'object';
    usage.insistReference(endpoint);
    const kref = makeKref(kind, state.allot(kind));
    if (kind === 'object') {
      objects.put({
        kref,
        owner: endpoint,
        iface,
        reachable: 0,
        recognizable: 0,
      });
      refcounts.suspect(kref);
    } else {
      usage.insistPromise(endpoint);
      promises.put({
        kref,
        state: 'unresolved',
        decider: endpoint,
        subscribers: [],
        body: null,
        slots: [],
        refs: 1, // by the entry
        maker: endpoint,
        settler: null,
        isLeft: 0,
      });
    }
    clists.put({ endpoint, kref, vref, reachable: 1 });
    return kref;
  };

  return { entry, entryOfVref, add, remove, reach, unreach, addExport };
};
harden(makeCLists);

export type CLists = ReturnType<typeof makeCLists>;
