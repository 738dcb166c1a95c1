/** What keepers (`keeper-vat.ts`) hold and answer, and what of it is left in the kernel's tables, as it should be. */

export type Kind = 'local' | 'virtual' | 'durable';
/** Where collections are; the heap has only weak ones. */
export type Stored = 'virtual' | 'durable';
export type Place = 'heap' | Stored;

/** A thing by its number: what it holds has a lower one, so there are no cycles over vats. */
type Id = number;
type Thing = {
  readonly kind: Kind;
  /** The keeper that made it; null once that, or the heap that it needs, is gone. */
  owner: number | null;
  value: Id | null;
};

const makeKeeper = () => ({
  hands: [null, null, null, null] as (Id | null)[],
  maps: { virtual: new Map<string, Id>(), durable: new Map<string, Id>() },
  sets: { virtual: new Set<Id>(), durable: new Set<Id>() },
  baggage: new Map<string, Id>(),
  memories: {
    heap: new Map<Id, Id | null>(),
    virtual: new Map<Id, Id | null>(),
    durable: new Map<Id, Id | null>(),
  },
  marks: {
    heap: new Set<Id>(),
    virtual: new Set<Id>(),
    durable: new Set<Id>(),
  },
});
type Keeper = ReturnType<typeof makeKeeper>;

/** What one holds whatever else is there. */
const heldBy = ({ hands, maps, sets, baggage }: Keeper): readonly Id[] => [
  ...hands.filter(id => id !== null),
  ...Object.values(maps).flatMap(map => [...map.values()]),
  ...Object.values(sets).flatMap(set => [...set]),
  ...baggage.values(),
];

type Answer = 'done' | 'refused' | 'empty' | 'lost' | 'unknown';

