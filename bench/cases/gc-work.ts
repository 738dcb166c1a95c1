/**
 * What consoles do in the cases about garbage: functions that refer to their
 * parameters only, so that their text can be evaluated elsewhere.
 */
import { bundleOf } from '../program.ts';
import type { Realm } from '../stage.ts';

const MAKER = `imports => {
  const { Far } = imports['@endo/far'];
  return {
    buildRootObject: () => Far('Maker', {
      make: count => harden(Array.from({ length: count }, () => Far('thing', {}))),
    }),
  };
}`;

const HOLDER = `imports => {
  const { E, Far } = imports['@endo/far'];
  return {
    buildRootObject: () => {
      let held = [];
      return Far('Holder', {
        take: async (count, maker) => { held.push(await E(maker).make(count)); },
        letGo: () => { held = []; },
      });
    },
  };
}`;

export const GARBAGE_CONFIG = {
  name: 'garbage',
  bootstrap: 'maker',
  vats: {
    maker: { bundle: bundleOf(MAKER) },
    holder: { bundle: bundleOf(HOLDER) },
  },
};

type Collected = { readonly milliseconds: number; readonly objects: number };

/** Lets a vat hold and let go of another's objects; gives the time of the collection after that, and how many objects are left. */
export const collectDead = async (
  { send, kernel }: Realm,
  { count }: { count: number },
): Promise<Collected> => {
  const maker = await send(kernel, 'root', 'garbage', 'maker');
  const holder = await send(kernel, 'root', 'garbage', 'holder');
  await send(holder, 'take', count, maker);
  await send(holder, 'letGo');
  const start = performance.now();
  const { objects } = (await send(kernel, 'collect')) as Collected;
  return { milliseconds: performance.now() - start, objects };
};

/** Collects, so that what follows begins with clean vats. */
export const collectNow = async ({ send, kernel }: Realm): Promise<number> => {
  const start = performance.now();
  await send(kernel, 'collect');
  return performance.now() - start;
};
