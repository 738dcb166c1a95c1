import harden from '@endo/harden';
import type { EndpointId, VatId } from '@cooperage/protocol';

/** So many deliveries tell what a vat is; others at work make one of a quick vat last too. */
const DELIVERIES = 4;

/**
 * Which vats are quick: those of whose last four deliveries, of whatever kind, one
 * took less than a few milliseconds from its sending to its end, as the processors were then.
 */
export const makePace = ({
  now,
  quickMilliseconds,
}: {
  now: () => number;
  quickMilliseconds: number;
}) => {
  const begun = new Map<EndpointId, number>();
  /** For how many slow deliveries more a vat is held to be quick. */
  const quick = new Map<EndpointId, number>();
  const left = (vat: VatId): number => quick.get(vat) ?? 0;
  return harden({
    begin: (vat: VatId): void => {
      begun.set(vat, now());
    },
    /** The delivery has ended, well or not. */
    end: (vat: VatId): void => {
      const began = begun.get(vat);
      if (began === undefined) {
        return; // a worker goes that had nothing to do
      }
      begun.delete(vat);
      if (now() - began < quickMilliseconds) {
        quick.set(vat, DELIVERIES);
      } else {
        quick.set(vat, Math.max(0, left(vat) - 1));
      }
    },
    isQuick: (vat: VatId): boolean => left(vat) > 0,
    /** The endpoint is no more. */
    forget: (endpoint: EndpointId): void => {
      begun.delete(endpoint);
      quick.delete(endpoint);
    },
  });
};
harden(makePace);

export type Pace = ReturnType<typeof makePace>;
