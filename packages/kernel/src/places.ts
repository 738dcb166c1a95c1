import harden from '@endo/harden';
import type { VatId } from '@cooperage/protocol';

/** The deliveries in flight, each the same thing as long as it is. */
type Flights = ReadonlyMap<VatId, object>;

/**
 * How many deliveries may be in flight at once: `most`, so that vats do not
 * crowd the processors. There is one more where exactly one that counts is for a
 * vat that is quick: it would else wait for what takes as long as many of its
 * own. One that lasts long does not count any more while others wait: vats that
 * spin would else stop all the rest until their deadlines, while the system can
 * share the processors among threads. With `most` 1 every delivery ends before
 * the next, however long it lasts.
 */
export const makePlaces = ({
  most,
  longMilliseconds,
  flights,
  isQuick = () => false,
  after,
  onPlace,
}: {
  most: number;
  longMilliseconds: number;
  flights: () => Flights;
  /** Whether what is delivered to the vat tends to end within few milliseconds. */
  isQuick?: (vat: VatId) => boolean;
  after: (milliseconds: number, callback: () => void) => void;
  /** There may be a place for one who found none. */
  onPlace: () => void;
}) => {
  /** Those that do not count. */
  let long: Flights = new Map();
  let isWaiting = false;

  const stillIn = (some: Flights): [VatId, object][] =>
    [...some].filter(([vat, flight]) => flights().get(vat) === flight);

  /** Of the vat and of those in flight that count. */
  const isOneQuick = (vat: VatId): boolean =>
    [vat, ...flights().keys()].filter(each => !long.has(each) && isQuick(each))
      .length === 1;

  const wait = (): void => {
    const now = new Map(flights());
    isWaiting = true;
    after(longMilliseconds, () => {
      isWaiting = false;
      long = new Map([...stillIn(long), ...stillIn(now)]);
      onPlace();
    });
  };

  return harden({
    /** Whether a vat that can take a delivery may; if not, `onPlace` is called in a while. */
    isPlace: (vat: VatId): boolean => {
      if (flights().size < most) {
        return true;
      }
      if (most === 1) {
        return false;
      }
      if (long.size > 0) {
        long = new Map(stillIn(long));
      }
      const left = most - (flights().size - long.size);
      if (left > 0 || (left === 0 && isOneQuick(vat))) {
        return true;
      }
      if (!isWaiting) {
        wait();
      }
      return false;
    },
  });
};
harden(makePlaces);

export type Places = ReturnType<typeof makePlaces>;
