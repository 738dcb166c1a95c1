/**
 * What liveslots 0.11 keeps in a vat's store, as far as a sweep reads it. A
 * *base* is a vref without its facet: `o+d10/3` for `o+d10/3:1`. `data` is JSON
 * of marshalled data, whose `slots` are vrefs.
 *
 * | key                             | value                                                     |
 * |---------------------------------|-----------------------------------------------------------|
 * | `baggageID` `watcherTableID`    | base of a collection that lives for ever; the second maps |
 * |                                 | kinds of watchers to their one watcher                    |
 * | `watchedPromiseTableID`         | base of the map from a watched promise's vref to watchers |
 * | `kindIDID`                      | the kind of kind handles: `o+d<it>/<kind>` is a handle    |
 * | `storeKindIDTable`              | JSON: collection type to its kind, `…Weak…` in the name of weak ones |
 * | `idCounters`                    | the next numbers; never given twice                       |
 * | `vom.dkind.<kind>.descriptor`   | JSON of a durable kind; data `stateShapeCapData` in it    |
 * | `vom.dkind.<kind>.nextID`       | number of its next instance                               |
 * | `vom.vkind.<kind>.descriptor`   | JSON of a kind that dies with its heap                    |
 * | `vom.o+d<kind>/<n>`, `vom.o+v…` | state of an instance: JSON, property to data              |
 * | `vom.rc.<base>`                 | how many references the rows here have to it, each slot of |
 * |                                 | a state, value, schema or shape, and each strong key; the |
 * |                                 | three collections above have one more. Absent for none    |
 * | `vom.es.<base>`                 | a letter a facet: `r` the kernel can reach it, `s` it can |
 * |                                 | only recognize it, `n` neither. Absent when all are `n`   |
 * | `vom.ir.<vref>\|<collection>`   | a weak collection has this key                            |
 * | `vc.<collection>.\|schemata`    | data of its label and shapes                              |
 * | `vc.<collection>.\|entryCount`, `\|nextOrdinal` | numbers                                   |
 * | `vc.<collection>.\|<vref>`      | ordinal of a key that is an object                        |
 * | `vc.<collection>.r<ordinal>:<vref>` | data of the entry of that key                         |
 * | `vc.<collection>.<scalar>`      | data of the entry of a string (`s…`), number, and so on   |
 *
 * `o+d<kind>/<n>` is a collection when its kind is in the table of collections;
 * their numbers `<n>` are unique over all types.
 */
import harden from '@endo/harden';

/** What a sweep needs of a store; keys are in the byte order of their UTF-8. */
export type SweptStore = {
  get(key: string): string | undefined;
  set(key: string, value: string): void;
  delete(key: string): void;
  /** The first key after this one, which need not be there itself. */
  getNextKey(prior: string): string | undefined;
  /** See `makeVatStore`. */
  lastWithout(text: string, run: { key: string; prefix: string }): string;
};

/** Visits the keys that begin so, in order, but those up to what `lastPassed` gives for each. The visitor may delete them. */
export const visitKeys = (
  store: SweptStore,
  prefix: string,
  visit: (key: string) => void,
  lastPassed = (key: string): string => key,
): void => {
  let key = store.getNextKey(prefix);
  while (key?.startsWith(prefix)) {
    visit(key);
    key = store.getNextKey(lastPassed(key));
  }
};
harden(visitKeys);

/** Without the facet. */
export const baseOf = (vref: string): string => {
  const colon = vref.indexOf(':');
  return colon === -1 ? vref : vref.slice(0, colon);
};
harden(baseOf);

type Data = { readonly slots: readonly string[] };

/** Marshalled data without references never has this text outside a string, where the quotes are escaped. */
const SLOTS = '"slots":["';

/**
 * Visits the rows of a collection, the keys that begin so, in order; but it
 * passes over runs of entries whose keys are scalars and whose values have no
 * references, as far as it need not look at each.
 */
export const visitReferring = (
  store: SweptStore,
  prefix: string,
  visit: (key: string) => void,
): void =>
  visitKeys(store, prefix, visit, key => {
    const kind = key.charAt(prefix.length);
    const isScalar = kind !== 'r' && kind !== '|';
    return isScalar
      ? store.lastWithout(SLOTS, { key, prefix: prefix + kind })
      : key;
  });
harden(visitReferring);

/** The references in marshalled data. */
export const slotsOf = (data: string): readonly string[] =>
  data.includes(SLOTS) ? (JSON.parse(data) as Data).slots : [];
harden(slotsOf);

/** The references in an instance's state. */
export const slotsOfState = (state: string): readonly string[] =>
  state.includes(SLOTS)
    ? Object.values(JSON.parse(state) as Record<string, Data>).flatMap(
        ({ slots }) => slots,
      )
    : [];
harden(slotsOfState);

/** The references in a durable kind's descriptor. */
export const slotsOfKind = (descriptor: string): readonly string[] => {
  if (!descriptor.includes(SLOTS)) {
    return [];
  }
  const { stateShapeCapData } = JSON.parse(descriptor) as {
    readonly stateShapeCapData?: Data;
  };
  return stateShapeCapData?.slots ?? [];
};
harden(slotsOfKind);

/** What the instances of a kind are: kind handles, or collections, or else objects. */
export const readKinds = (store: SweptStore) => {
  const weakness = new Map<string, boolean>();
  const table = JSON.parse(store.get('storeKindIDTable') ?? '{}') as Record<
    string,
    number
  >;
  for (const [type, kind] of Object.entries(table)) {
    weakness.set(String(kind), type.includes('Weak'));
  }
  return Object.freeze({
    handles: store.get('kindIDID'),
    /** Whether its collections hold their keys weakly; undefined when it is no kind of collections. */
    isWeak: (kind: string): boolean | undefined => weakness.get(kind),
  });
};
harden(readKinds);
