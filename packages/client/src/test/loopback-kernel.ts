/**
 * A reference kernel for tests of clients: it joins the c-lists of several
 * sessions and nothing more. No vats, no storage, no crank: every batch is
 * applied in the turn in which it arrives.
 */
import {
  encodeError,
  isExportVref,
  isPromiseKref,
  isPromiseVref,
  krefOfSessionImport,
  makeImportVref,
  makeKref,
  parseKref,
  parseSingleReference,
  type CapData,
  type Delivery,
  type Kref,
  type Message,
  type Resolution,
  type Syscall,
  type Vref,
} from '@cooperage/protocol';

type Entry = { readonly kref: Kref; sentAt: number };

/** One session as the kernel has it. */
export type LoopbackSession = {
  /** Applies a batch; throws an Error on an illegal one. */
  syscalls(batch: {
    readonly syscalls: readonly Syscall[];
    readonly seen: number;
  }): void;
  /** Puts an object into the session's c-list. */
  reference(kref: Kref): Vref;
  /** The kref of an object that the session knows by this vref. */
  krefOf(vref: Vref): Kref | undefined;
  /** Every syscall that was applied, in order. */
  readonly applied: readonly Syscall[];
  /** Every delivery that was sent, in order. */
  readonly delivered: readonly Delivery[];
  /** The vrefs in the c-list that the session imports or exports. */
  vrefs(): Vref[];
};

type Endpoint = {
  readonly deliver: (delivery: Delivery) => void;
  readonly toVref: (kref: Kref) => Vref;
  readonly hasKref: (kref: Kref) => boolean;
  readonly retireAfter: (kref: Kref) => void;
};

type Parked = { readonly message: Message<Kref> };
type PromiseState = {
  decider: Endpoint | undefined;
  readonly parked: Parked[];
  readonly subscribers: Set<Endpoint>;
  settlement?: { readonly isRejected: boolean; readonly data: CapData<Kref> };
};

const mapData = <From extends string, To extends string>(
  { body, slots }: CapData<From>,
  translate: (ref: From) => To,
): CapData<To> => ({ body, slots: slots.map(translate) });

