import './testing/lockdown.ts';
import { DEFAULT_VAT_LIMITS, type Vref } from '@cooperage/protocol';
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

/** How many references each reap names in syscalls of the kind, until no more is told and nothing is left. */
const reapAll = async (
  vat: Awaited<ReturnType<typeof start>>,
  kind: 'dropImports' | 'retireExports',
  isLeft: () => boolean,
): Promise<number[]> => {
  const told: number[] = [];
  // The engine may find them a reap later.
  for (let hasMore = true; hasMore || isLeft();) {
    const reap = await vat.reapOnce();
    told.push(named(reap.syscalls, kind).length);
    ({ hasMore } = reap);
  }
  return told;
};

describe('a reap of a vat in which much has died', () => {
  it('tells of so much, and says that there is more', async () => {
    const vat = await start({ mostDead: 4 });
    await hold(vat, 10);
    await vat.call('letGo');
    const told = await reapAll(vat, 'dropImports', () => vat.imports.size > 2);
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

/** Its store keeps things and kits, until it lets go of all; others know them by what it answers. */
const EXPORTER = `imports => {
  const { Far } = imports['@endo/far'];
  const buildRootObject = (_powers, _parameters, baggage) => {
    const handle = name => {
      if (!baggage.has(name)) baggage.init(name, VatData.makeKindHandle(name));
      return baggage.get(name);
    };
    const get = ({ state }) => state.value;
    const thing = VatData.defineDurableKind(handle('thing'), value => ({ value }), { get });
    const kit = VatData.defineDurableKindMulti(handle('kit'), value => ({ value }), { left: { get }, right: { get } });
    let fleeting = [];
    return Far('root', {
      things: numbers => {
        const all = harden(numbers.map(thing));
        if (baggage.has('all')) baggage.set('all', harden([...baggage.get('all'), ...all]));
        else baggage.init('all', all);
        return all;
      },
      kits: () => {
        const [one, other] = [kit(1), kit(2)];
        baggage.init('all', harden([one.left, other.left]));
        return harden([one.left, one.right, other.left, other.right]);
      },
      fleeting: () => harden(fleeting = [Far('one', {}), Far('other', {})]),
      letGo: () => { fleeting = []; if (baggage.has('all')) baggage.delete('all'); },
    });
  };
  return { buildRootObject };
}`;

const startExporter = async (bounds: Parameters<typeof makeLoneVat>[2]) => {
  const text = { moduleFormat: 'cooperageScript', source: EXPORTER };
  const imports = ['@endo/far'];
  const vat = makeLoneVat(
    loadBundle(JSON.stringify({ ...text, imports }), {}),
    gc,
    bounds,
  );
  await vat.startVat();
  return vat;
};
type Exporter = Awaited<ReturnType<typeof startExporter>>;
type Call = Parameters<Exporter['call']>;
/** Others have them, and drop them, and then the store lets go of them, of which no heap knows. */
const exportAndLetGo = async (vat: Exporter, ...call: Call): Promise<void> => {
  const { slots } = await vat.call(...call);
  await vat.dropExports(slots);
  await vat.restart();
  await vat.call('letGo');
};
const statusesOf = (vat: Exporter): string[] =>
  [...vat.rows.keys()].filter(key => key.startsWith('vom.es.o+d'));

describe('a vat whose dead exports others can recognize', () => {
  it('ends them in bounded parts', async () => {
    const vat = await startExporter({ mostLetGo: 3 });
    await exportAndLetGo(vat, 'things', numbers(7));
    const left: number[] = [];
    for (let hasMore = true; hasMore;) {
      ({ hasMore } = await vat.reapOnce());
      left.push(vat.exports.size);
      expect(statusesOf(vat)).toHaveLength(vat.exports.size);
    }
    expect(left.slice(0, 3)).toEqual([4, 1, 0]);
  });

  it('ends in parts what its heap alone knew', async () => {
    const vat = await startExporter({ mostLetGo: 1 });
    const { slots } = await vat.call('fleeting');
    await vat.dropExports(slots);
    await vat.call('letGo');
    const told = await reapAll(
      vat,
      'retireExports',
      () => vat.exports.size > 0,
    );
    expect(Math.max(...told)).toBe(1);
    expect(
      [...vat.rows.keys()].filter(key => key.startsWith('vom.es.')),
    ).toEqual([]);
  });

  it('ends each once, also if the heap is lost amid them', async () => {
    const vat = await startExporter({ mostLetGo: 2 });
    await exportAndLetGo(vat, 'things', numbers(7));
    await vat.reapOnce();
    expect([vat.exports.size, statusesOf(vat).length]).toEqual([5, 5]);
    await vat.restart();
    expect([vat.exports.size, statusesOf(vat)]).toEqual([0, []]);
  });

  it('does not end what the kernel has ended meanwhile', async () => {
    const vat = await startExporter({ mostLetGo: 1 });
    await exportAndLetGo(vat, 'things', numbers(3));
    await vat.reapOnce();
    const [next] = [...vat.exports.keys()];
    await vat.retireExports([next as Vref]);
    expect([vat.exports.size, statusesOf(vat).length]).toEqual([1, 1]);
    await vat.reap();
    expect([vat.exports.size, statusesOf(vat)]).toEqual([0, []]);
  });

  it('ends the rest of a kit with what the kernel ends of it, so that the next heap does not end it again', async () => {
    const vat = await startExporter({ mostLetGo: 1 });
    await exportAndLetGo(vat, 'kits');
    await vat.reapOnce();
    expect([vat.exports.size, statusesOf(vat).length]).toEqual([2, 1]);
    const [left] = [...vat.exports.keys()];
    await vat.retireExports([left as Vref]);
    expect([vat.exports.size, statusesOf(vat)]).toEqual([0, []]);
    await vat.restart();
  });
});

describe('a vat whose cranks may do little', () => {
  const BASE = { ...DEFAULT_VAT_LIMITS, changesPerCrank: 40 };

  it('lets go of no more imports at once than its cranks may name references', async () => {
    const vat = await start({ limits: { ...BASE, referencesPerCrank: 6 } });
    await hold(vat, 20);
    await vat.call('letGo');
    // The engine may find them a reap later.
    for (let hasMore = true; hasMore || vat.imports.size > 0;) {
      ({ hasMore } = await vat.reapOnce());
    }
    expect([...vat.imports]).toEqual([]);
  });

  it('ends no more exports at once than its cranks may change rows', async () => {
    const vat = await startExporter({ limits: BASE });
    for (let nth = 0; nth < 3; nth += 1) {
      const { slots } = await vat.call('things', numbers(8));
      await vat.dropExports(slots);
    }
    await exportAndLetGo(vat, 'things', numbers(8));
    const told: number[] = [];
    for (let hasMore = true; hasMore;) {
      const reap = await vat.reapOnce();
      told.push(reap.changes.length);
      ({ hasMore } = reap);
    }
    expect(vat.exports.size).toBe(0);
    expect(Math.max(...told)).toBeLessThanOrEqual(40);
  });
});

describe('a vat that has kept much by imports that are gone', () => {
  it('lets go of all of it in one crank, though it is more than a crank may change', async () => {
    const vat = await start({
      limits: { ...DEFAULT_VAT_LIMITS, changesPerCrank: 6 },
    });
    await hold(vat, 3);
    for (const nth of [50, 51, 52]) {
      await vat.call('remember', ref(nth));
    }
    await vat.restart();
    await vat.reap();
    expect([...vat.imports.values()]).toEqual([false, false, false]);
    await vat.retireImports(numbers(3).map(nth => `o-${nth}` as Vref));
    expect(
      [...vat.rows.keys()].filter(key => key.startsWith('vom.ir.')),
    ).toEqual([]);
  });
});
