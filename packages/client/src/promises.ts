import {
  isPromiseVref,
  type CapData,
  type Resolution,
  type Syscall,
  type Vref,
} from '@cooperage/protocol';
import { E } from '@endo/eventual-send';
import harden from '@endo/harden';
import type { PromiseRecord } from './presence.ts';
import type { References } from './references.ts';

/**
 * The promises that the kernel knows: *imported* ones, which others decide
 * and of which the kernel tells, and *exported* ones, which this client
 * decides and resolves.
 */
export type Promises = {
  /** Others decide `vref`. The promise is `record.promise`, or `seen` where the caller already holds another in its place. */
  importRecord(
    vref: Vref,
    record: PromiseRecord,
    seen?: Promise<unknown>,
  ): Promise<unknown>;
  /** Subscribes to the imported promises that nobody has subscribed to and that are still open. */
  subscribe(): void;
  /** This client decides `vref` from now on, and it settles as `answer` does. */
  decide(vref: Vref, answer: Promise<unknown>): void;
  /**
   * To be called in the turn that tells the kernel of these vrefs: resolves at
   * once those known to be settled, and follows the new ones.
   */
  announce(slots: readonly Vref[]): void;
  /**
   * A promise of ours that settled not long ago. A delivery may still name it
   * by its retired vref, when it was sent before the kernel heard of that.
   */
  settledOf(vref: Vref): Promise<unknown> | undefined;
  /** Settles imported promises; `decode` may import further ones. */
  notify(
    resolutions: readonly Resolution[],
    decode: (data: CapData) => unknown,
  ): void;
  /** Rejects every imported promise. */
  end(reason: Error): void;
};

type Settlement = { readonly isRejected: boolean; readonly value: unknown };

/** How many settled promises of ours stay findable by their retired vrefs. */
const SETTLED_KEPT = 1024;

export const makePromises = (options: {
  references: References;
  encode: (value: unknown) => CapData;
  emit: (syscall: Syscall) => void;
}): Promises => {
  const { references, encode, emit } = options;
  const imported = new Map<
    Vref,
    PromiseRecord & { readonly seen: Promise<unknown> }
  >();
  const unsubscribed = new Set<Vref>();
  const exported = new Map<Vref, Promise<unknown>>();
  const settled = new Map<Vref, WeakRef<Promise<unknown>>>();
  const settlements = new WeakMap<object, Settlement>();

  const encodeSettlement = (
    settlement: Settlement,
  ): readonly [boolean, CapData] => {
    try {
      return [settlement.isRejected, encode(settlement.value)];
    } catch (problem) {
      return [true, encode(problem)];
    }
  };

  /** The resolution of `vref`, and of every promise in its data that is known to be settled, transitively. */
  const collect = (
    vref: Vref,
    settlement: Settlement,
    into: Map<Vref, Resolution>,
  ): void => {
    const [isRejected, data] = encodeSettlement(settlement);
    into.set(vref, [vref, isRejected, data]);
    collectSettled(data.slots, into);
  };

  const collectSettled = (
    slots: readonly Vref[],
    into: Map<Vref, Resolution>,
  ): void => {
    for (const slot of slots.filter(isPromiseVref)) {
      const promise = references.valueOf(slot);
      const settlement = promise && settlements.get(promise);
      if (settlement !== undefined && !into.has(slot)) {
        collect(slot, settlement, into);
      }
    }
  };

  const rememberSettled = (vref: Vref): void => {
    const promise = references.valueOf(vref);
    if (promise instanceof Promise) {
      settled.set(vref, new WeakRef(promise));
    }
    const [oldest] = settled.keys();
    if (settled.size > SETTLED_KEPT && oldest !== undefined) {
      settled.delete(oldest);
    }
  };

  /** Sends the resolutions, retires their vrefs, and follows the promises that they mention. */
  const resolveAll = (batch: ReadonlyMap<Vref, Resolution>): void => {
    const resolutions = [...batch.values()];
    emit(['resolve', resolutions]);
    for (const vref of batch.keys()) {
      rememberSettled(vref);
      references.unregister(vref);
      exported.delete(vref);
    }
    for (const slot of resolutions.flatMap(([, , data]) => data.slots)) {
      if (!batch.has(slot)) {
        followNew(slot);
      }
    }
  };

  const follow = (vref: Vref, promise: Promise<unknown>): void => {
    exported.set(vref, promise);
    const settle = (isRejected: boolean, value: unknown): void => {
      settlements.set(promise, { isRejected, value });
      // It may have gone already in the batch of a promise that mentions it.
      if (exported.has(vref)) {
        const batch = new Map<Vref, Resolution>();
        collect(vref, { isRejected, value }, batch);
        resolveAll(batch);
      }
    };
    void E.when(
      promise,
      value => settle(false, value),
      reason => settle(true, reason),
    );
  };

  const followNew = (vref: Vref): void => {
    const promise = references.valueOf(vref);
    if (
      isPromiseVref(vref) &&
      promise instanceof Promise &&
      !exported.has(vref) &&
      !imported.has(vref)
    ) {
      follow(vref, promise);
    }
  };

  const settleImported = (
    [vref, isRejected, data]: Resolution,
    decode: (data: CapData) => unknown,
  ): void => {
    const record = imported.get(vref);
    try {
      const value = decode(data);
      if (isRejected) {
        record?.reject(value);
      } else {
        record?.resolve(value);
      }
    } catch (problem) {
      // The data is the work of a vat, and this answer is all that it spoils.
      record?.reject(problem);
    }
  };

  return harden({
    importRecord: (
      vref: Vref,
      record: PromiseRecord,
      seen = record.promise,
    ) => {
      imported.set(vref, { ...record, seen });
      unsubscribed.add(vref);
      references.register(vref, seen);
      return seen;
    },
    subscribe: () => {
      for (const vref of unsubscribed) {
        if (imported.has(vref)) {
          emit(['subscribe', vref]);
        }
      }
      unsubscribed.clear();
    },
    decide: (vref: Vref, answer: Promise<unknown>) => {
      const record = imported.get(vref);
      if (record !== undefined) {
        // A message of ours came back along its promise: whoever waits for the result already holds a promise of it.
        imported.delete(vref);
        record.resolve(answer);
        follow(vref, record.seen);
        return;
      }
      references.register(vref, answer);
      follow(vref, answer);
    },
    announce: (slots: readonly Vref[]) => {
      const batch = new Map<Vref, Resolution>();
      collectSettled(slots, batch);
      if (batch.size > 0) {
        resolveAll(batch);
      }
      slots.filter(slot => !batch.has(slot)).forEach(followNew);
    },
    settledOf: (vref: Vref) => settled.get(vref)?.deref(),
    notify: (
      resolutions: readonly Resolution[],
      decode: (data: CapData) => unknown,
    ) => {
      const done = new Set<Vref>();
      let rest = resolutions;
      let before = -1;
      // A promise of the batch may be known only by the data of another.
      while (rest.length > 0 && done.size !== before) {
        before = done.size;
        rest = rest.filter(resolution => {
          if (!imported.has(resolution[0])) {
            return true;
          }
          settleImported(resolution, decode);
          done.add(resolution[0]);
          return false;
        });
      }
      for (const vref of done) {
        imported.delete(vref);
        references.unregister(vref);
      }
    },
    end: (reason: Error) => {
      const records = [...imported.values()];
      imported.clear();
      exported.clear();
      settled.clear();
      for (const record of records) {
        record.reject(reason);
      }
    },
  });
};
harden(makePromises);
