import harden from '@endo/harden';
import {
  encodeDisconnection,
  type CapData,
  type Kref,
  type SessionId,
  type StoppedBy,
  type VatId,
} from '@cooperage/protocol';
import { alsoStoppedBy } from './authority.ts';
import { dropUnusedBundle } from './bundles.ts';
import type { CrankParts } from './crank.ts';
import { insistRow } from './faults.ts';
import type { VatRow } from './store/vat-schema.ts';
import { makeObituaries, type Mourners } from './obituaries.ts';
import { releaseBundlesOf } from './kept-bundles.ts';
import {
  endChild,
  rejectBirthsOfEnded,
} from './services/vat-admin-children.ts';
import type { State } from './store/state.ts';

/** Ends of endpoints and of heaps, as changes of the tables; to be used inside a crank. */
export const makeLives = (
  state: State,
  parts: CrankParts,
  mourners: Mourners,
) => {
  const obituaries = makeObituaries(state, mourners);
  const { refcounts, refusals, endings, losses } = parts;

  const vatRow = (vat: VatId) => insistRow(state.vats.get(vat), `vat ${vat}`);

  /** They all end, together: nothing of what this rejects comes to one of them. */
  const endSessions = (ids: readonly SessionId[], reason: string): void => {
    for (const id of ids) {
      state.sessions.delete(id);
      endings.begin(id, reason);
    }
    rejectBirthsOfEnded(state, parts);
    endings.step();
  };

  /** Code that no vat is bound to any more goes, and so does a cluster without vats. */
  const leaveBehind = ({ bundle, cluster }: VatRow): void => {
    dropUnusedBundle(state, bundle);
    if (state.vatsByCluster.count(cluster) === 0) {
      parts.bootstraps.release(
        insistRow(state.clusters.get(cluster), `cluster ${cluster}`),
      );
      state.clusters.delete(cluster);
      releaseBundlesOf(state, cluster);
    }
  };

  /** They all end, for good and together; the last one takes its cluster with it. */
  const endVats = (vats: readonly VatId[], reason: string): void => {
    for (const vat of vats) {
      const row = vatRow(vat);
      obituaries.add(row, reason);
      endChild(state, parts, vat, reason);
      state.vats.delete(vat);
      endings.begin(vat, reason);
      refcounts.release(row.root);
      row.parametersSlots.forEach(refcounts.release);
      leaveBehind(row);
    }
    rejectBirthsOfEnded(state, parts);
    endings.step();
  };

  /** The row is that of the next incarnation; gives what the promises of this one reject with, unless there has been none. */
  const beginIncarnation = (
    vat: VatId,
    upgradeMessage: string,
  ): { incarnation: number; data: CapData<Kref> } | undefined => {
    const row = vatRow(vat);
    if (row.asleep) {
      return undefined; // no heap of this incarnation has ever been
    }
    const incarnation = row.incarnation + 1;
    state.vats.put({ ...row, incarnation, asleep: 1 });
    const data = encodeDisconnection<Kref>(upgradeMessage, row.incarnation);
    return { incarnation, data };
  };

  /** The vat's heap is gone, its store stays: a new incarnation. What follows is bounded; the rest is done in steps, see `losses.ts`. */
  const loseHeap = (
    vat: VatId,
    upgradeMessage: string,
    renamed: Iterable<Kref> = [],
  ): void => {
    const lost = beginIncarnation(vat, upgradeMessage);
    if (lost) {
      losses.begin(vat, { ...lost, renamed });
    }
  };

  /** What a run has left to do that was cut off amid such steps. To find it takes a look at all rows, as their load has just done: nobody is served yet. */
  const resumeLosses = (upgradeMessage: string): void => {
    for (const vat of losses.unfinished()) {
      const { incarnation } = vatRow(vat);
      const data = encodeDisconnection<Kref>(upgradeMessage, incarnation - 1);
      losses.begin(vat, { incarnation, data, renamed: [] });
    }
  };

  /**
   * Its code can't run: the messages that wait for it reject, as those to come
   * do. What it is to be told of waits for an incarnation that runs.
   */
  const failVat = (vat: VatId, failure: string): void => {
    state.vats.put({ ...vatRow(vat), failure });
    refusals.fail(vat);
  };

  /** Whatever it was held still for, it may run from now on. */
  const freeVat = (vat: VatId): void => {
    refusals.unfail(vat);
    state.vats.put({
      ...vatRow(vat),
      failure: null,
      suspension: null,
      paused: 0,
      stoppedBy: null,
    });
  };

  /** Its messages wait until somebody lets it go on. To follow the loss of its heap. */
  const suspendVat = (vat: VatId, suspension: string, by: StoppedBy): void => {
    const row = vatRow(vat);
    const stoppedBy = alsoStoppedBy(row, by);
    state.vats.put({ ...row, suspension, paused: 0, stoppedBy });
  };

  return {
    countTry: refusals.countTry,
    suspendVat,
    endSessions,
    endVats,
    loseHeap,
    resumeLosses,
    failVat,
    freeVat,
    unfail: refusals.unfail,
  };
};
harden(makeLives);

export type Lives = ReturnType<typeof makeLives>;
