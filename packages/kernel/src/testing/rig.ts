import {
  CooperageError,
  type ClusterConfig,
  type Delivery,
  type Json,
  type LogEntry,
  type Privilege,
  type Syscall,
  type VatConfig,
} from '@cooperage/protocol';
import { makeRpc, type Rpc } from '@cooperage/streams';
import {
  makeStreamPair,
  type StreamPair,
} from '@cooperage/streams/stream-pair';
import {
  makeMemoryImage,
  openMemoryKernelDb,
  openMemoryVatStores,
  type MemoryImage,
} from '../adapters/memory.ts';
import { makeKernel, type Kernel } from '../kernel.ts';
import type { KernelOptions } from '../kernel-options.ts';
import type { Clock, Platform } from '../ports.ts';
import {
  makeRawVats,
  type Beginning,
  type Behavior,
  type RawVats,
} from './raw-vats.ts';
import { findInconsistencies } from './recount.ts';

/** A client that a test drives word by word. */
export type RawClient = {
  readonly rpc: Rpc;
  readonly deliveries: Delivery[];
  /** Notifications but deliveries. */
  readonly told: { method: string; params: unknown }[];
  /** Number of the last delivery heard. */
  heard(): number;
  /** Batches that the kernel had applied before that. */
  applied(): number;
  /** Holds all that is on the wire. */
  fence(): { release(): void };
  readonly pair: StreamPair<unknown, unknown>;
  send(...syscalls: readonly Syscall[]): void;
};

declare const setTimeout: (
  callback: () => void,
  milliseconds: number,
) => number;
declare const clearTimeout: (timer: number) => void;
declare const setImmediate: (callback: () => void) => void;

export type Rig = {
  readonly kernel: Kernel;
  readonly vats: RawVats;
  readonly logs: readonly LogEntry[];
  readonly image: MemoryImage;
  /** A client with a session, unless it may not have one. */
  connect(privilege?: Privilege): Promise<RawClient>;
  launch(name: string, vats: readonly string[]): Promise<void>;
};

export const realClock: Clock = {
  now: () => Date.now(),
  after: (milliseconds, callback) => {
    const timer = setTimeout(callback, milliseconds);
    return () => clearTimeout(timer);
  },
  soon: callback => {
    setImmediate(callback);
  },
};

export const RAW_BUNDLE = JSON.stringify({ moduleFormat: 'cooperageScript' });

type Rules = Partial<
  Pick<VatConfig, 'deadline' | 'onFault' | 'critical' | 'eviction' | 'limits'>
>;

/**
 * A kernel over memory with raw vats, whose tables are checked after every
 * crank. Give the `image` of an earlier rig, copied, to start after a crash.
 */
export const makeRig = (
  behave?: Behavior,
  {
    image = makeMemoryImage(),
    clock = realClock,
    begin,
    wrap = platform => platform,
    isChecked = true,
    rules = {},
    services = [],
    bundles = {},
    ...options
  }: KernelOptions & {
    image?: MemoryImage;
    clock?: Clock;
    begin?: (label: string, nth: number) => Beginning;
    /** Puts faults into the platform. */
    wrap?: (platform: Platform) => Platform;
    /** False where so many rows are made that checking all after each crank takes too long. */
    isChecked?: boolean;
    /** Granted to every cluster that `launch` starts. */
    services?: readonly Json[];
    /** In the config of every cluster that `launch` starts. */
    bundles?: ClusterConfig['bundles'];
    /** In the config of every vat that `launch` starts, or of the one of that name. */
    rules?: Rules | ((vat: string) => Rules);
  } = {},
): Rig => {
  const vats = makeRawVats(behave, begin);
  const logs: LogEntry[] = [];
  const platform: Platform = wrap({
    db: openMemoryKernelDb(image),
    stores: openMemoryVatStores(image),
    vats: vats.launcher,
    clock,
    log: entry => logs.push(entry),
    hash: bytes => Promise.resolve(`${bytes.length}`.padStart(128, '0')),
    fetchText: url =>
      Promise.reject(
        new CooperageError('BUNDLE_UNREACHABLE', `${url}: no network here`),
      ),
  });
  const kernel = makeKernel(platform, {
    // A test that keeps a delivery in flight hears the answers of others at once.
    holdMilliseconds: 0,
    ...options,
    afterCrank: (state, isSwept) => {
      options.afterCrank?.(state, isSwept);
      const problems = isChecked ? findInconsistencies(state, isSwept) : [];
      if (problems.length > 0) {
        throw Error(`invariants broken: ${problems.join('; ')}`);
      }
    },
  });

  const connect = async (
    privilege: Privilege = 'dangerous',
  ): Promise<RawClient> => {
    const pair = makeStreamPair();
    const { left, right } = pair;
    kernel.connect(left, { privilege, label: 'test' });
    const deliveries: Delivery[] = [];
    const told: { method: string; params: unknown }[] = [];
    let heard = 0;
    let applied = 0;
    const rpc = makeRpc(right, {
      onNotify: (method, params) => {
        if (method === 'deliver') {
          const { number, delivery, seen } = Object(params);
          heard = number;
          applied = seen;
          deliveries.push(delivery);
        } else {
          told.push({ method, params });
        }
      },
    });
    if (privilege !== 'read') {
      await rpc.call('sessionOpen', {});
    }
    return {
      rpc,
      pair,
      fence: pair.fence,
      deliveries,
      told,
      heard: () => heard,
      applied: () => applied,
      send: (...syscalls) => rpc.notify('syscalls', { syscalls, seen: heard }),
    };
  };

  return {
    kernel,
    vats,
    logs,
    image,
    connect,
    launch: async (name, names) => {
      const client = await connect();
      const config = {
        name,
        services,
        bundles,
        vats: Object.fromEntries(
          names.map(each => [
            each,
            {
              bundle: { text: RAW_BUNDLE },
              ...(typeof rules === 'function' ? rules(each) : rules),
            },
          ]),
        ),
      };
      await client.rpc.call('launch', { config });
      client.rpc.close();
    },
  };
};
