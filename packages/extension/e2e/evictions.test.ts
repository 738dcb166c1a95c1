import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startExtension, type Extension } from './harness.ts';
import { STANDING_WORKERS, whenWorkersAre } from './workers.ts';

const NAMES = Array.from({ length: 50 }, (_, index) => `v${index}`);
/** As docs/lives.md has it. */
const MOST_WORKERS = 24;

/** Keeps its count, and may be lost whenever nobody can tell. */
const bundle = {
  text: JSON.stringify({
    moduleFormat: 'cooperageScript',
    imports: ['@endo/far'],
    source: `imports => {
      const { Far } = imports['@endo/far'];
      const buildRootObject = (vatPowers, parameters, baggage) => {
        if (!baggage.has('count')) baggage.init('count', 0);
        return Far('Worker', {
          work: rounds => {
            let sum = 0;
            for (let round = 0; round < rounds; round += 1) sum = (sum * 31 + round) % 1_000_003;
            baggage.set('count', baggage.get('count') + 1);
            return baggage.get('count');
          },
        });
      };
      return { buildRootObject };
    }`,
  }),
};
const crowd = {
  name: 'crowd',
  bootstrap: 'v0',
  vats: Object.fromEntries(
    NAMES.map(name => [name, { bundle, eviction: 'unseen' }]),
  ),
};
const bystander = { name: 'bystander', vats: { main: { bundle } } };

describe('fifty vats that may be evicted', () => {
  let extension: Extension;
  beforeAll(async () => {
    extension = await startExtension();
    await extension.inConsole(`(async () => {
      await E(kernel).launch(${JSON.stringify(bystander)});
      await E(kernel).launch(${JSON.stringify(crowd)});
    })()`);
  });
  afterAll(() => extension.close());

  type VatNow = { name: string; state: string; incarnation: number };
  const crowdNow = (): Promise<readonly VatNow[]> =>
    extension.inConsole(
      `E(kernel).clusters().then(all => all.find(({ name }) => name === 'crowd').vats.map(
        ({ name, state, incarnation }) => ({ name, state, incarnation })))`,
    );
  const namesIn = (vats: readonly VatNow[], state: string) =>
    vats.filter(each => each.state === state).map(({ name }) => name);
  /** Has the vats count, all at once. */
  const count = (names: readonly string[]): Promise<readonly number[]> =>
    extension.inConsole(
      `Promise.all(${JSON.stringify(names)}.map(name => E(E(kernel).root('crowd', name)).work(1)))`,
    );

  it('answer, and so do the kernel and others meanwhile, as soon as it is their turn', async () => {
    // Twice round: were any made to wait for the crowd, its last answer would come before.
    const order = await extension.inConsole<readonly string[]>(`(async () => {
      const order = [];
      const roots = await Promise.all(${JSON.stringify(NAMES)}.map(name => E(kernel).root('crowd', name)));
      const other = await E(kernel).root('bystander');
      const crowded = Promise.all(roots.flatMap(root => [E(root).work(500_000), E(root).work(500_000)]))
        .then(() => order.push('crowd'));
      await E(other).work(1);
      order.push('bystander');
      await E(kernel).status();
      order.push('status');
      await E(other).work(1);
      order.push('bystander');
      await crowded;
      return order;
    })()`);
    expect(order).toEqual(['bystander', 'status', 'bystander', 'crowd']);
  });

  it(`keep ${MOST_WORKERS} workers once they are idle, beside those of vats that may not be evicted`, async () => {
    await whenWorkersAre(
      extension,
      ({ length }) => length <= STANDING_WORKERS + MOST_WORKERS,
    );
    const states = async () => {
      const vats = await crowdNow();
      return ['running', 'asleep'].map(state => namesIn(vats, state).length);
    };
    // The bystander has one of the workers.
    await expect
      .poll(states, { timeout: 60_000 })
      .toEqual([MOST_WORKERS - 1, NAMES.length - MOST_WORKERS + 1]);
  });

  it('go on where they were, also those that have lost their heaps', async () => {
    const evicted = (await crowdNow()).filter(
      ({ state }) => state === 'asleep',
    );
    expect(evicted.map(({ incarnation }) => incarnation)).not.toContain(1);
    expect(await count(NAMES)).toEqual(NAMES.map(() => 3));
    await whenWorkersAre(
      extension,
      ({ length }) => length <= STANDING_WORKERS + MOST_WORKERS,
    );
    const names = ['v0', 'v13', 'v25', 'v37', 'v49'];
    expect(await count(names)).toEqual(names.map(() => 4));
  });
});
