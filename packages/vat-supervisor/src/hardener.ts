/**
 * A `harden` that freezes exactly what SES's own freezes, for less: hardening
 * is the largest single cost of a delivery. SES takes a `harden` that it finds
 * when it is loaded for the realm's own; `install-hardener.ts` puts it there.
 * `hardener.test.ts` holds the two side by side over random graphs.
 *
 * What is saved: nothing is allocated for what is hardened already, small
 * graphs need no set, and properties are looked at one by one.
 *
 * It runs before the realm is locked and captures what it needs then; later
 * nobody can change what it calls.
 */
const {
  defineProperty,
  freeze,
  getOwnPropertyDescriptor,
  getPrototypeOf,
  hasOwn,
  preventExtensions,
} = Object;
const { apply, ownKeys } = Reflect;
const { isView } = ArrayBuffer;
const { isInteger } = Number;
const FeralError = Error;

type Member = object;

const isMember = (value: unknown): value is Member =>
  (typeof value === 'object' && value !== null) || typeof value === 'function';

const getTag = getOwnPropertyDescriptor(
  getPrototypeOf(Uint8Array.prototype),
  Symbol.toStringTag,
)?.get;

/** A view that is no DataView has the tag that only typed arrays have. */
const isTypedArray = (value: Member): boolean =>
  isView(value) &&
  getTag !== undefined &&
  apply(getTag, value, []) !== undefined;

const isIndex = (key: string | symbol): boolean => {
  const number = Number(String(key));
  return isInteger(number) && String(number) === key;
};

/** Its elements stay writable, as a Map's entries do; all else does not. */
const freezeTypedArray = (array: Member): void => {
  preventExtensions(array);
  for (const key of ownKeys(array)) {
    const property = getOwnPropertyDescriptor(array, key);
    if (property !== undefined && !isIndex(key)) {
      defineProperty(array, key, {
        ...property,
        writable: false,
        configurable: false,
      });
    }
  }
};

/** V8 gives each error a `stack` of its own that is an accessor: a way to what its getter reaches, unless it becomes a value. */
const getStack = getOwnPropertyDescriptor(
  new TypeError('sample'),
  'stack',
)?.get;

const fixStack = (error: Member): void => {
  const property = getOwnPropertyDescriptor(error, 'stack');
  if (
    getStack !== undefined &&
    property?.get === getStack &&
    property.configurable === true
  ) {
    defineProperty(error, 'stack', { value: apply(getStack, error, []) });
  }
};

/** Up to so many members are sought one by one. */
const FEW = 12;

/** Makes one; each knows by itself what it has hardened. */
export const makeHardener = (): (<Value>(root: Value) => Value) => {
  const hardened = new WeakSet<Member>();

  const hardenMember = (root: Member): void => {
    const members = [root];
    let known: Set<Member> | undefined;

    const enqueue = (value: unknown): void => {
      if (!isMember(value) || hardened.has(value)) {
        return;
      }
      if (known === undefined) {
        if (members.includes(value)) {
          return;
        }
        if (members.length === FEW) {
          known = new Set(members);
          known.add(value);
        }
      } else {
        if (known.has(value)) {
          return;
        }
        known.add(value);
      }
      members[members.length] = value;
    };

    for (let next = 0; next < members.length; next += 1) {
      const member = members[next] as Member;
      if (getStack !== undefined && member instanceof FeralError) {
        fixStack(member);
      }
      // Frozen first: what a proxy shows afterward it can't change any more.
      if (isTypedArray(member)) {
        freezeTypedArray(member);
      } else {
        freeze(member);
      }
      const keys = ownKeys(member);
      enqueue(getPrototypeOf(member));
      for (let index = 0; index < keys.length; index += 1) {
        const property = getOwnPropertyDescriptor(
          member,
          keys[index] as string | symbol,
        );
        if (property === undefined) {
          continue;
        }
        if (hasOwn(property, 'value')) {
          enqueue(property.value);
        } else {
          enqueue(property.get);
          enqueue(property.set);
        }
      }
    }
    // Only now: had one of them refused to be frozen, none would be hardened.
    for (let index = 0; index < members.length; index += 1) {
      hardened.add(members[index] as Member);
    }
  };

  const { harden } = {
    harden: <Value>(root: Value): Value => {
      if (isMember(root) && !hardened.has(root)) {
        hardenMember(root);
      }
      return root;
    },
  };
  return harden;
};