export const makeLoopbackKernel = (): {
  openSession(
    deliver: (params: { number: number; delivery: Delivery }) => void,
  ): LoopbackSession;
  /** An object of the kernel's own: it answers a message with the message. */
  readonly echo: Kref;
  /** The references in the last message to `echo`. */
  echoed(): readonly Kref[];
} => {
  const owners = new Map<Kref, Endpoint>();
  const promises = new Map<Kref, PromiseState>();
  const endpoints = new Set<Endpoint>();
  let last = 0;

  const allot = (kind: 'object' | 'promise'): Kref => {
    last += 1;
    return makeKref(kind, last);
  };

  const promiseOf = (kref: Kref): PromiseState => {
    const state = promises.get(kref);
    if (state === undefined) {
      throw Error(`no promise ${kref}`);
    }
    return state;
  };

  const makePromiseState = (decider: Endpoint | undefined): PromiseState => ({
    decider,
    parked: [],
    subscribers: new Set(),
  });

  /** A settled promise and every settled promise that its data mentions: what one notify tells. */
  const closure = (kref: Kref, into = new Set<Kref>()): Set<Kref> => {
    const settlement = promiseOf(kref).settlement;
    if (settlement !== undefined && !into.has(kref)) {
      into.add(kref);
      settlement.data.slots
        .filter(isPromiseKref)
        .forEach(slot => closure(slot, into));
    }
    return into;
  };

  const notify = (endpoint: Endpoint, kref: Kref): void => {
    if (!endpoint.hasKref(kref)) {
      return;
    }
    const batch = [...closure(kref)];
    const resolutions = batch.flatMap((each): Resolution[] => {
      const settlement = promiseOf(each).settlement;
      return settlement === undefined
        ? []
        : [
            [
              endpoint.toVref(each),
              settlement.isRejected,
              mapData(settlement.data, endpoint.toVref),
            ],
          ];
    });
    batch.forEach(each => promiseOf(each).subscribers.delete(endpoint));
    endpoint.deliver(['notify', resolutions]);
    batch.forEach(endpoint.retireAfter);
  };

  const settle = (
    kref: Kref,
    isRejected: boolean,
    data: CapData<Kref>,
  ): void => {
    const state = promiseOf(kref);
    state.decider = undefined;
    state.settlement = { isRejected, data };
  };

  const announce = (kref: Kref): void => {
    const state = promiseOf(kref);
    state.parked.splice(0).forEach(({ message }) => route(kref, message));
    [...state.subscribers].forEach(each => notify(each, kref));
  };

  const settleAlone = (
    kref: Kref | null | undefined,
    data: CapData<Kref>,
  ): void => {
    if (kref) {
      settle(kref, true, data);
      announce(kref);
    }
  };

  const routeToPromise = (kref: Kref, message: Message<Kref>): void => {
    const state = promiseOf(kref);
    if (state.settlement === undefined) {
      state.parked.push({ message });
      return;
    }
    const { isRejected, data } = state.settlement;
    const target = isRejected ? undefined : parseSingleReference(data);
    if (target !== undefined) {
      route(target, message);
      return;
    }
    settleAlone(
      message.result,
      isRejected
        ? data
        : encodeError('TypeError', 'a message was sent to data'),
    );
  };

  const echo = allot('object');
  let echoed: readonly Kref[] = [];
  const answerEcho = ({ methargs, result }: Message<Kref>): void => {
    echoed = methargs.slots;
    if (result) {
      settle(result, false, methargs);
      announce(result);
    }
  };

  const route = (target: Kref, message: Message<Kref>): void => {
    if (target === echo) {
      answerEcho(message);
      return;
    }
    if (isPromiseKref(target)) {
      routeToPromise(target, message);
      return;
    }
    const owner = owners.get(target);
    if (owner === undefined) {
      settleAlone(message.result, encodeError('Error', `${target} is gone`));
      return;
    }
    const { result } = message;
    if (result) {
      promiseOf(result).decider = owner;
    }
    owner.deliver([
      'message',
      owner.toVref(target),
      {
        methargs: mapData(message.methargs, owner.toVref),
        result: result ? owner.toVref(result) : null,
      },
    ]);
  };

  /** Tells the exporter of an object that nobody imports any more. */
  const dropIfUnheld = (kref: Kref): void => {
    const owner = owners.get(kref);
    const isImported = (each: Kref): boolean =>
      [...endpoints].some(one => one !== owner && one.hasKref(each));
    const isHeld =
      isImported(kref) ||
      [...promises].some(
        ([promise, { parked, settlement }]) =>
          (isImported(promise) && settlement?.data.slots.includes(kref)) ||
          parked.some(({ message }) => message.methargs.slots.includes(kref)),
      );
    if (owner !== undefined && !isHeld) {
      owner.deliver(['dropExports', [owner.toVref(kref)]]);
    }
  };

  const openSession = (
    deliver: (params: { number: number; delivery: Delivery }) => void,
  ): LoopbackSession => {
    const entries = new Map<Vref, Entry>();
    const vrefOfKref = new Map<Kref, Vref>();
    const retired = new Map<Vref, number>();
    const applied: Syscall[] = [];
    const delivered: Delivery[] = [];

    const add = (kref: Kref, vref: Vref): void => {
      retired.delete(vref);
      entries.set(vref, { kref, sentAt: delivered.length });
      vrefOfKref.set(kref, vref);
    };
    const remove = (vref: Vref): void => {
      const entry = entries.get(vref);
      entries.delete(vref);
      if (entry && vrefOfKref.get(entry.kref) === vref) {
        vrefOfKref.delete(entry.kref);
      }
    };
    const toVref = (kref: Kref): Vref => {
      const known = vrefOfKref.get(kref);
      if (known !== undefined) {
        const entry = entries.get(known);
        if (entry !== undefined) {
          // The delivery that mentions it is the one to be numbered next.
          entry.sentAt = delivered.length + 1;
        }
        return known;
      }
      const parts = parseKref(kref);
      const vref = makeImportVref(parts?.kind ?? 'object', parts?.index ?? 0);
      add(kref, vref);
      toVref(kref);
      return vref;
    };
    const toKref = (vref: Vref): Kref => {
      const known = entries.get(vref)?.kref;
      if (known !== undefined) {
        return known;
      }
      if (!isExportVref(vref)) {
        throw Error(
          `${vref} is not in the c-list (${krefOfSessionImport(vref)})`,
        );
      }
      const kind = isPromiseVref(vref) ? 'promise' : 'object';
      const kref = allot(kind);
      add(kref, vref);
      if (kind === 'object') {
        owners.set(kref, endpoint);
      } else {
        promises.set(kref, makePromiseState(endpoint));
      }
      return kref;
    };
    const endpoint: Endpoint = {
      deliver: delivery => {
        delivered.push(delivery);
        deliver({ number: delivered.length, delivery });
      },
      toVref,
      hasKref: kref => vrefOfKref.has(kref),
      // The session may name a settled promise until it has seen every delivery that was sent before it was retired.
      retireAfter: kref => {
        const vref = vrefOfKref.get(kref);
        if (vref !== undefined) {
          retired.set(vref, delivered.length);
          vrefOfKref.delete(kref);
        }
      },
    };
    endpoints.add(endpoint);

    const resolve = (resolutions: readonly Resolution[]): void => {
      const krefs = resolutions.map(([vref]) => toKref(vref));
      for (const [index, kref] of krefs.entries()) {
        if (promiseOf(kref).decider !== endpoint) {
          throw Error(
            `${resolutions[index]?.[0]} is not this session's to resolve`,
          );
        }
      }
      for (const [vref, isRejected, data] of resolutions) {
        settle(toKref(vref), isRejected, mapData(data, toKref));
      }
      krefs.forEach(endpoint.retireAfter);
      krefs.forEach(announce);
    };

    const drop = (vref: Vref, seen: number): void => {
      const entry = entries.get(vref);
      if (entry !== undefined && entry.sentAt <= seen) {
        remove(vref);
        dropIfUnheld(entry.kref);
      }
    };

    const apply = (syscall: Syscall, seen: number): void => {
      applied.push(syscall);
      switch (syscall[0]) {
        case 'send': {
          const [, target, { methargs, result }] = syscall;
          const message: Message<Kref> = {
            methargs: mapData(methargs, toKref),
            result: result ? toKref(result) : null,
          };
          if (message.result) {
            promiseOf(message.result).decider = undefined;
          }
          return route(toKref(target), message);
        }
        case 'subscribe': {
          const kref = toKref(syscall[1]);
          promiseOf(kref).subscribers.add(endpoint);
          return promiseOf(kref).settlement && notify(endpoint, kref);
        }
        case 'resolve':
          return resolve(syscall[1]);
        case 'dropImports':
          return syscall[1].forEach(vref => drop(vref, seen));
        case 'retireExports':
          return syscall[1].forEach(remove);
        default:
          throw Error(`a session may not ${syscall[0]}`);
      }
    };

    return {
      syscalls: ({ syscalls, seen }) => {
        syscalls.forEach(syscall => apply(syscall, seen));
        for (const [vref, number] of retired) {
          if (number <= seen) {
            retired.delete(vref);
            remove(vref);
          }
        }
      },
      reference: kref => {
        const vref = toVref(kref);
        // It travels in no delivery; the client sends no drops until it has the answer.
        entries.set(vref, { kref, sentAt: delivered.length });
        return vref;
      },
      krefOf: vref => entries.get(vref)?.kref,
      applied,
      delivered,
      vrefs: () => [...entries.keys()],
    };
  };

  return { openSession, echo, echoed: () => echoed };
};
