/** What a console does for `terminate-100k`; like `console-work.ts`. */
import { bundleOf } from '../program.ts';
import type { Realm } from '../stage.ts';

const other = bundleOf(`imports => {
  const { Far } = imports['@endo/far'];
  const taken = [];
  return {
    buildRootObject: () => Far('Other', {
      exchange: theirs => {
        taken.push(theirs);
        return harden(theirs.map(() => Far('ours', {})));
      },
    }),
  };
}`);

const big = bundleOf(`imports => {
  const { E, Far } = imports['@endo/far'];
  const taken = [];
  return {
    buildRootObject: () => Far('Big', {
      fill: async (count, other) => {
        const mine = Array.from({ length: count }, () => Far('mine', {}));
        taken.push(await E(other).exchange(harden(mine)));
      },
    }),
  };
}`);

export const TERMINATE_CONFIG = {
  name: 'large',
  bootstrap: 'other',
  vats: { other: { bundle: other }, big: { bundle: big } },
};

/** Has the vat `big` export so many objects to its neighbor, and import as many from it. */
export const fillBig = async (
  { send, kernel }: Realm,
  { count, batch }: { count: number; batch: number },
): Promise<number> => {
  const big = await send(kernel, 'root', 'large', 'big');
  const other = await send(kernel, 'root', 'large', 'other');
  for (let done = 0; done < count; done += batch) {
    await send(big, 'fill', batch, other);
  }
  return ((await send(kernel, 'collect')) as { references: number }).references;
};

/**
 * Terminates it, and collects what that leaves, and asks for a neighbor's root
 * over and over meanwhile: the milliseconds of each of these words, and how long all took.
 */
export const timeEnd = async (
  { send, kernel }: Realm,
  { vat }: { vat: string },
): Promise<{ words: number[]; milliseconds: number }> => {
  let isOver = false;
  const start = performance.now();
  const over = (async () => {
    await send(kernel, 'terminate', 'large', vat);
    await send(kernel, 'collect');
    isOver = true;
  })();
  const words: number[] = [];
  while (!isOver) {
    const asked = performance.now();
    await send(kernel, 'root', 'large', 'other');
    words.push(performance.now() - asked);
  }
  await over;
  return { words, milliseconds: performance.now() - start };
};
