import './before-lockdown.ts';
import '@cooperage/client/lockdown';
import { countRows } from '@cooperage/protocol';
import { E } from '@endo/far';
import process from 'node:process';
import { expect, it } from 'vitest';
import { CHURN_CONFIG } from './churn.ts';
import { listGrown, takeStock, type Rig } from './rig.ts';
import { useRigs } from './testing/rigs.ts';

const rigs = useRigs();

/** A hundred on demand: each takes two workers. */
const RESTARTS = Number(process.env['RESTARTS'] ?? 5);

type Churning = {
  meet(other: unknown): Promise<void>;
  churn(count: number, inFlight: number): Promise<number>;
};

/** One life of two vats: messages of every kind, a few of them under way when both heaps go. */
const live = async ({ console: { kernel } }: Rig): Promise<void> => {
  const [left, right] = (await Promise.all(
    ['left', 'right'].map(vat => E(kernel).root('churn', vat)),
  )) as [Churning, Churning];
  await E(left).meet(right);
  await E(right).meet(left);
  await Promise.all([left, right].map(each => E(each).churn(34, 5)));
  const unfinished = [left, right].map(each => E(each).churn(34, 5));
  const ends = Promise.allSettled(unfinished);
  await E(kernel).restart('churn');
  await ends;
};

const rest = async (rig: Rig) => {
  await E(rig.console.kernel).collect();
  return { ...(await takeStock(rig)), files: 0 };
};

const countStored = ({ stores }: Rig): number =>
  stores
    .list()
    .reduce((sum, vat) => sum + countRows(stores.read(vat).image), 0);

it(`${RESTARTS} restarts of vats in the midst of messages of every kind leave the rows of one, in the tables and in the stores (invariant 12)`, async () => {
  const first = await rigs.start({ storage: 'memory' });
  await E(first.console.kernel).launch(CHURN_CONFIG);
  await live(first);
  const stock = await rest(first);
  let image = await first.stop();

  const second = await rigs.start({ image, isChecked: false });
  const stored = countStored(second);
  for (let nth = 1; nth < RESTARTS; nth += 1) {
    await live(second);
  }
  expect(listGrown(stock, await rest(second))).toEqual([]);
  image = await second.stop();

  const third = await rigs.start({ image });
  expect(countStored(third)).toBeLessThanOrEqual(stored);
}, 600_000);
