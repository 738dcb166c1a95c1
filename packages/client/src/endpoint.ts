import {
  CooperageError,
  isExportVref,
  isPromiseVref,
  weighDelivery,
  type CapData,
  type Delivery,
  type KernelNotifications,
  type Message,
  type Syscall,
  type Vref,
} from '@cooperage/protocol';
import { HandledPromise } from '@endo/eventual-send';
import harden from '@endo/harden';
import { makeCodec, parseMethargs } from './codec.ts';
import {
  makePipelinedPromise,
  makePresence,
  reasonOfDeath,
} from './presence.ts';
import { makePromises } from './promises.ts';
import { makeReferences } from './references.ts';
import { makeSyscallBatch } from './syscall-batch.ts';

/** What the kernel gets of one turn. */
export type SyscallsOfTurn = {
  readonly syscalls: readonly Syscall[];
  readonly seen: number;
};

/**
 * The objects' side of a session: marshals, sends and receives, as liveslots
 * does in a vat, but without a store: everything ends with the session.
 */
export type Endpoint = {
  /** Throws BAD_REQUEST on a delivery that the kernel may not send. What a vat may have spoiled rejects a promise instead. */
  deliver(params: KernelNotifications['deliver']): void;
  /** The presence of an object that the kernel has put into the c-list. */
  importObject(vref: Vref, iface: string | undefined): object;
  vrefOf(value: object): Vref | undefined;
  /** The value that has this vref, if it is still there. */
  valueOf(vref: Vref): object | undefined;
  /** Keeps drops of imports back until the function that it gives is called. */
  holdDrops(): () => void;
  /** Rejects what is pending with the reason, and all that follows. */
  end(reason: Error): void;
};

/** Deliveries heard in silence before they are acknowledged, and what they may count; the kernel bears ten times as much. */
const MOST_UNACKNOWLEDGED = 1_000;
const MOST_UNACKNOWLEDGED_UNITS = 1_000_000;

export const makeEndpoint = (options: {
  post: (batch: SyscallsOfTurn) => void;
}): Endpoint => {
  const { post } = options;
  let seen = 0;
  let acknowledged = 0;
  let unitsSince = 0;
  let reasonOfEnd: Error | undefined;

  const references = makeReferences(vref => batch.addCollected(vref));
  const batch = makeSyscallBatch({
    post: syscalls => {
      acknowledged = seen;
      unitsSince = 0;
      post({ syscalls, seen });
    },
    isAlive: vref => references.valueOf(vref) !== undefined,
  });

  const importObject = (vref: Vref, iface: string | undefined): object => {
    const known = references.valueOf(vref);
    if (known !== undefined) {
      return known;
    }
    const presence = makePresence({
      vref,
      iface,
      send,
      reasonOfEnd: () => reasonOfEnd,
    });
    references.register(vref, presence);
    return presence;
  };

  const valueOfSlot = (vref: Vref, iface: string | undefined): object => {
    const known = references.valueOf(vref) ?? promises.settledOf(vref);
    if (known !== undefined) {
      return known;
    }
    if (isPromiseVref(vref)) {
      const record = makePipelinedPromise(vref, send);
      // Nobody may ever look at it, and then its rejection is nobody's.
      record.promise.catch(() => {});
      return promises.importRecord(vref, record);
    }
    if (isExportVref(vref)) {
      throw new CooperageError(
        'OBJECT_UNKNOWN',
        `this client has no object ${vref}, or not any more`,
      );
    }
    return importObject(vref, iface);
  };

  const slotOfValue = (value: object): Vref => {
    const death = reasonOfDeath(value);
    if (death !== undefined) {
      throw death;
    }
    return references.provideVref(
      value,
      value instanceof Promise ? 'promise' : 'object',
    );
  };

  const { encode, decode } = makeCodec({ slotOfValue, valueOfSlot });

  const emit = (syscall: Syscall): void => {
    slotsOf(syscall).forEach(vref => references.retain(vref, batch.number()));
    batch.add(syscall);
  };

  const promises = makePromises({ references, encode, emit });

  const send = (
    target: Vref,
    method: PropertyKey | undefined,
    args: readonly unknown[] | undefined,
    returned: Promise<unknown> | undefined,
  ): unknown => {
    if (reasonOfEnd !== undefined) {
      throw reasonOfEnd;
    }
    const methargs = encode(args === undefined ? [method] : [method, args]);
    if (returned === undefined) {
      emit(['send', target, { methargs }]);
      promises.announce(methargs.slots);
      return undefined;
    }
    const result = references.allotPromise();
    const record = makePipelinedPromise(result, send);
    // E's caller holds `returned`, which will follow the record's promise: it is the one to be known by the vref.
    promises.importRecord(result, record, returned);
    emit(['send', target, { methargs, result }]);
    promises.announce(methargs.slots);
    promises.subscribe();
    return record.promise;
  };

  const apply = (target: Vref, methargs: CapData): Promise<unknown> => {
    try {
      const { method, args } = parseMethargs(decode(methargs));
      const object = valueOfSlot(target, undefined);
      if (args === undefined) {
        return HandledPromise.get(object, method ?? '');
      }
      return method === undefined
        ? HandledPromise.applyFunction(object, [...args])
        : HandledPromise.applyMethod(object, method, [...args]);
    } catch (problem) {
      return harden(Promise.reject(problem));
    }
  };

  const receive = (target: Vref, { methargs, result }: Message): void => {
    const answer = apply(target, methargs);
    if (result === undefined || result === null) {
      answer.catch(() => {});
    } else {
      promises.decide(result, answer);
    }
  };

  const dispatch = (delivery: Delivery, told: number): void => {
    switch (delivery[0]) {
      case 'message':
        return receive(delivery[1], delivery[2]);
      case 'notify':
        return promises.notify(delivery[1], decode);
      case 'dropExports':
        return delivery[1].forEach(vref => references.drop(vref, told));
      case 'retireExports':
      case 'retireImports':
        return delivery[1].forEach(vref => references.retire(vref, told));
      case 'startVat':
      case 'bringOutYourDead':
        throw new CooperageError(
          'BAD_REQUEST',
          `the kernel sent ${delivery[0]} to a session, which is no vat`,
        );
    }
  };

  return harden({
    deliver: ({
      number,
      delivery,
      seen: told,
    }: KernelNotifications['deliver']) => {
      if (number !== seen + 1) {
        throw new CooperageError(
          'BAD_REQUEST',
          `the kernel sent delivery ${number} after ${seen}`,
        );
      }
      seen = number;
      unitsSince += weighDelivery(delivery);
      dispatch(delivery, told);
      promises.subscribe();
      if (
        seen - acknowledged >= MOST_UNACKNOWLEDGED ||
        unitsSince >= MOST_UNACKNOWLEDGED_UNITS
      ) {
        batch.acknowledge();
      }
    },
    importObject,
    vrefOf: references.vrefOf,
    valueOf: references.valueOf,
    holdDrops: batch.holdDrops,
    end: (reason: Error) => {
      if (reasonOfEnd === undefined) {
        reasonOfEnd = harden(reason);
        batch.end();
        promises.end(reason);
      }
    },
  });
};
harden(makeEndpoint);

/** The references that a syscall shows to the kernel in data. */
const slotsOf = (syscall: Syscall): readonly Vref[] => {
  switch (syscall[0]) {
    case 'send':
      return syscall[2].methargs.slots;
    case 'resolve':
      return syscall[1].flatMap(([, , data]) => data.slots);
    default:
      return [];
  }
};
