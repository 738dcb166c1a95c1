import harden from '@endo/harden';
import {
  isDurableVref,
  isExportVref,
  isPromiseKref,
  ROOT_VREF,
} from '@cooperage/protocol';
import type { CListRow } from './store/schema.ts';
import type { State } from './store/state.ts';

/** The vat waits to hear of the promise, or is about to. */
const isAwaited = (state: State, { endpoint, kref }: CListRow): boolean =>
  state.promises.get(kref)?.subscribers.includes(endpoint) === true ||
  state.notifies.count(`${endpoint} ${kref}`) > 0;

/**
 * Whether the entry of a vat's c-list stays when its heap is lost. The root is
 * known to every incarnation, and promises of which the vat is to hear stay, for
 * a durable watcher may wait.
 */
export const survivesHeap = (state: State, row: CListRow): boolean =>
  isPromiseKref(row.kref)
    ? isAwaited(state, row)
    : !isExportVref(row.vref) ||
      isDurableVref(row.vref) ||
      row.vref === ROOT_VREF;
harden(survivesHeap);
