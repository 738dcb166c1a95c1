import { krefOfSessionImport, type Vref } from '@cooperage/protocol';
import { E, HandledPromise } from '@endo/eventual-send';
import harden from '@endo/harden';
import { Remotable } from '@endo/marshal';

/**
 * Sends a message. `args` undefined asks for the property `method`. `returned`
 * is the promise that the caller already holds; without it no answer is wanted.
 */
export type SendMessage = (
  target: Vref,
  method: PropertyKey | undefined,
  args: readonly unknown[] | undefined,
  returned: Promise<unknown> | undefined,
) => unknown;

/** Why the session of a presence has ended, or undefined while it lives. */
export type EndOfSession = () => Error | undefined;

const endOf = new WeakMap<object, EndOfSession>();

/** Why this presence is dead; undefined for a living presence, and for anything else. */
export const reasonOfDeath = (value: object): Error | undefined =>
  endOf.get(value)?.();
harden(reasonOfDeath);

const suffixOf = (vref: Vref): string => ` (${krefOfSessionImport(vref)})`;

const labelOf = (vref: Vref, iface = 'Alleged: presence'): string =>
  `${/^(?:Alleged|DebugName): /.test(iface) ? iface : `Alleged: ${iface}`}${suffixOf(vref)}`;

/**
 * Takes the krefs out of the interfaces in a body: a presence's tag shows its
 * kref to the person (a remotable may not carry it anywhere else), but what is
 * sent names the interface as its vat gave it. A reference is the only string
 * of smallcaps that starts with `$`, and only its first mention has an interface;
 * a quote inside a string stands behind a backslash.
 */
export const withPlainInterfaces = (
  body: string,
  slots: readonly Vref[],
): string =>
  slots.some(vref => krefOfSessionImport(vref) !== undefined)
    ? body.replace(
        /(?<!\\)"\$(\d+)\.((?:[^"\\]|\\.)*)"/g,
        (whole, index: string, iface: string) => {
          const vref = slots[Number(index)];
          const suffix = vref === undefined ? '' : suffixOf(vref);
          return iface.endsWith(suffix)
            ? `"$${index}.${iface.slice(0, iface.length - suffix.length)}"`
            : whole;
        },
      )
    : body;
harden(withPlainInterfaces);

/**
 * A presence of the object behind `vref`. The console shows it as
 * `Alleged: Counter (ko12)`; E on it sends messages.
 */
export const makePresence = (options: {
  vref: Vref;
  iface: string | undefined;
  send: SendMessage;
  reasonOfEnd: EndOfSession;
}): object => {
  const { vref, iface, send, reasonOfEnd } = options;
  const handler = harden({
    applyMethod: (
      _presence: object,
      method: PropertyKey | undefined,
      args: unknown[],
      returned?: Promise<unknown>,
    ) => send(vref, method, args, returned),
    applyMethodSendOnly: (
      _presence: object,
      method: PropertyKey | undefined,
      args: unknown[],
    ) => {
      send(vref, method, args, undefined);
    },
    applyFunction: (
      _presence: object,
      args: unknown[],
      returned?: Promise<unknown>,
    ) => send(vref, undefined, args, returned),
    applyFunctionSendOnly: (_presence: object, args: unknown[]) => {
      send(vref, undefined, args, undefined);
    },
    get: (
      _presence: object,
      property: PropertyKey,
      returned?: Promise<unknown>,
    ) => send(vref, property, undefined, returned),
  });
  let presence: object = {};
  const settled = new HandledPromise(
    (_resolve, _reject, resolveWithPresence) => {
      presence = Remotable(
        labelOf(vref, iface),
        undefined,
        resolveWithPresence(handler),
      );
    },
  );
  harden(settled);
  endOf.set(presence, reasonOfEnd);
  return harden(presence);
};
harden(makePresence);

/** A promise that others decide, and the means to settle it when they tell. */
export type PromiseRecord = {
  readonly promise: Promise<unknown>;
  resolve(value: unknown): void;
  reject(reason: unknown): void;
};

/** A promise of the reference `vref`; E on it sends to that reference without waiting. */
export const makePipelinedPromise = (
  vref: Vref,
  send: SendMessage,
): PromiseRecord => {
  let isSettled = false;
  const handler = harden({
    applyMethod: (
      promise: Promise<unknown>,
      method: PropertyKey | undefined,
      args: unknown[],
      returned?: Promise<unknown>,
    ) =>
      isSettled
        ? HandledPromise.applyMethod(promise, method, args)
        : send(vref, method, args, returned),
    applyMethodSendOnly: (
      promise: Promise<unknown>,
      method: PropertyKey | undefined,
      args: unknown[],
    ) => {
      if (isSettled) {
        void HandledPromise.applyMethod(promise, method, args);
      } else {
        send(vref, method, args, undefined);
      }
    },
    // Not along the promise: it may turn out to be data, which has properties but gets no messages.
    get: (promise: Promise<unknown>, property: PropertyKey) =>
      E.when(promise, value => HandledPromise.get(value, property)),
  });
  let resolve: (value?: unknown) => void = () => {};
  let reject: (reason?: unknown) => void = () => {};
  const promise = new HandledPromise<unknown>((onResolve, onReject) => {
    resolve = onResolve;
    reject = onReject;
  }, handler);
  return harden({
    promise,
    resolve: (value: unknown) => {
      isSettled = true;
      resolve(value);
    },
    reject: (reason: unknown) => {
      isSettled = true;
      reject(reason);
    },
  });
};
harden(makePipelinedPromise);
