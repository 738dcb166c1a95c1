/**
 * A vat that tries what no vat may: to reach a network, a store, another
 * worker, the browser. What happened comes back as data.
 */
import { E, Far, type ERef } from '@endo/far';

/** Globals of the vat's Compartment, by a name that its bundle's scan can't see. */
const lookUp = (name: string): unknown => Reflect.get(globalThis, name);

type Flooded = { flooded(index: number): unknown };
type Callable = (...args: unknown[]) => unknown;
type Constructable = new (...args: unknown[]) => unknown;

const isCallable = (value: unknown): value is Callable & Constructable =>
  typeof value === 'function';

/** A member of an object, or undefined where there is no object. */
const member = (holder: unknown, name: string): unknown =>
  typeof holder === 'object' && holder !== null
    ? Reflect.get(holder, name)
    : undefined;

const call = (holder: unknown, method: string, ...args: unknown[]) => {
  const found = member(holder, method);
  return isCallable(found) ? Reflect.apply(found, holder, args) : undefined;
};

const make = (value: unknown, ...args: unknown[]) =>
  isCallable(value) ? new value(...args) : undefined;

/** How each thing would be used, once found. */
const attacks: Readonly<
  Record<string, (found: unknown, url: string) => unknown>
> = harden({
  fetch: (found, url) => (isCallable(found) ? found(url) : undefined),
  importScripts: (found, url) => (isCallable(found) ? found(url) : undefined),
  WebSocket: (found, url) => make(found, url.replace(/^http/, 'ws')),
  EventSource: (found, url) => make(found, url),
  Worker: (found, url) => make(found, url),
  XMLHttpRequest: (found, url) => {
    const request = make(found);
    call(request, 'open', 'GET', url, false);
    return call(request, 'send');
  },
  indexedDB: found => call(found, 'open', 'rogue'),
  caches: found => call(found, 'keys'),
  'navigator.storage': found => call(found, 'getDirectory'),
  'chrome.runtime': found => call(found, 'sendMessage', 'rogue'),
});

const find = (path: string): unknown =>
  path
    .split('.')
    .reduce<unknown>(
      (holder, name, index) =>
        index === 0 ? lookUp(name) : member(holder, name),
      undefined,
    );

const describe = (error: unknown) =>
  error instanceof Error ? error.message : String(error);

const isThenable = (value: unknown): value is Promise<unknown> =>
  isCallable(member(value, 'then'));

/** Ways out of the Compartment. */
const escapes = {
  /** The names that `attempt` knows how to use; any other is only looked up. */
  listAttempts: () => harden([...Object.keys(attacks), 'chrome', 'navigator']),

  /**
   * Uses a global: `'absent'`, `'threw: …'` when using it failed, at once or
   * later, or `'reached'`. A vat acts only inside of a delivery, so a promise
   * of the platform's that settles later would fall out of it: it is not
   * waited for longer than its microtasks take.
   */
  attempt: async (path: string, url: string) => {
    const found = find(path);
    if (found === undefined) {
      return 'absent';
    }
    try {
      const result = Object.hasOwn(attacks, path)
        ? attacks[path]?.(found, url)
        : found;
      if (isThenable(result)) {
        result.catch(() => undefined);
      }
      return 'reached';
    } catch (error) {
      return `threw: ${describe(error)}`;
    }
  },

  /** Imports a module by a way that hides it from SES's scan of the source. */
  attemptImport: (url: string) => {
    try {
      const run = Reflect.get(globalThis, 'eval');
      if (!isCallable(run)) {
        return 'absent';
      }
      const word = ['imp', 'ort'].join('');
      run(`${word}(${JSON.stringify(url)})`);
      return 'reached';
    } catch (error) {
      return `threw: ${describe(error)}`;
    }
  },

  /** Tries to leave by the constructor of functions; gives the kind of what it gets. */
  attemptFunction: () => {
    try {
      const maker = Reflect.get(() => undefined, 'constructor');
      const made = isCallable(maker) ? maker('return this') : undefined;
      const escaped = isCallable(made) ? made() : undefined;
      return `reached a ${typeof escaped}`;
    } catch (error) {
      return `threw: ${describe(error)}`;
    }
  },
};

/** Ways to be a bad neighbor without leaving it. */
const abuses = {
  /** Never returns. */
  spin: (): never => {
    for (;;);
  },

  /** Never returns either, and gives its turn away each time. */
  spinInTurns: async (): Promise<never> => {
    for (;;) {
      await null;
    }
  },

  /** Takes memory until there is none: `n` arrays of a megabyte each. */
  hoard: (n: number) => {
    const hoard = [];
    for (let index = 0; index < n; index += 1) {
      hoard.push(new Uint8Array(1_000_000).fill(index % 251));
    }
    return hoard.length;
  },

  /** Takes its own heap until there is none: with the worker goes the process of all vats. */
  overflow: (): never => {
    for (let chain: object = {}; ; chain = { chain, more: [chain] });
  },

  /** Works for `n` turns of a loop, some nanoseconds each; then answers `n`. */
  toil: (n: number) => {
    let turns = 0;
    while (turns < n) {
      turns += 1;
    }
    return turns;
  },

  /** Calls `target.flooded(index)` `n` times at once; returns without waiting. */
  flood: (n: number, target: ERef<Flooded>) => {
    for (let index = 0; index < n; index += 1) {
      E(target)
        .flooded(index)
        .catch(() => undefined);
    }
    return n;
  },

  /** An answer of `n` characters. */
  bloat: (n: number) => 'x'.repeat(n),

  /** `n` new objects in one answer. */
  litter: (n: number) =>
    harden(Array.from({ length: n }, (_, index) => Far(`Litter ${index}`, {}))),
};

export const buildRootObject = () => Far('Rogue', { ...escapes, ...abuses });
