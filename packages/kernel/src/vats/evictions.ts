import harden from '@endo/harden';
import {
  isDurableVref,
  isExportVref,
  isPromiseKref,
  ROOT_VREF,
  type VatId,
} from '@cooperage/protocol';
import type { Inbox } from '../inbox.ts';
import type { Phase } from '../phase.ts';
import type { Clock } from '../ports.ts';
import type { State } from '../store/state.ts';

/** No timer of a platform can wait longer. */
const MOST_WAIT = 2 ** 31 - 1;

/** When vats whose config lets them be evicted lose their workers. */
export type EvictionOptions = {
  /** A vat may be idle for so long. 300,000 by default; Infinity is for ever. */
  readonly evictMilliseconds?: number;
  /** While more workers of vats than this live, a vat may be idle for `crowdedMilliseconds` only; 24 and 1,000 by default. */
  readonly mostWorkers?: number;
  readonly crowdedMilliseconds?: number;
};

/**
 * Vats that have been idle for long lose worker and heap, the longest idle first,
 * and start again with the next message. What is at work is never evicted, nor
 * what has only just been: so more workers than wished for may live, and those
 * that take turns are not started over and over.
 */
export const makeEvictions = (
  state: State,
  {
    options: {
      evictMilliseconds = 300_000,
      mostWorkers = 24,
      crowdedMilliseconds = 1_000,
    },
    clock,
    phase,
    inbox,
    living,
    isIdle,
    reapFirst,
    evict,
    pump,
  }: {
    options: EvictionOptions;
    clock: Clock;
    phase: Phase;
    inbox: Pick<Inbox, 'head'>;
    /** How many vats have a worker. */
    living: () => number;
    /** True when the vat has a worker, may be delivered to, and has nothing in flight. */
    isIdle: (vat: VatId) => boolean;
    /** True when the vat has something to let go of first, and is reaped for it soon. */
    reapFirst: (vat: VatId) => boolean;
    evict: (vat: VatId) => void;
    pump: () => void;
  },
) => {
  /** Those that may be evicted one day, and since when each does nothing; the longest idle first. */
  const idle = new Map<VatId, number>();
  let due = Infinity;
  let cancelReview = (): void => {};
  phase.onEnd(() => cancelReview());

  const patience = (): number =>
    living() > mostWorkers
      ? Math.min(crowdedMilliseconds, evictMilliseconds)
      : evictMilliseconds;

  /** Nobody outside could tell: it exports nothing that goes with the heap, and waits for nothing. */
  const isUnseen = (vat: VatId): boolean =>
    state.clistByEndpoint
      .values(vat)
      .every(
        ({ kref, vref }) =>
          !isPromiseKref(kref) &&
          (!isExportVref(vref) || isDurableVref(vref) || vref === ROOT_VREF),
      );

  const mayGo = (vat: VatId): boolean =>
    isIdle(vat) &&
    inbox.head(vat) === undefined &&
    (state.vats.get(vat)?.eviction === 'any' || isUnseen(vat));

  /** Evicts those whose time is up. One that may not go now is looked at again after its next delivery, be it its reap. */
  const review = (): void => {
    due = Infinity;
    let isAny = false;
    for (const [vat, since] of idle) {
      if (clock.now() - since < patience()) {
        break;
      }
      idle.delete(vat);
      if (mayGo(vat)) {
        if (!reapFirst(vat)) {
          evict(vat);
        }
        isAny = true;
      }
    }
    plan();
    if (isAny) {
      pump();
    }
  };

  const plan = (): void => {
    const [since] = idle.values();
    const next = since === undefined ? Infinity : since + patience();
    if (next < due) {
      cancelReview();
      due = next;
      const wait = Math.min(next - clock.now(), MOST_WAIT);
      cancelReview = clock.after(wait, () => phase.guard(review));
    }
  };

  return harden({
    /** To be called when the vat has got a worker, has ended a delivery, or may be delivered to again. */
    note: (vat: VatId): void => {
      if (state.vats.get(vat)?.eviction !== 'never') {
        idle.delete(vat);
        idle.set(vat, clock.now());
      }
      plan();
    },
    forget: (vat: VatId): void => {
      idle.delete(vat);
    },
    /** Those that may be evicted one day, and since when each does nothing. */
    memory: (): (readonly [VatId, number])[] => [...idle],
  });
};
harden(makeEvictions);

export type Evictions = ReturnType<typeof makeEvictions>;
