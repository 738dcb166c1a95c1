import './testing/lockdown.ts';
import type { Vref } from '@cooperage/protocol';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { describe, expect, it } from 'vitest';
import { loadBundle } from './load-bundle.ts';
import { makeLoneVat, toCapData } from './testing/lone-vat.ts';

setFlagsFromString('--expose-gc');
const gc = runInNewContext('gc') as () => void;

/** Its root keeps what it is given until it lets go of all, and remembers things as weak keys, durably. */
const SOURCE = `imports => {
  const { Far } = imports['@endo/far'];
  const buildRootObject = (_powers, _parameters, baggage) => {
    let held = [];
    const makeVirtual = VatData.defineKind('virtual', value => ({ value }), { get: ({ state }) => state.value });
    if (!baggage.has('weak')) baggage.init('weak', VatData.makeScalarBigWeakMapStore('weak', { durable: true }));
    const weak = baggage.get('weak');
    return Far('root', {
      take: things => { held.push(...things); },
      make: count => { while (count--) held.push(makeVirtual(count)); },
      remember: thing => weak.init(thing, 'known'),
      recall: thing => weak.has(thing) && weak.get(thing),
      letGo: () => { held = []; },
      wait: promise => { promise.then(thing => held.push(thing)); },
    });
  };
  return { buildRootObject };
}`;

const ref = (nth: number) => ({ '@ref': `o-${nth}` });
const numbers = (count: number): number[] =>
  Array.from({ length: count }, (_, nth) => 50 + nth);
const named = (syscalls: readonly (readonly unknown[])[], name: string) =>
  syscalls
    .filter(([each]) => each === name)
    .flatMap(([, vrefs]) => vrefs as Vref[]);

const start = async (bounds?: Parameters<typeof makeLoneVat>[2]) => {
  const vat = makeLoneVat(
    loadBundle(
      JSON.stringify({
        moduleFormat: 'cooperageScript',
        source: SOURCE,
        imports: ['@endo/far'],
      }),
      {},
    ),
    gc,
    bounds,
  );
  await vat.startVat();
  return vat;
};
const hold = (vat: Awaited<ReturnType<typeof start>>, count: number) =>
  vat.call('take', numbers(count).map(ref));

describe('a reap of a vat in which much has died', () => {
  it('tells of so much, and says that there is more', async () => {
    const vat = await start({ mostDead: 4 });
    await hold(vat, 10);
    await vat.call('letGo');
    const told: number[] = [];
    // The engine may find them a reap later.
    for (let hasMore = true; hasMore || vat.imports.size > 2;) {
      const reap = await vat.reapOnce();
      told.push(named(reap.syscalls, 'dropImports').length);
      ({ hasMore } = reap);
    }
    expect(Math.max(...told)).toBeLessThanOrEqual(4);
  });

  it('changes the store for so much', async () => {
    const vat = await start({ mostDead: 4 });
    await vat.call('make', 10);
    await vat.call('letGo');
    const before = vat.rows.size;
    const gone: number[] = [];
    for (let hasMore = true; hasMore || before - vat.rows.size < 8;) {
      const reap = await vat.reapOnce();
      gone.push(reap.changes.filter(([, value]) => value === null).length);
      ({ hasMore } = reap);
    }
    expect(Math.max(...gone)).toBeLessThanOrEqual(4);
  });
});

describe('a vat that has more to let go of than one crank tells', () => {
  /** What its heap alone held is dead for sure once that is lost. */
  const loseHeap = async (count: number, mostLetGo: number) => {
    const vat = await start({ mostLetGo });
    await hold(vat, count);
    const { syscalls, hasMore } = await vat.restart();
    return { vat, told: syscalls, hasMore };
  };

  it('tells the rest with its reaps, what it drops before what it retires', async () => {
    const { vat, told, hasMore } = await loseHeap(4, 3);
    expect([told, hasMore]).toEqual([
      [['dropImports', ['o-50', 'o-51', 'o-52']]],
      true,
    ]);
    const second = await vat.reapOnce();
    expect([second.syscalls, second.hasMore]).toEqual([
      [
        ['dropImports', ['o-53']],
        ['retireImports', ['o-50', 'o-51']],
      ],
      true,
    ]);
    const third = await vat.reapOnce();
    expect([third.syscalls, third.hasMore]).toEqual([
      [['retireImports', ['o-52', 'o-53']]],
      false,
    ]);
  });

  it('keeps what it is given again, dropped already or not', async () => {
    const { vat } = await loseHeap(5, 3);
    await vat.call('take', [ref(51), ref(54)]);
    const { syscalls } = await vat.reapOnce();
    expect(syscalls).toEqual([
      ['dropImports', ['o-53']],
      ['retireImports', ['o-50', 'o-52']],
    ]);
    await vat.reap();
    expect([...vat.imports]).toEqual([
      ['o-51', true],
      ['o-54', true],
    ]);
  });

  it('keeps what a promise brings it', async () => {
    const { vat } = await loseHeap(2, 1);
    await vat.call('wait', { '@ref': 'p-99' });
    await vat.notify('p-99' as Vref, toCapData(ref(51)));
    await vat.reap();
    expect([...vat.imports]).toEqual([['o-51', true]]);
  });

  it('knows by a weak key what it is given again', async () => {
    const vat = await start({ mostLetGo: 1 });
    await hold(vat, 3);
    await vat.call('remember', ref(52));
    const { hasMore } = await vat.restart();
    expect(hasMore).toBe(true);
    expect((await vat.call('recall', ref(52))).body).toBe('#"known"');
  });

  it('does not retire what the kernel has retired meanwhile', async () => {
    const { vat } = await loseHeap(2, 2);
    await vat.retireImports(['o-50' as Vref]);
    const { syscalls } = await vat.reapOnce();
    expect(syscalls).toEqual([['retireImports', ['o-51']]]);
  });

  it('finds it again when it loses its heap before it has told', async () => {
    const { vat } = await loseHeap(7, 2);
    await vat.restart();
    await vat.reap();
    expect([...vat.imports]).toEqual([]);
  });
});
