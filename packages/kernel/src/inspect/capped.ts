import harden from '@endo/harden';
import type { Capped } from '@cooperage/protocol';

/** The first `most` items, each as `show` shows it. */
export const cap = <Item, Shown>(
  items: readonly Item[],
  most: number,
  show: (item: Item) => Shown,
): Capped<Shown> => ({
  items: items.slice(0, most).map(show),
  leftOut: Math.max(0, items.length - most),
});
harden(cap);
