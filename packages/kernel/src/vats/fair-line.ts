import harden from '@endo/harden';

/**
 * A line in which parties take turns: the first is the one that waits the longest
 * of the party whose turn it is. However many of one party wait, one of another
 * waits for one of each party at most.
 */
export const makeFairLine = <Item>() => {
  /** Each party that waits, the one whose turn is next first. */
  const parties = new Map<string, Set<Item>>();

  const remove = (party: string, item: Item): boolean => {
    const items = parties.get(party);
    const wasThere = items?.delete(item) ?? false;
    if (items?.size === 0) {
      parties.delete(party);
    }
    return wasThere;
  };

  return harden({
    add: (party: string, item: Item): void => {
      const items = parties.get(party);
      if (items) {
        items.add(item);
      } else {
        parties.set(party, new Set([item]));
      }
    },
    first: (): Item | undefined => {
      const [items] = parties.values();
      return items?.values().next().value;
    },
    /** All that wait, those of the party whose turn it is first. */
    all: (): Item[] => [...parties.values()].flatMap(items => [...items]),
    /** It has its turn: its party is the last one now. */
    take: (party: string, item: Item): void => {
      const items = parties.get(party);
      if (remove(party, item) && items && items.size > 0) {
        parties.delete(party);
        parties.set(party, items);
      }
    },
    /** It waits no more, and has had no turn. */
    remove: (party: string, item: Item): void => {
      remove(party, item);
    },
    clear: (): void => parties.clear(),
  });
};
harden(makeFairLine);
