import './before-lockdown.ts';
import '@cooperage/client/lockdown';
import { makeConsole } from '@cooperage/client';
import { makeRpc } from '@cooperage/streams';
import { makeStreamPair } from '@cooperage/streams/stream-pair';
import { E } from '@endo/far';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { expect, it } from 'vitest';
import type { Rig } from './rig.ts';
import { useRigs } from './testing/rigs.ts';

setFlagsFromString('--expose-gc');
const gc = runInNewContext('gc') as () => void;

const rigs = useRigs();
const turn = (): Promise<void> => new Promise(resolve => setImmediate(resolve));

/** What dies late, with a frame or in a task of its own, is found by a later round. */
const collectUntil = async (isSo: () => boolean): Promise<void> => {
  for (let rounds = 0; !isSo(); rounds += 1) {
    expect(rounds).toBeLessThan(100);
    gc();
    await turn();
  }
};

const SOURCE = `imports => {
  const { Far } = imports['@endo/far'];
  const { makePromiseKit } = imports['@endo/promise-kit'];
  const makeGift = number => Far('Gift', { number: () => number });
  const buildRootObject = () => {
    const later = makePromiseKit();
    const only = makeGift(7);
    return Far('Maker', {
      give: count => Array.from({ length: count }, (_, nth) => makeGift(nth)),
      giveOnly: () => only,
      giveLater: () => later.promise,
      settle: () => later.resolve(only),
    });
  };
  return { buildRootObject };
}`;

const CONFIG = {
  name: 'gifts',
  vats: {
    maker: {
      bundle: {
        text: JSON.stringify({
          moduleFormat: 'cooperageScript',
          source: SOURCE,
          imports: ['@endo/far', '@endo/promise-kit'],
        }),
      },
    },
  },
};

type Gift = { number(): Promise<number> };
type Maker = {
  give(count: number): Promise<readonly [Gift, ...Gift[]]>;
  giveOnly(): Promise<Gift>;
  giveLater(): Promise<Gift>;
  settle(): Promise<void>;
};
const makerOf = async ({ kernel }: Rig['console']): Promise<Maker> =>
  (await E(kernel).root('gifts', 'maker')) as Maker;

/** In a call of its own: nothing of its frame holds a presence later. */
const takeAndLetGo = async (
  maker: Maker,
  registry: FinalizationRegistry<undefined>,
): Promise<void> => {
  const gifts = await E(maker).give(100);
  gifts.forEach(gift => registry.register(gift, undefined));
  expect(await E(gifts[0]).number()).toBe(0);
};

it('what a console lets go of goes from the kernel and from its exporter, although nobody asks for a collection', async () => {
  let onObjects = (_count: number): void => {};
  const rig = await rigs.start({
    storage: 'memory',
    afterCrank: ({ objects }) => onObjects(objects.size),
  });
  await E(rig.console.kernel).launch(CONFIG);
  const maker = await makerOf(rig.console);
  await rig.kernel.idle();
  const { objects } = rig.kernel.state;
  const before = objects.size;
  let collected = 0;
  const registry = new FinalizationRegistry<undefined>(() => {
    collected += 1;
  });
  await takeAndLetGo(maker, registry);
  expect(objects.size).toBe(before + 100);
  // A row goes when the exporter has been told to drop its object and to retire it.
  const areGone = new Promise<void>(resolve => {
    onObjects = count => (count === before ? resolve() : undefined);
  });
  await collectUntil(() => collected === 100);
  await areGone;
  expect(await E((await E(maker).give(1))[0]).number()).toBe(0);
});

it('a presence whose drop crosses the object on its way again is there all the same', async () => {
  const rig = await rigs.start({ storage: 'memory' });
  await E(rig.console.kernel).launch(CONFIG);
  const pair = makeStreamPair({ label: 'another console' });
  rig.kernel.connect(pair.left, { privilege: 'dangerous', label: 'another' });
  const another = makeConsole({
    connect: onNotify => Promise.resolve(makeRpc(pair.right, { onNotify })),
  });
  const maker = await makerOf(another);
  let isCollected = false;
  const registry = new FinalizationRegistry(() => {
    isCollected = true;
  });
  const take = async (): Promise<void> => {
    const gift = await E(maker).giveOnly();
    registry.register(gift, undefined);
  };
  await take();
  const again = E(maker).giveLater();
  await rig.kernel.idle();
  const fence = pair.fence();
  await E(await makerOf(rig.console)).settle();
  await rig.kernel.idle(); // the kernel has named the object again
  const { right } = pair.posts();
  await collectUntil(() => isCollected && pair.posts().right > right); // the drop
  fence.release();
  const gift = await again;
  await rig.kernel.idle();
  await E(rig.console.kernel).collect();
  expect(await E(gift).number()).toBe(7);
  another.close();
});
