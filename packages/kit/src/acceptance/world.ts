/** Every method that the scenarios call, so that a slip of the pen is a type error. */
type MethodName =
  // the kernel's
  | 'launch'
  | 'clusters'
  | 'status'
  | 'root'
  | 'terminate'
  | 'restart'
  | 'keep'
  | 'forget'
  | 'collect'
  | 'inspect'
  // the services'
  | 'createVat'
  | 'attenuate'
  | 'done'
  // the sample vats'
  | 'addToSet'
  | 'addToWeakSet'
  | 'answer'
  | 'ask'
  | 'attempt'
  | 'attemptFunction'
  | 'attemptImport'
  | 'balance'
  | 'befriend'
  | 'bloat'
  | 'buy'
  | 'cancel'
  | 'deleteFromMap'
  | 'deposit'
  | 'describe'
  | 'dismiss'
  | 'describeStack'
  | 'echo'
  | 'fail'
  | 'flood'
  | 'forgetKey'
  | 'get'
  | 'getCell'
  | 'getCounter'
  | 'getCurrency'
  | 'getDoor'
  | 'getFriend'
  | 'getIssuer'
  | 'getMembers'
  | 'getName'
  | 'getNick'
  | 'getNotebook'
  | 'getOutside'
  | 'getPrices'
  | 'getRoom'
  | 'getTakings'
  | 'getVirtual'
  | 'getWares'
  | 'greetBob'
  | 'hello'
  | 'history'
  | 'increment'
  | 'introduce'
  | 'invite'
  | 'isInSet'
  | 'isInWeakSet'
  | 'join'
  | 'joinForGood'
  | 'leave'
  | 'listAttempts'
  | 'listCounters'
  | 'listDue'
  | 'listMap'
  | 'listRooms'
  | 'listSet'
  | 'listWaiting'
  | 'litter'
  | 'makeCell'
  | 'makeCounter'
  | 'makeCurrency'
  | 'makeEmptyPurse'
  | 'makeFriend'
  | 'makeNotebook'
  | 'makePurse'
  | 'makeVirtualCell'
  | 'makeVirtualDoor'
  | 'open'
  | 'pay'
  | 'peek'
  | 'put'
  | 'read'
  | 'readBaggage'
  | 'readCell'
  | 'readMap'
  | 'readOutcome'
  | 'readShaped'
  | 'readShapedMap'
  | 'readWeakMap'
  | 'readWeakMapAt'
  | 'relay'
  | 'remind'
  | 'say'
  | 'set'
  | 'settle'
  | 'spin'
  | 'subscribe'
  | 'swap'
  | 'trade'
  | 'watch'
  | 'whenDue'
  | 'watchOwn'
  | 'withdraw'
  | 'write'
  | 'writeBaggage'
  | 'writeCell'
  | 'writeDoor'
  | 'writeMap'
  | 'writeShaped'
  | 'writeShapedMap'
  | 'writeVirtual'
  | 'writeWeakMap'
  | 'writeWeakMapAt'
  | 'hire'
  | 'listApprentices'
  | 'listFarewells'
  | 'statsOf'
  | 'lend'
  | 'make'
  | 'getMotto'
  | 'countMade'
  | 'listPowers'
  | 'lookAround'
  | 'reach'
  | 'storm'
  | 'makeSketch'
  // the test vats'
  | 'clearState'
  | 'file'
  | 'fileAsKey'
  | 'letGo'
  | 'pingFiled'
  | 'pingHeld'
  | 'pingState'
  | 'recall'
  | 'receive'
  | 'remember'
  | 'share'
  | 'take'
  | 'unfileAll'
  | 'writeState'
  | 'getListener'
  | 'listHeard';

/** What stands in a console's realm: the client's console, and what makes an object of one's own. */
export type ConsoleRealm = {
  /** `E(target).method(…)`; whether the target has the method shows when it answers. */
  readonly E: (
    target: unknown,
  ) => Record<MethodName, (...args: unknown[]) => Promise<unknown>>;
  readonly Far: (
    iface: string,
    methods: Record<string, (...args: never[]) => unknown>,
  ) => object;
  readonly kernel: object;
  /** What the person keeps, and the roots of running clusters, by name. */
  readonly home: Readonly<Record<string, unknown>>;
};

type LaunchConfig = {
  readonly name: string;
  readonly bootstrap?: string;
  readonly vats: Readonly<
    Record<
      string,
      {
        readonly bundle: unknown;
        readonly parameters?: unknown;
      }
    >
  >;
};

