/**
 * Two things that vats need of HandledPromise.
 *
 * A message to a presence is counted when it is sent, not when liveslots gets it:
 * that is in a later turn, and a vat that sends a million would have spent its
 * time and its memory before the first is counted. A message along a promise may
 * stay in the vat, and is counted when liveslots gets it; until the next turn,
 * when it may have been, it counts as if it went out, for the same reason.
 *
 * `E.sendOnly` works. Liveslots keeps the answer to each message by
 * the promise that its sender is given. Whoever sends only is given none: then
 * liveslots throws before it has sent anything, eventual-send swallows that, and
 * the record of the answer stays in the heap for ever. So here a message whose
 * answer nobody wants is one whose answer nobody looks at.
 *
 * To be imported after eventual-send's shim, which makes HandledPromise, and
 * before lockdown, which hardens it.
 */
type Deed = (...args: unknown[]) => Promise<unknown>;
type Executor = (
  resolve: unknown,
  reject: unknown,
  resolveWithPresence: (...args: unknown[]) => object,
) => void;

const { HandledPromise: Inner } = globalThis;

const InnerPromise = Promise;
const presences = new WeakSet<object>();
/** How many messages went along promises in this turn. */
let along = 0;
let onSend = (_along: number): void => {};

/**
 * Has the function called before each message to a presence with 0, and before
 * each along a promise with how many these are in this turn; what it throws,
 * the sender gets, and nothing is sent.
 */
export const watchSends = (callback: (along: number) => void): void => {
  onSend = callback;
};

const nextTurn = InnerPromise.resolve();
const forget = (): void => {
  along = 0;
};

const count = (target: object): void => {
  if (presences.has(target)) {
    onSend(0);
  } else if (target instanceof InnerPromise) {
    if (along === 0) {
      void nextTurn.then(forget);
    }
    along += 1;
    onSend(along);
  }
};

const counted =
  (deed: Deed): Deed =>
  (target, ...args) => {
    if (typeof target === 'object' && target !== null) {
      count(target);
    }
    return deed(target, ...args);
  };

/** Notes the presence that the promise is resolved with, if it is. */
const noting =
  (executor: Executor): Executor =>
  (resolve, reject, resolveWithPresence) =>
    executor(resolve, reject, (...args) => {
      const presence = resolveWithPresence(...args);
      presences.add(presence);
      return presence;
    });

const withoutAnswer =
  (deed: Deed): ((...args: unknown[]) => void) =>
  (...args) => {
    deed(...args).catch(() => {});
  };

const Wrapped = function HandledPromise(
  executor: Executor,
  ...rest: unknown[]
): object {
  if (new.target === undefined) {
    throw TypeError('HandledPromise must be called with new');
  }
  return Reflect.construct(Inner, [noting(executor), ...rest], Inner);
};

const names = ['get', 'applyMethod', 'applyFunction'];
const sends = Object.fromEntries(
  names.flatMap(name => {
    const inner: Deed = Reflect.get(Inner, name);
    const deed = counted(inner);
    return [
      [name, Object.freeze(deed)],
      [`${name}SendOnly`, Object.freeze(withoutAnswer(deed))],
    ] as const;
  }),
);
// As Inner is itself: a Promise by prototype, its methods its own.
Object.setPrototypeOf(Wrapped, Object.getPrototypeOf(Inner));
Object.defineProperties(Wrapped, {
  ...Object.getOwnPropertyDescriptors(Inner),
  ...Object.getOwnPropertyDescriptors(sends),
});
Object.defineProperty(globalThis, 'HandledPromise', {
  value: Object.freeze(Wrapped),
  writable: true,
  configurable: true,
});
