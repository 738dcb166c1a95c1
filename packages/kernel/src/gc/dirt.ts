import harden from '@endo/harden';
import type { VatId } from '@cooperage/protocol';

/** When a vat at work is to be reaped. */
export type DirtBounds = {
  /** References that it got since it was last reaped. */
  readonly references: number;
  /** Fewer of them are no hurry. */
  readonly few: number;
  /** Deliveries that it got since then. */
  readonly deliveries: number;
  /** How long it may go without a reap once it has had a delivery; three times as long if it has few references to let go of, or none. */
  readonly milliseconds: number;
};

/** A vat at work spends at most one part in so many of its time on reaps. */
const TIME_SHARE = 20;

/** One that has got few references, or none, may go without a reap for so many times as long: they, and what it had before, are all that it can let go of. */
const WITHOUT_NEWS = 3;

type Row = {
  /** It was told of garbage. */
  isTold: boolean;
  references: number;
  deliveries: number;
  /** When the first of these deliveries was, or the reap that is to be tried again began. */
  since: number;
  /** When the reap that is in flight began. */
  reapedAt: number;
  /** When the last one ended. */
  endedAt: number;
  /** Not to be reaped again before that time while it is at work. */
  restsUntil: number;
  /** Reaps since the last other delivery that may not have found all. */
  unsure: number;
  /** To be reaped again although nothing else was delivered since. */
  owes: boolean;
};

/** An engine that has shown no sign of a collection so often in a row won't the next time. */
const MOST_RETRIES = 3;

/**
 * How much each running vat may hold that it needs no more. Not durable: with
 * the heap that could hold it, dirt is gone.
 */
export const makeDirt = (bounds: DirtBounds, now: () => number) => {
  const dirt = new Map<VatId, Row>();

  const provide = (vat: VatId): Row => {
    let found = dirt.get(vat);
    if (!found) {
      found = {
        isTold: false,
        references: 0,
        deliveries: 0,
        since: now(),
        reapedAt: 0,
        endedAt: -Infinity,
        restsUntil: 0,
        unsure: 0,
        owes: false,
      };
      dirt.set(vat, found);
    }
    return found;
  };

  /** That may be garbage soon, and is no hurry only if it is little. */
  const hasNews = ({ isTold, references }: Row): boolean =>
    isTold || (references > 0 && references >= bounds.few);

  const isLeft = ({ deliveries, owes }: Row): boolean => deliveries > 0 || owes;

  const overdueAt = (vat: VatId): number => {
    const row = dirt.get(vat);
    if (!row || !isLeft(row)) {
      return Infinity;
    }
    const times = hasNews(row) || row.owes ? 1 : WITHOUT_NEWS;
    return row.since + times * bounds.milliseconds;
  };

  return harden({
    vats: (): IterableIterator<VatId> => dirt.keys(),
    /** The vat has a heap that has had a delivery since it was last reaped. */
    isDirty: (vat: VatId): boolean => (dirt.get(vat)?.deliveries ?? 0) > 0,
    /** It may have something to let go of: it was told of garbage, or has got many references, or some when its last reap was long ago, or there was none. */
    isDue: (vat: VatId): boolean => {
      const row = dirt.get(vat);
      return (
        row !== undefined &&
        (hasNews(row) ||
          (row.references > 0 &&
            now() - row.endedAt >= WITHOUT_NEWS * bounds.milliseconds))
      );
    },
    /** It has got references since it was last reaped, be they few, or was told of garbage. */
    holdsAnything: (vat: VatId): boolean => {
      const row = dirt.get(vat);
      return row !== undefined && (row.isTold || row.references > 0);
    },
    /** Its last reap is to be tried again, once there is time. */
    owes: (vat: VatId): boolean => dirt.get(vat)?.owes === true,
    /** To be called after a reap that may not have found all. */
    owe: (vat: VatId): void => {
      const row = provide(vat);
      row.unsure += 1;
      row.owes = row.unsure <= MOST_RETRIES;
    },
    /** When it has been without a reap for too long. */
    overdueAt,
    isOverdue: (vat: VatId): boolean => now() >= overdueAt(vat),
    /** True when it has rested long enough from the last reap. */
    isRested: (vat: VatId): boolean =>
      now() >= (dirt.get(vat)?.restsUntil ?? 0),
    /** A delivery has been applied, which gave it so many references or told it of garbage; true when the vat is to be reaped although it is at work. */
    count: (vat: VatId, references: number, isTold = false): boolean => {
      const row = provide(vat);
      row.isTold ||= isTold;
      if (!isLeft(row)) {
        row.since = now();
      }
      row.deliveries += 1;
      row.unsure = 0;
      row.references += references;
      return (
        (row.references >= bounds.references ||
          row.deliveries >= bounds.deliveries) &&
        now() >= row.restsUntil
      );
    },
    reapBegins: (vat: VatId): void => {
      const row = provide(vat);
      row.reapedAt = now();
      row.since = row.reapedAt;
    },
    reapEnds: (vat: VatId): void => {
      const row = provide(vat);
      const end = now();
      row.endedAt = end;
      row.isTold = false;
      row.references = 0;
      row.deliveries = 0;
      row.owes = false;
      row.restsUntil = end + TIME_SHARE * (end - row.reapedAt);
    },
    /** On what it hangs when each vat is reaped. */
    memory: (): (readonly [VatId, Row])[] =>
      [...dirt].map(([vat, row]) => [vat, { ...row }]),
    /** The heap is gone. */
    forget: (vat: VatId): void => {
      dirt.delete(vat);
    },
  });
};
harden(makeDirt);

export type Dirt = ReturnType<typeof makeDirt>;
