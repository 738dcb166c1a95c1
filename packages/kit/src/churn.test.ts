import './before-lockdown.ts';
import '@cooperage/client/lockdown';
import { countRows } from '@cooperage/protocol';
import { E, Far } from '@endo/far';
import { expect, it } from 'vitest';
import { CHURN_CONFIG } from './churn.ts';
import { listGrown, takeStock, type Rig } from './rig.ts';
import { useRigs } from './testing/rigs.ts';

const rigs = useRigs();

type Churning = {
  meet(other: unknown): Promise<void>;
  churn(count: number, inFlight: number): Promise<number>;
  callBack(thing: object): Promise<string>;
  echo<Value>(value: Value): Promise<Value>;
};

/** Both vats do so many deeds with each other, and the console some of its own; then all garbage is collected. */
const churn = async (rig: Rig, count: number): Promise<void> => {
  const { kernel } = rig.console;
  const [left, right] = (await Promise.all(
    ['left', 'right'].map(vat => E(kernel).root('churn', vat)),
  )) as [Churning, Churning];
  await E(left).meet(right);
  await E(right).meet(left);
  await Promise.all([E(left).churn(count, 20), E(right).churn(count, 20)]);
  for (let nth = 0; nth < count / 20; nth += 1) {
    await E(left).callBack(Far('listener', { ping: () => 'pong' }));
    await E(left).echo(E(right).echo(harden([nth, left])));
  }
  await E(kernel).collect();
};

const countStored = ({ stores }: Rig): number =>
  stores
    .list()
    .reduce((sum, vat) => sum + countRows(stores.read(vat).image), 0);

/** Rows of the kernel's tables; when a store is folded into its file is another matter. */
const takeRows = async (rig: Rig) => ({ ...(await takeStock(rig)), files: 0 });

it('after 10,000 messages of every kind no table and no store has more rows than before (invariant 12)', async () => {
  const first = await rigs.start({ storage: 'memory' });
  await E(first.console.kernel).launch(CHURN_CONFIG);
  await churn(first, 100);
  const stock = await takeRows(first);
  let image = await first.stop();

  const second = await rigs.start({ image, isChecked: false });
  const stored = countStored(second);
  await churn(second, 3_200); // 6,400 deeds, which send 1.6 messages on average
  expect(listGrown(stock, await takeRows(second))).toEqual([]);
  image = await second.stop();

  const third = await rigs.start({ image });
  expect(countStored(third)).toBe(stored);
}, 480_000);
