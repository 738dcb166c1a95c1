import type { KernelStatus, Kref } from '@cooperage/protocol';
import harden from '@endo/harden';

/** Objects by name, for a person: kept things, and the bootstrap roots of clusters. */
export type Home = Record<string, unknown>;

export type HomeKit = {
  readonly home: Home;
  /** Takes the names of this state and asks for the objects that are new. */
  update(state: KernelStatus): void;
  /** The session is over: the objects are to be asked for again. */
  reset(): void;
};

/** A name that is kept wins over a cluster of the same name. */
const namesIn = (state: KernelStatus): Map<string, Kref> => {
  const names = new Map<string, Kref>();
  for (const { name, bootstrap, vats } of state.clusters) {
    const root = vats.find(vat => vat.name === bootstrap)?.root;
    if (root) {
      names.set(name, root);
    }
  }
  for (const { name, kref } of state.home) {
    names.set(name, kref);
  }
  return names;
};

type Held = { readonly kref: Kref; object: unknown };

const refuse = (): never => {
  throw TypeError(
    'home is kept by the kernel: use E(kernel).keep(name, object) and E(kernel).forget(name)',
  );
};

const unknownName = (name: string, names: Iterable<string>): Error =>
  Error(
    `home has no "${name}"; it has: ${[...names].join(', ') || 'nothing yet'}`,
  );

/**
 * `reference` gives the object of a kref. `open` opens a session if there is
 * none, and resolves when its first state has gone to `update`.
 */
export const makeHomeKit = (options: {
  reference: (kref: Kref) => Promise<object>;
  open: () => Promise<void>;
}): HomeKit => {
  const { reference, open } = options;
  let names = new Map<string, Kref>();
  let isCurrent = false;
  const held = new Map<string, Held>();
  /** What a devtools console prints of `home`: it looks behind the proxy. */
  const printed: Home = {};

  const print = (): void => {
    for (const name of Object.keys(printed)) {
      delete printed[name];
    }
    for (const name of names.keys()) {
      // Not assigned: a person may well keep something as `constructor`.
      Object.defineProperty(printed, name, {
        value: held.get(name)?.object,
        enumerable: true,
        configurable: true,
      });
    }
  };

  const provide = (name: string, kref: Kref): unknown => {
    const known = held.get(name);
    if (known?.kref === kref) {
      return known.object;
    }
    const promise = reference(kref);
    const entry: Held = { kref, object: promise };
    held.set(name, entry);
    promise.then(
      object => {
        entry.object = object;
        print();
      },
      () => {
        // Whoever holds the promise hears why; the next access asks again.
        if (held.get(name) === entry) {
          held.delete(name);
        }
      },
    );
    return promise;
  };

  const whenOpen = async (name: string): Promise<unknown> => {
    await open();
    const kref = names.get(name);
    if (kref === undefined) {
      throw unknownName(name, names.keys());
    }
    return provide(name, kref);
  };

  const get = (name: string | symbol): unknown => {
    // Asked by whatever prints, awaits or converts an object; not names.
    if (typeof name === 'symbol' || name === 'then' || name === 'toJSON') {
      return name === Symbol.toStringTag ? 'home' : undefined;
    }
    if (!isCurrent) {
      return harden(whenOpen(name));
    }
    const kref = names.get(name);
    return kref === undefined ? undefined : provide(name, kref);
  };

  const openSoon = (): void => {
    if (!isCurrent) {
      open().catch(() => {});
    }
  };

  const home = new Proxy<Home>(printed, {
    get: (_target, name) => get(name),
    has: (_target, name) => typeof name === 'string' && names.has(name),
    ownKeys: () => {
      openSoon();
      return [...names.keys()];
    },
    getOwnPropertyDescriptor: (_target, name) =>
      typeof name === 'string' && names.has(name)
        ? { value: get(name), enumerable: true, configurable: true }
        : undefined,
    set: refuse,
    defineProperty: refuse,
    deleteProperty: refuse,
    preventExtensions: refuse,
    setPrototypeOf: refuse,
  });

  return Object.freeze({
    home,
    update: (state: KernelStatus) => {
      names = namesIn(state);
      isCurrent = true;
      for (const name of held.keys()) {
        if (!names.has(name)) {
          held.delete(name);
        }
      }
      for (const [name, kref] of names) {
        const object = provide(name, kref);
        if (object instanceof Promise) {
          object.catch(() => {});
        }
      }
      print();
    },
    reset: () => {
      isCurrent = false;
      held.clear();
    },
  });
};
harden(makeHomeKit);