export const makeKeepersModel = (count: number) => {
  const keepers = Array.from({ length: count }, makeKeeper);
  const things = new Map<Id, Thing>();
  let lastId = 0;

  const keeperAt = (nth: number): Keeper => {
    const keeper = keepers[nth];
    if (!keeper) {
      throw Error(`there is no keeper ${nth}`);
    }
    return keeper;
  };
  const thingAt = (id: Id): Thing => {
    const thing = things.get(id);
    if (!thing) {
      throw Error(`there is no thing ${id}`);
    }
    return thing;
  };

  /** All that somebody can come by. */
  const findAlive = (): ReadonlySet<Id> => {
    const alive = new Set(keepers.flatMap(heldBy));
    for (const id of alive) {
      const values = [
        thingAt(id).value,
        ...keepers.flatMap(({ memories }) =>
          Object.values(memories).map(memory => memory.get(id) ?? null),
        ),
      ];
      values.filter(value => value !== null).forEach(value => alive.add(value));
    }
    return alive;
  };

  /** What nobody can come by never comes again. */
  const tidy = (): void => {
    const alive = findAlive();
    const isDead = (id: Id) => !alive.has(id);
    const purge = (from: { keys(): Iterable<Id>; delete(id: Id): unknown }) =>
      [...from.keys()].filter(isDead).forEach(id => from.delete(id));
    purge(things);
    for (const { memories, marks } of keepers) {
      [...Object.values(memories), ...Object.values(marks)].forEach(purge);
    }
  };

  /** What the keeper has in its hand; undefined when that is empty. */
  const inHand = (nth: number, hand: number): Id | undefined =>
    keeperAt(nth).hands[hand] ?? undefined;

  const canStore = (nth: number, id: Id | undefined, place: Place): boolean => {
    const thing = id === undefined ? undefined : thingAt(id);
    return (
      place !== 'durable' || thing?.kind === 'durable' || thing?.owner !== nth
    );
  };

  /** Does the deed if the hand holds something that may be stored there. */
  const store = (
    nth: number,
    { hand, place }: { hand: number; place: Place },
    deed: (id: Id) => void,
  ): Answer => {
    const id = inHand(nth, hand);
    if (id === undefined) {
      return 'empty';
    }
    if (!canStore(nth, id, place)) {
      return 'refused';
    }
    deed(id);
    return 'done';
  };

  const lose = (thing: Thing): void => {
    thing.owner = null;
    thing.value = null;
  };

  const loseHeap = (nth: number): void => {
    const { maps, sets, baggage, memories, marks } = keeperAt(nth);
    const fresh = makeKeeper();
    keepers[nth] = {
      ...fresh,
      baggage,
      maps: { ...fresh.maps, durable: maps.durable },
      sets: { ...fresh.sets, durable: sets.durable },
      memories: { ...fresh.memories, durable: memories.durable },
      marks: { ...fresh.marks, durable: marks.durable },
    };
    for (const thing of things.values()) {
      if (thing.owner === nth && thing.kind !== 'durable') {
        lose(thing);
      }
    }
    tidy();
  };

  /** Those that have an entry for the thing in their c-list as for one of another's. */
  const countImporters = (id: Id): number =>
    keepers.filter((keeper, nth) => {
      const { memories, marks } = keeper;
      const isStored = (): boolean =>
        [...things.values()].some(
          ({ owner, value }) => owner === nth && value === id,
        );
      const isRemembered = (): boolean =>
        Object.values(memories).some(
          memory => memory.has(id) || [...memory.values()].includes(id),
        ) || Object.values(marks).some(mark => mark.has(id));
      return (
        thingAt(id).owner !== nth &&
        (heldBy(keeper).includes(id) || isStored() || isRemembered())
      );
    }).length;

  const deeds = {
    make: (nth: number, hand: number, kind: Kind): Id => {
      lastId += 1;
      things.set(lastId, { kind, owner: nth, value: null });
      keeperAt(nth).hands[hand] = lastId;
      return lastId;
    },
    drop: (nth: number, hand: number): Answer => {
      keeperAt(nth).hands[hand] = null;
      return 'done';
    },
    give: (nth: number, hand: number, to: number, toHand: number): Answer => {
      const id = inHand(nth, hand);
      if (id === undefined) {
        return 'empty';
      }
      keeperAt(to).hands[toHand] = id;
      return 'done';
    },
    ping: (nth: number, hand: number): Answer | Id => {
      const id = inHand(nth, hand);
      if (id === undefined) {
        return 'empty';
      }
      return thingAt(id).owner === null ? 'lost' : id;
    },
    write: (nth: number, hand: number, valueHand: number): Answer => {
      const id = inHand(nth, hand);
      const value = inHand(nth, valueHand);
      if (id === undefined) {
        return 'empty';
      }
      const thing = thingAt(id);
      if (thing.owner === null) {
        return 'lost';
      }
      const place = thing.kind === 'durable' ? 'durable' : 'virtual';
      if (value !== undefined && !canStore(thing.owner, value, place)) {
        return 'refused';
      }
      thing.value = value ?? null;
      return 'done';
    },
    file: (nth: number, place: Stored, name: string, hand: number): Answer =>
      store(nth, { hand, place }, id =>
        keeperAt(nth).maps[place].set(name, id),
      ),
    unfile: (nth: number, place: Stored, name: string): Answer =>
      keeperAt(nth).maps[place].delete(name) ? 'done' : 'refused',
    fetch: (nth: number, place: Stored, name: string, hand: number): Answer => {
      const { maps, hands } = keeperAt(nth);
      const id = maps[place].get(name);
      if (id === undefined) {
        return 'refused';
      }
      hands[hand] = id;
      return 'done';
    },
    add: (nth: number, place: Stored, hand: number): Answer =>
      store(nth, { hand, place }, id => keeperAt(nth).sets[place].add(id)),
    discard: (nth: number, place: Stored, hand: number): Answer => {
      const id = inHand(nth, hand);
      if (id === undefined) {
        return 'empty';
      }
      return keeperAt(nth).sets[place].delete(id) ? 'done' : 'refused';
    },
    save: (nth: number, name: string, hand: number): Answer =>
      store(nth, { hand, place: 'durable' }, id =>
        keeperAt(nth).baggage.set(name, id),
      ),
    unsave: (nth: number, name: string): Answer =>
      keeperAt(nth).baggage.delete(name) ? 'done' : 'refused',
    remember: (
      nth: number,
      place: Place,
      hand: number,
      valueHand: number,
    ): Answer => {
      const value = inHand(nth, valueHand);
      if (inHand(nth, hand) !== undefined && value !== undefined) {
        if (!canStore(nth, value, place)) {
          return 'refused';
        }
      }
      return store(nth, { hand, place }, id =>
        keeperAt(nth).memories[place].set(id, value ?? null),
      );
    },
    recall: (nth: number, place: Place, hand: number, into: number): Answer => {
      const { memories, hands } = keeperAt(nth);
      const id = inHand(nth, hand);
      if (id === undefined) {
        return 'empty';
      }
      const value = memories[place].get(id);
      if (value === undefined) {
        return 'unknown';
      }
      hands[into] = value;
      return 'done';
    },
    forget: (nth: number, place: Place, hand: number): Answer => {
      const id = inHand(nth, hand);
      if (id === undefined) {
        return 'empty';
      }
      return keeperAt(nth).memories[place].delete(id) ? 'done' : 'unknown';
    },
    mark: (nth: number, place: Place, hand: number): Answer =>
      store(nth, { hand, place }, id => keeperAt(nth).marks[place].add(id)),
    isMarked: (nth: number, place: Place, hand: number): Answer => {
      const id = inHand(nth, hand);
      if (id === undefined) {
        return 'empty';
      }
      return keeperAt(nth).marks[place].has(id) ? 'done' : 'unknown';
    },
    unmark: (nth: number, place: Place, hand: number): Answer => {
      const id = inHand(nth, hand);
      if (id === undefined) {
        return 'empty';
      }
      return keeperAt(nth).marks[place].delete(id) ? 'done' : 'unknown';
    },
    clear: (nth: number): Answer => {
      const keeper = keeperAt(nth);
      keeper.hands.fill(null);
      [
        ...Object.values(keeper.maps),
        ...Object.values(keeper.sets),
        keeper.baggage,
      ].forEach(each => each.clear());
      return 'done';
    },
  };

  return {
    deeds,
    tidy,
    inHand,
    /** A new heap over the same store. */
    restart: loseHeap,
    /** Another keeper in its place, with nothing. */
    replace: (nth: number): void => {
      keepers[nth] = makeKeeper();
      for (const thing of things.values()) {
        if (thing.owner === nth) {
          lose(thing);
        }
      }
      tidy();
    },
    /** Rows for things, and entries of c-lists for them, when all garbage is gone. */
    countRows: () => {
      let objects = 0;
      let references = 0;
      for (const [id, { owner }] of things) {
        const importers = countImporters(id);
        if (importers > 0) {
          objects += 1;
          references += importers + (owner === null ? 0 : 1);
        }
      }
      return { objects, references };
    },
  };
};
export type KeepersModel = ReturnType<typeof makeKeepersModel>;
