import harden from '@endo/harden';
import {
  encodeDisconnection,
  encodeError,
  isDurableVref,
  isExportVref,
  isPromiseKref,
  ROOT_VREF,
  type CapData,
  type EndpointId,
  type Kref,
  type SessionId,
  type VatId,
} from '@cooperage/protocol';
import type { CrankParts } from './crank.ts';
import { insistRow } from './faults.ts';
import type { QueueRow } from './store/schema.ts';
import type { State } from './store/state.ts';

/** Ends of endpoints and of heaps, as changes of the tables; to be used inside a crank. */
export const makeLives = (state: State, parts: CrankParts) => {
  const { refcounts, clists, inbox, promises } = parts;

  const vatRow = (vat: VatId) => insistRow(state.vats.get(vat), `vat ${vat}`);

  /** Takes an item off its inbox and rejects what it was to answer. */
  const refuse = (item: QueueRow, data: CapData<Kref>): void => {
    inbox.remove(item);
    if (item.kind === 'message' && item.result !== null) {
      promises.resolve(item.result, true, data);
    }
  };

  /** Promises that the endpoint waits to hear of, or is about to hear of. */
  const isAwaited = (endpoint: EndpointId, kref: Kref): boolean =>
    promises.get(kref).subscribers.includes(endpoint) ||
    inbox.hasNotify(endpoint, kref);

  const unsubscribeAll = (endpoint: EndpointId): void => {
    for (const row of state.clistByEndpoint.values(endpoint)) {
      if (isPromiseKref(row.kref)) {
        promises.unsubscribe(endpoint, row.kref);
      }
    }
  };

  /** The endpoint is no more: its promises reject, its exports are orphans, its imports are released. */
  const endEndpoint = (endpoint: EndpointId, reason: string): void => {
    const data = encodeError('Error', reason);
    unsubscribeAll(endpoint);
    promises.rejectDecidedBy(endpoint, data);
    for (const item of inbox.items(endpoint)) {
      refuse(item, data);
    }
    state.clistByEndpoint.values(endpoint).forEach(clists.remove);
  };

  const endSession = (id: SessionId, reason: string): void => {
    endEndpoint(id, reason);
    for (const retiring of state.retiringBySession.values(id)) {
      state.retiring.delete(retiring.session, retiring.vref);
      refcounts.release(retiring.kref);
    }
    state.sessions.delete(id);
  };

  const endVat = (vat: VatId, reason: string): void => {
    const row = vatRow(vat);
    endEndpoint(vat, reason);
    refcounts.release(row.root);
    row.parametersSlots.forEach(refcounts.release);
    for (const { key } of state.changesByVat.values(vat)) {
      state.vatChanges.delete(vat, key);
    }
    state.vats.delete(vat);
  };

  /**
   * The vat's heap is gone, its store stays: a new incarnation. Promises that
   * the heap was to decide reject; exports that only the heap knew are orphans;
   * promises stay if the vat is to hear of them, for a durable watcher may wait.
   * The root is known to every incarnation.
   */
  const loseHeap = (vat: VatId, upgradeMessage: string): void => {
    const row = vatRow(vat);
    if (row.asleep) {
      return; // no heap of this incarnation has ever been
    }
    state.vats.put({ ...row, incarnation: row.incarnation + 1, asleep: 1 });
    promises.rejectDecidedBy(
      vat,
      encodeDisconnection(upgradeMessage, row.incarnation),
    );
    for (const entry of state.clistByEndpoint.values(vat)) {
      const survives = isPromiseKref(entry.kref)
        ? isAwaited(vat, entry.kref)
        : !isExportVref(entry.vref) ||
          isDurableVref(entry.vref) ||
          entry.vref === ROOT_VREF;
      if (!survives) {
        clists.remove(entry);
      }
    }
  };

  /**
   * Its code can't run: the messages that wait for it reject, as those to come
   * do. What it is to be told of waits for an incarnation that runs.
   */
  const failVat = (vat: VatId, failure: string): void => {
    state.vats.put({ ...vatRow(vat), failure });
    const data = encodeError('Error', `vat ${vat} can't run: ${failure}`);
    for (const item of inbox.items(vat)) {
      if (item.kind === 'message') {
        refuse(item, data);
      }
    }
  };

  /** Its messages wait until a person lets it go on. To follow the loss of its heap. */
  const suspendVat = (vat: VatId, suspension: string): void =>
    state.vats.put({ ...vatRow(vat), suspension });

  return { refuse, suspendVat, endSession, endVat, loseHeap, failVat };
};
harden(makeLives);

export type Lives = ReturnType<typeof makeLives>;
