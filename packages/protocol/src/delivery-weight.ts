import type { CapData } from './capdata.ts';
import type { Delivery } from './delivery.ts';

/** What a reference counts. */
const REFERENCE_UNITS = 20;

const weighData = ({ body, slots }: CapData): number =>
  body.length + REFERENCE_UNITS * slots.length;

/**
 * What a delivery counts, in UTF-16 units: its text, and 20 for each reference.
 * A client acknowledges by that, and the kernel waits by that: see `ClientNotifications`.
 */
export const weighDelivery = (delivery: Delivery): number => {
  switch (delivery[0]) {
    case 'startVat':
      return weighData(delivery[1]);
    case 'message':
      return weighData(delivery[2].methargs);
    case 'notify':
      return delivery[1].reduce((sum, [, , data]) => sum + weighData(data), 0);
    case 'dropExports':
    case 'retireExports':
    case 'retireImports':
      return REFERENCE_UNITS * delivery[1].length;
    case 'bringOutYourDead':
      return 0;
  }
};
