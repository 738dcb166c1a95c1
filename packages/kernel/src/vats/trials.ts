import harden from '@endo/harden';
import type { VatId } from '@cooperage/protocol';
import type { CrankParts } from '../crank.ts';
import type { KernelOptions } from '../kernel-options.ts';
import type { Clock, Platform } from '../ports.ts';
import type { State } from '../store/state.ts';
import type { TrialRow } from '../store/vat-schema.ts';

/** Runs that may be cut off while one vat's delivery is tried alone. */
const MOST_CUTS = 2;
const REASON =
  'the process of the kernel has ended twice while a delivery to it, and no other, was under way';

/**
 * Where a vat's delivery can take the process of the kernel along, as by all of
 * its memory, it would be made again by each next run, and end that too. So in
 * the first seconds after a run that was cut off deliveries are trials: one at a
 * time, and before one begins it is on the disk whose it is. Who was tried when
 * the run was cut off, twice without a message or an answer that it took in between,
 * must have been the cause, unless somebody killed the process at just these moments.
 */
export const makeTrials = (
  state: Pick<State, 'trials' | 'vats' | 'store'>,
  {
    parts,
    clock,
    wasCut = false,
    trialMilliseconds = 10_000,
  }: {
    parts: Pick<CrankParts, 'run'>;
    clock: Pick<Clock, 'now'>;
  } & Pick<Platform, 'wasCut'> &
    Pick<KernelOptions, 'trialMilliseconds'>,
) => {
  const end = clock.now() + trialMilliseconds;
  let isOn = wasCut;

  /** A row that says nothing goes. */
  const keep = (row: TrialRow, isCleared: boolean): void => {
    if (isCleared || (row.cuts === 0 && !row.isUnderWay)) {
      state.trials.delete(row.vat);
    } else {
      state.trials.put(row);
    }
  };

  /** Whoever is tried is alone no more: the disk knows when this returns. */
  const absolve = (): void => {
    const tried = [...state.trials.values()].filter(row => row.isUnderWay);
    if (tried.length > 0) {
      parts.run(() =>
        tried.forEach(row => keep({ ...row, isUnderWay: 0 }, false)),
      );
      state.store.commit();
    }
  };

  return harden({
    /** For how many milliseconds deliveries are still trials. To be asked before one begins beside others: when it is 0, nobody is tried from here on. */
    left: (): number => {
      const left = isOn ? Math.max(0, end - clock.now()) : 0;
      if (isOn && left === 0) {
        isOn = false;
        absolve();
      }
      return left;
    },
    /** A delivery to the vat begins: if it is a trial, the disk knows when this returns. */
    begin: (vat: VatId): void => {
      if (isOn) {
        const cuts = state.trials.get(vat)?.cuts ?? 0;
        parts.run(() => state.trials.put({ vat, cuts, isUnderWay: 1 }));
        state.store.commit(); // what waits for a commit leaves with the next one
      }
    },
    /** The delivery to the vat has ended, well or not; it was the cause of no cut. */
    end: (vat: VatId, isCleared: boolean): void => {
      const row = state.trials.get(vat);
      if (row) {
        parts.run(() => keep({ ...row, isUnderWay: 0 }, isCleared));
      }
    },
    /** Takes up what the last run has left; those that must have cut off runs are given up. */
    restore: (giveUp: (vat: VatId, reason: string) => void): void => {
      const guilty: VatId[] = [];
      parts.run(() => {
        for (const { vat, cuts, isUnderWay } of [...state.trials.values()]) {
          const all = cuts + isUnderWay;
          const isThere = wasCut && state.vats.has(vat);
          const isGuilty = isThere && all >= MOST_CUTS;
          keep({ vat, cuts: all, isUnderWay: 0 }, isGuilty || !isThere);
          if (isGuilty) {
            guilty.push(vat);
          }
        }
      });
      guilty.forEach(vat => giveUp(vat, REASON));
    },
  });
};
harden(makeTrials);

export type Trials = ReturnType<typeof makeTrials>;
