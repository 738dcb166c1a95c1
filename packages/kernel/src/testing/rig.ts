import {
  CooperageError,
  type Delivery,
  type LogEntry,
  type Syscall,
} from '@cooperage/protocol';
import { makeRpc, type Rpc } from '@cooperage/streams';
import { makeStreamPair } from '@cooperage/streams/stream-pair';
import {
  makeMemoryImage,
  openMemoryKernelDb,
  openMemoryVatStores,
  type MemoryImage,
} from '../adapters/memory.ts';
import { makeKernel, type Kernel, type KernelOptions } from '../kernel.ts';
import type { Clock, Platform } from '../ports.ts';
import { makeRawVats, type Behavior, type RawVats } from './raw-vats.ts';
import { findInconsistencies } from './recount.ts';

/** A client that a test drives word by word. */
export type RawClient = {
  readonly rpc: Rpc;
  readonly deliveries: Delivery[];
  /** Numbers of the deliveries heard. */
  heard(): number;
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
  /** A client with a session. */
  connect(): Promise<RawClient>;
  launch(name: string, vats: readonly string[]): Promise<void>;
};

const realClock: Clock = {
  now: () => Date.now(),
  after: (milliseconds, callback) => {
    const timer = setTimeout(callback, milliseconds);
    return () => clearTimeout(timer);
  },
  soon: callback => {
    setImmediate(callback);
  },
};

const RAW_BUNDLE = JSON.stringify({ moduleFormat: 'cooperageScript' });

/**
 * A kernel over memory with raw vats, whose tables are checked after every
 * crank. Give the `image` of an earlier rig, copied, to start after a crash.
 */
export const makeRig = (
  behave?: Behavior,
  {
    image = makeMemoryImage(),
    ...options
  }: KernelOptions & { image?: MemoryImage } = {},
): Rig => {
  const vats = makeRawVats(behave);
  const logs: LogEntry[] = [];
  const platform: Platform = {
    db: openMemoryKernelDb(image),
    stores: openMemoryVatStores(image),
    vats: vats.launcher,
    clock: realClock,
    log: entry => logs.push(entry),
    hash: bytes => Promise.resolve(`${bytes.length}`.padStart(128, '0')),
    fetchText: url =>
      Promise.reject(
        new CooperageError('BUNDLE_UNREACHABLE', `${url}: no network here`),
      ),
  };
  const kernel = makeKernel(platform, {
    ...options,
    afterCrank: state => {
      options.afterCrank?.(state);
      const problems = findInconsistencies(state);
      if (problems.length > 0) {
        throw Error(`invariants broken: ${problems.join('; ')}`);
      }
    },
  });

  const connect = async (): Promise<RawClient> => {
    const { left, right } = makeStreamPair();
    kernel.connect(left, { privilege: 'dangerous', label: 'test' });
    const deliveries: Delivery[] = [];
    let heard = 0;
    const rpc = makeRpc(right, {
      onNotify: (method, params) => {
        if (method === 'deliver') {
          const { number, delivery } = Object(params);
          heard = number;
          deliveries.push(delivery);
        }
      },
    });
    await rpc.call('sessionOpen', {});
    return {
      rpc,
      deliveries,
      heard: () => heard,
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
        vats: Object.fromEntries(
          names.map(each => [each, { bundle: { text: RAW_BUNDLE } }]),
        ),
      };
      await client.rpc.call('launch', { config });
      client.rpc.close();
    },
  };
};
