import { weighDelivery, type Delivery } from '@cooperage/protocol';
import harden from '@endo/harden';

/**
 * What a client has been told and has not acknowledged: deliveries on their way,
 * which are in the memory of the kernel's process, or of the browser's, and which
 * the tables do not count any more.
 */
export const makeUnread = () => {
  /** Of each delivery, the oldest first. */
  const weights: number[] = [];
  let units = 0;
  return harden({
    add: (delivery: Delivery): void => {
      const weight = weighDelivery(delivery);
      weights.push(weight);
      units += weight;
    },
    /** The client has read so many more. */
    acknowledge: (count: number): void => {
      for (const weight of weights.splice(0, count)) {
        units -= weight;
      }
    },
    /** What they count together, in UTF-16 units. */
    units: (): number => units,
  });
};
harden(makeUnread);

export type Unread = ReturnType<typeof makeUnread>;
