import './testing/lockdown.ts';
import type { StoreChange } from '@cooperage/protocol';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { describe, expect, it } from 'vitest';
import { loadBundle } from './load-bundle.ts';
import { makeLoneVat } from './testing/lone-vat.ts';

setFlagsFromString('--expose-gc');
const gc = runInNewContext('gc') as () => void;

/** Fills collections of every kind, with virtual and durable objects and imports in them, and lets go of them. */
const SOURCE = `imports => {
  const { Far } = imports['@endo/far'];
  const buildRootObject = (_powers, _parameters, baggage) => {
    if (!baggage.has('handle')) {
      baggage.init('handle', VatData.makeKindHandle('cell'));
      baggage.init('known', VatData.makeScalarBigWeakMapStore('known', { durable: true }));
    }
    const cell = VatData.defineDurableKind(baggage.get('handle'), value => ({ value }), { get: ({ state }) => state.value });
    const known = baggage.get('known');
    return Far('root', {
      fill: (type, count, ...imported) => {
        const isWeak = type.startsWith('Weak');
        const store = VatData['makeScalarBig' + type + 'Store'](type, { durable: true });
        const keys = [];
        for (let nth = 0; nth < count; nth += 1) {
          const thing = imported[nth % (imported.length + 1)] ?? cell(nth);
          const key = isWeak ? cell(thing) : nth;
          keys.push(key);
          if (type.endsWith('Set')) store.add(key); else store.init(key, thing);
        }
        if (isWeak) baggage.init('keys', harden(keys));
        baggage.init('store', store);
      },
      empty: () => { baggage.delete('store'); if (baggage.has('keys')) baggage.delete('keys'); },
      remember: thing => known.init(thing, 'known'),
    });
  };
  return { buildRootObject };
}`;

const start = async (mostLate = 7) => {
  const text = JSON.stringify({
    moduleFormat: 'cooperageScript',
    source: SOURCE,
    imports: ['@endo/far'],
  });
  const vat = makeLoneVat(loadBundle(text, {}), gc, { mostLate });
  await vat.startVat();
  return vat;
};

const ref = (nth: number) => ({ '@ref': `o-${nth}` });
const isLate = ([key, value]: StoreChange): boolean =>
  value === null || key.startsWith('vom.rc.');

/** What is there when the vat has nothing to let go of, but for the numbers that it gives to what is new. */
const rowsOf = ({ rows, imports }: Awaited<ReturnType<typeof start>>) => ({
  keys: [...rows.keys()].sort(),
  imports: [...imports.keys()],
});

describe.each(['Map', 'Set', 'WeakMap', 'WeakSet'])('a dead %s', type => {
  it('goes in bounded parts, whether they are reaps or the heap is lost amid them', async () => {
    const vat = await start();
    await vat.call('remember', ref(50));
    await vat.reap();
    const before = rowsOf(vat);
    for (const losses of [0, 1]) {
      await vat.call('fill', type, 40, ref(51), ref(52));
      expect(vat.rows.size).toBeGreaterThan(before.keys.length + 40);
      await vat.call('empty');
      const late: number[] = [];
      let left = losses;
      // The engine may find the collection dead a reap later.
      for (let hasMore = true; hasMore || vat.rows.size > before.keys.length;) {
        const reap = await vat.reapOnce();
        late.push(reap.changes.filter(isLate).length);
        ({ hasMore } = reap);
        if (left > 0 && late.length === 3) {
          left -= 1;
          const restart = await vat.restart();
          late.push(restart.changes.filter(isLate).length);
          hasMore = restart.hasMore;
        }
      }
      expect(Math.max(...late)).toBeLessThanOrEqual(7);
      expect(late.length).toBeGreaterThan(8);
      expect(rowsOf(vat)).toEqual(before);
    }
  });
});
