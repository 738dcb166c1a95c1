import { bundleOf } from './program.ts';

/** A vat that keeps a number and a map of rows in its baggage. A row is a key of about 20 bytes and a value of about 100. */
export const STORE_PROGRAM = `imports => {
  const { Far } = imports['@endo/far'];
  const { provide, makeScalarBigMapStore } = imports['@agoric/vat-data'];
  const nameOf = row => String(row).padStart(13, '0');
  const TEXT = 'x'.repeat(72);
  return {
    buildRootObject: (_powers, _parameters, baggage) => {
      provide(baggage, 'count', () => 0);
      const rows = provide(baggage, 'rows', () =>
        makeScalarBigMapStore('rows', { durable: true }),
      );
      return Far('Store', {
        ping: () => 'pong',
        fill: (from, count) => {
          for (let row = from; row < from + count; row += 1) {
            rows.init(nameOf(row), TEXT);
          }
        },
        increment: () => {
          baggage.set('count', baggage.get('count') + 1);
          return baggage.get('count');
        },
        iterate: count => {
          let seen = 0;
          for (const _key of rows.keys()) {
            seen += 1;
            if (seen === count) break;
          }
          return seen;
        },
      });
    },
  };
}`;

export const STORE_IMPORTS = ['@endo/far', '@agoric/vat-data'];

/** A cluster of one such vat. */
export const makeStoreConfig = (name: string) => ({
  name,
  vats: { [name]: { bundle: bundleOf(STORE_PROGRAM, STORE_IMPORTS) } },
});