/** The configs that scenarios launch: the sample clusters, and those of `test-configs`. Plain data. */
export type Configs = Readonly<
  Record<
    | 'chat'
    | 'counter'
    | 'demo'
    | 'everything'
    | 'market'
    | 'reminders'
    | 'rogue'
    | 'workshop'
    | 'listener'
    | 'throwing'
    | 'garbled'
    | 'garbage',
    LaunchConfig
  >
>;

/** What a step of a scenario has, and all that it has. */
export type World = ConsoleRealm & {
  readonly configs: Configs;
  /** Throws unless both are the same: scalars as Object.is has it, errors by name and message, arrays and records by their parts, all else by identity. */
  same(actual: unknown, expected: unknown, what?: string): void;
  /** The name, message and code of the error that the promise rejects with; throws when it doesn't. */
  problemOf(
    promise: unknown,
  ): Promise<{ name: string; message: string; code: unknown }>;
  /** The root objects of vats of a cluster. */
  roots(cluster: string, ...vats: readonly string[]): Promise<unknown[]>;
  /** Has all garbage collected; tells how many objects and entries of c-lists are left. */
  rows(): Promise<{ objects: number; references: number }>;
  /** Throws unless the text has the part. */
  has(text: unknown, part: string): void;
  /** A promise and what settles it. */
  kit(): {
    promise: Promise<unknown>;
    resolve(value?: unknown): void;
    reject(reason: unknown): void;
  };
};

/**
 * Makes the world of the steps in a console's realm. It refers to nothing
 * outside itself, so its text can be evaluated in another realm.
 */
export const makeWorld = (realm: ConsoleRealm, configs: Configs): World => {
  const show = (value: unknown): string => {
    if (typeof value === 'bigint') return `${value}n`;
    if (Object.is(value, -0)) return '-0';
    if (value instanceof Error) return `${value.name}: ${value.message}`;
    if (Array.isArray(value)) return `[${value.map(show).join(', ')}]`;
    if (typeof value === 'object' && value !== null) {
      const tag: unknown = Reflect.get(value, Symbol.toStringTag);
      if (tag !== undefined) return `[${String(tag)}]`;
      const fields = Object.entries(value).map(
        ([key, field]) => `${key}: ${show(field)}`,
      );
      return `{${fields.join(', ')}}`;
    }
    return typeof value === 'string' ? JSON.stringify(value) : String(value);
  };
  const isData = (value: unknown): value is Record<string, unknown> =>
    typeof value === 'object' &&
    value !== null &&
    (Array.isArray(value) ||
      (Object.getPrototypeOf(value) === Object.prototype &&
        Reflect.get(value, Symbol.toStringTag) === undefined));
  const isSame = (a: unknown, b: unknown): boolean => {
    if (Object.is(a, b)) return true;
    if (a instanceof Error && b instanceof Error) {
      return a.name === b.name && a.message === b.message;
    }
    if (!isData(a) || !isData(b) || Array.isArray(a) !== Array.isArray(b)) {
      return false;
    }
    const keys = Object.keys(a).sort();
    return (
      keys.join() === Object.keys(b).sort().join() &&
      keys.every(key => isSame(a[key], b[key]))
    );
  };
  return {
    ...realm,
    configs,
    same: (actual, expected, what = 'the value') => {
      if (!isSame(actual, expected)) {
        throw Error(`${what} is ${show(actual)}, not ${show(expected)}`);
      }
    },
    problemOf: async promise => {
      let value: unknown;
      try {
        value = await promise;
      } catch (problem) {
        const { name, message, code } = Object(problem);
        return { name, message, code };
      }
      throw Error(`it gave ${show(value)} and was to be rejected`);
    },
    roots: (cluster, ...vats) =>
      Promise.all(vats.map(vat => realm.E(realm.kernel).root(cluster, vat))),
    rows: async () => {
      const { objects, references } = Object(
        await realm.E(realm.kernel).collect(),
      );
      return { objects, references };
    },
    has: (text, part) => {
      if (!String(text).includes(part)) {
        throw Error(`${show(text)} lacks ${show(part)}`);
      }
    },
    kit: () => {
      let resolve: (value?: unknown) => void = () => {};
      let reject: (reason: unknown) => void = () => {};
      const promise = new Promise<unknown>((onResolve, onReject) => {
        resolve = onResolve;
        reject = onReject;
      });
      return { promise, resolve, reject };
    },
  };
};
