import {
  decodeRows,
  PROTOCOL_VERSION,
  type Delivery,
  type FromVat,
  type Holdings,
  type Outcome,
  type StoreChange,
  type Syscall,
  type ToVat,
  type VatId,
} from '@cooperage/protocol';
import type { VatLauncher, VatPort } from '../ports.ts';

/** What a raw vat does in one delivery. */
export type Deed = {
  readonly syscalls?: readonly Syscall[];
  readonly changes?: readonly StoreChange[];
  readonly outcome?: Outcome;
  readonly isUnsure?: boolean;
  readonly hasMore?: boolean;
};

/** A vat without liveslots: a test says exactly what it sends. */
export type RawVat = {
  readonly id: VatId;
  readonly label: string;
  readonly incarnation: number;
  /** The store as it was when this worker started. */
  readonly store: ReadonlyMap<string, string>;
  /** Deliveries so far, the last one included. */
  readonly deliveries: readonly Delivery[];
  /** What the last delivery said that its c-list has of earlier heaps. */
  readonly held: Holdings | undefined;
  /** True while the last delivery has not been answered. */
  readonly isBusy: boolean;
  /** The number of the delivery in flight; and that of the last one, answered or not. */
  readonly crank: number | undefined;
  readonly lastCrank: number | undefined;
  /** Answers the delivery in flight. */
  finish(deed?: Deed): void;
  /** Sends anything, also when it has been ended: then it was on its way. */
  say(message: unknown): void;
  /** The worker is gone, alone unless told otherwise, as far as the kernel is told. */
  lose(reason: string, what?: 'worker' | 'host'): void;
  readonly isKilled: boolean;
};

/** Answers a delivery at once, or holds it open by returning undefined. */
export type Behavior = (
  delivery: Delivery,
  vat: RawVat,
) => Deed | undefined | void;

/** How a worker's start goes: `silent` never says hello, `unready` no more than that, `refused` is not even started. */
export type Beginning =
  'ready' | 'silent' | 'unready' | 'refused' | { readonly failed: string };

export type RawVats = {
  readonly launcher: VatLauncher;
  /** The running worker of the vat whose config says this label. */
  get(label: string): RawVat;
  /** Every worker that was ever started, in order. */
  readonly all: readonly RawVat[];
};

/**
 * Workers in this process for a kernel under test. `behave` decides what each
 * does; without an answer the delivery stays in flight until `finish`.
 */
export const makeRawVats = (
  behave: Behavior = () => ({}),
  begin: (label: string, nth: number) => Beginning = () => 'ready',
): RawVats => {
  const all: RawVat[] = [];

  const launch = (id: VatId, label: string): Promise<VatPort> => {
    let toKernel: (message: unknown) => void = () => {};
    let lost: (reason: string, what?: 'worker' | 'host') => void = () => {};
    const nth = all.filter(each => each.label === label).length + 1;
    const beginning = begin(label, nth);
    let isKilled = false;
    let crank: number | undefined;
    let lastCrank: number | undefined;
    const deliveries: Delivery[] = [];
    let store = new Map<string, string>();
    let incarnation = 0;
    let held: Holdings | undefined;

    const say = (message: unknown): void => {
      queueMicrotask(() => toKernel(message));
    };
    const tell = (message: FromVat): void => {
      queueMicrotask(() => {
        if (!isKilled) {
          toKernel(message);
        }
      });
    };

    const vat: RawVat = {
      id,
      label,
      deliveries,
      get incarnation() {
        return incarnation;
      },
      get store() {
        return store;
      },
      get held() {
        return held;
      },
      get isBusy() {
        return crank !== undefined;
      },
      get crank() {
        return crank;
      },
      get lastCrank() {
        return lastCrank;
      },
      get isKilled() {
        return isKilled;
      },
      finish: (deed: Deed = {}) => {
        const { syscalls = [], changes = [], isUnsure, hasMore } = deed;
        const outcome: Outcome = deed.outcome ?? { ok: true };
        if (crank === undefined) {
          throw Error(`raw vat ${label} has no delivery in flight`);
        }
        tell({
          type: 'done',
          crank,
          outcome,
          syscalls,
          changes,
          ...(isUnsure && { isUnsure }),
          ...(hasMore && { hasMore }),
        });
        crank = undefined;
      },
      say,
      lose: (reason, what) => {
        if (!isKilled) {
          lost(reason, what);
        }
      },
    };
    all.push(vat);

    const receive = (message: ToVat): void => {
      if (message.type === 'start') {
        store = new Map(decodeRows(message.store));
        ({ incarnation } = message);
        if (typeof beginning === 'object') {
          tell({ type: 'failed', problem: beginning.failed });
        } else if (beginning === 'ready') {
          tell({ type: 'ready' });
        }
        return;
      }
      ({ crank, held } = message);
      lastCrank = crank;
      deliveries.push(message.delivery);
      const deed = behave(message.delivery, vat);
      if (deed) {
        vat.finish(deed);
      }
    };

    if (beginning === 'refused') {
      isKilled = true;
      return Promise.reject(Error('no room for a worker'));
    }
    return Promise.resolve({
      send: message => queueMicrotask(() => receive(message)),
      receive: (onMessage, onLost) => {
        toKernel = onMessage;
        lost = onLost;
        if (beginning !== 'silent') {
          tell({ type: 'hello', version: PROTOCOL_VERSION });
        }
      },
      kill: () => {
        isKilled = true;
      },
    });
  };

  return {
    launcher: { launch },
    get: label => {
      const vat = all.findLast(each => each.label === label && !each.isKilled);
      if (!vat) {
        throw Error(`no raw vat ${label} runs`);
      }
      return vat;
    },
    all,
  };
};
