import harden from '@endo/harden';
import { ENDOWMENTS, type Endowment } from '@cooperage/protocol';
import type { LiveSlotsConsole } from '../liveslots.ts';

const isEndowment = (name: string): name is Endowment =>
  ENDOWMENTS.some(known => known === name);

/**
 * The globals that a vat is configured with, hardened; nothing else. Throws an
 * error that names an unknown one, or one that this platform does not have.
 */
export const makeEndowments = (
  names: readonly string[],
  vatConsole: LiveSlotsConsole,
): Readonly<Partial<Record<Endowment, unknown>>> => {
  const makers: Readonly<Record<Endowment, () => unknown>> = {
    console: () => vatConsole,
    TextEncoder: () => Reflect.get(globalThis, 'TextEncoder'),
    TextDecoder: () => Reflect.get(globalThis, 'TextDecoder'),
    URL: () => Reflect.get(globalThis, 'URL'),
  };
  const entries = names.map(name => {
    const value = isEndowment(name) ? makers[name]() : undefined;
    if (value === undefined) {
      throw Error(
        `no endowment ${JSON.stringify(name)}; there are ${ENDOWMENTS.join(', ')}`,
      );
    }
    return [name, value];
  });
  return harden(Object.fromEntries(entries));
};
harden(makeEndowments);
