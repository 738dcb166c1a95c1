import { makeConsole, type ClientConsole } from '@cooperage/client';
import {
  makeKernel,
  type Clock,
  type Fetch,
  type Kernel,
  type KernelDb,
  type KernelOptions,
  type VatLauncher,
} from '@cooperage/kernel';
import { findInconsistencies } from '@cooperage/kernel/testing/recount';
import type { LogEntry } from '@cooperage/protocol';
import { makeRpc } from '@cooperage/streams';
import { makeStreamPair } from '@cooperage/streams/stream-pair';
import { whenWorkersEnded } from './live-workers.ts';
import { makeMortalPlatform } from './mortal-platform.ts';
import {
  copyNodeImage,
  makeNodeImage,
  openNodePlatform,
  type NodeImage,
  type StorageKind,
} from './node-platform.ts';

export type RigOptions = KernelOptions & {
  /** What an earlier rig's `crash` gave. The rig writes to it. */
  readonly image?: NodeImage;
  /** Of an empty image; `sqlite` unless given. */
  readonly storage?: StorageKind;
  /** What relative URLs of bundles are relative to. */
  readonly baseUrl?: URL;
  /** The way of vats to servers; none unless given. */
  readonly fetch?: Fetch;
  /** Starts the vats' workers; `makeNodeVats()` unless given. */
  readonly vats?: VatLauncher;
  /** Recounts all counts after every crank; true unless given. Measurements turn it off. */
  readonly isChecked?: boolean;
  /** Called after each commit with a copy of what the disk holds then. */
  readonly onCommit?: (left: NodeImage) => void;
  /** Turns that go by before what is to be done soon, commits among it: who is told too early hears of it long before. None unless given. */
  readonly soonTurns?: number;
};

const slowDown = (clock: Clock, soonTurns: number): Clock => {
  const wait = (turns: number, callback: () => void): void =>
    turns === 0
      ? clock.soon(callback)
      : clock.soon(() => wait(turns - 1, callback));
  return { ...clock, soon: callback => wait(soonTurns, callback) };
};

const watchCommits = (
  db: KernelDb,
  onCommit: (() => void) | undefined,
): KernelDb =>
  onCommit === undefined
    ? db
    : Object.freeze({
        ...db,
        commit: (changes: Parameters<KernelDb['commit']>[0]) => {
          db.commit(changes);
          onCommit();
        },
      });

const check =
  (
    problems: string[],
    { afterCrank }: KernelOptions,
  ): NonNullable<KernelOptions['afterCrank']> =>
  (state, isSwept) => {
    afterCrank?.(state, isSwept);
    const found = findInconsistencies(state, isSwept);
    problems.push(...found);
    if (found.length > 0) {
      throw Error(`invariants are broken: ${found.join('; ')}`);
    }
  };

/** Serves clients of the kernel over streams in memory. */
const makeConnections = (kernel: Kernel) => {
  const pairs = new Set<ReturnType<typeof makeStreamPair>>();
  let isCut = false;
  return {
    connect: (): ClientConsole =>
      makeConsole({
        connect: async onNotify => {
          if (isCut) {
            throw Error('the rig has ended');
          }
          const pair = makeStreamPair({ label: 'console' });
          pairs.add(pair);
          void pair.right.closed.then(() => pairs.delete(pair));
          kernel.connect(pair.left, {
            privilege: 'dangerous',
            label: 'console',
          });
          return makeRpc(pair.right, { onNotify });
        },
      }),
    cut: () => {
      isCut = true;
      pairs.forEach(pair => pair.cut());
    },
  };
};

/**
 * A kernel in Node with everything real around it: SQLite, worker threads with
 * liveslots, and a console. Whoever starts it ends it by `stop` or `crash`;
 * both reject when it has leaked or its tables have been inconsistent.
 */
export const startRig = async ({
  storage = 'sqlite',
  image = makeNodeImage(storage),
  baseUrl,
  isChecked = true,
  onCommit,
  soonTurns = 0,
  fetch,
  vats,
  ...kernelOptions
}: RigOptions = {}) => {
  const logs: LogEntry[] = [];
  const problems: string[] = [];
  const { platform, countVats, die } = makeMortalPlatform(
    await openNodePlatform({
      image,
      log: entry => logs.push(entry),
      ...(baseUrl === undefined ? {} : { baseUrl }),
      ...(fetch === undefined ? {} : { fetch }),
      ...(vats === undefined ? {} : { vats }),
    }),
  );
  const db = watchCommits(
    platform.db,
    onCommit && (() => onCommit(copyNodeImage(image))),
  );
  const kernel = makeKernel(
    { ...platform, db, clock: slowDown(platform.clock, soonTurns) },
    {
      ...kernelOptions,
      ...(isChecked ? { afterCrank: check(problems, kernelOptions) } : {}),
    },
  );
  const connections = makeConnections(kernel);
  const main = connections.connect();
  let isOver = false;

  const insistClean = (): void => {
    const { state, reason } = kernel.status();
    if (state !== 'running') {
      problems.push(`the kernel is ${state}: ${reason}`);
    }
    if (problems.length > 0) {
      throw Error(`the rig is not clean: ${problems.join('; ')}`);
    }
  };

  const endOnce = (): void => {
    if (isOver) {
      throw Error('the rig has ended already');
    }
    isOver = true;
  };

  return Object.freeze({
    kernel,
    db: platform.db,
    stores: platform.stores,
    logs,
    /** How many vats' workers run or start. */
    countVats,
    console: main,
    /** One more console, with a session of its own. */
    connect: connections.connect,
    isOver: () => isOver,
    /** Loses the kernel, its vats and its connections at once; what had been committed is in the image. */
    crash: async (): Promise<NodeImage> => {
      endOnce();
      const left = copyNodeImage(image);
      try {
        insistClean();
      } finally {
        die();
        connections.cut();
        await whenWorkersEnded();
      }
      return left;
    },
    stop: async (): Promise<NodeImage> => {
      endOnce();
      try {
        insistClean();
        main.close();
        await kernel.idle();
        await kernel.stop();
      } finally {
        if (kernel.status().state !== 'stopped') {
          die();
        }
        connections.cut();
        await whenWorkersEnded();
      }
      return image;
    },
  });
};

export type Rig = Awaited<ReturnType<typeof startRig>>;

const COUNTED = [
  'clusters',
  'vats',
  'objects',
  'promises',
  'clists',
  'queue',
  'home',
  'sessions',
  'retiring',
  'serviceObjects',
  'aliases',
  'timers',
  'calls',
] as const;

/** How many rows each table has when the kernel is idle, and what lies on the disk beside them. */
export const takeStock = async ({
  kernel,
  db,
  stores,
  countVats,
}: Rig): Promise<Readonly<Record<string, number>>> => {
  await kernel.idle();
  return {
    ...Object.fromEntries(COUNTED.map(name => [name, kernel.state[name].size])),
    bundles: db.load('bundles').length,
    files: stores.list().length,
    vats: countVats(),
  };
};

type Stock = Awaited<ReturnType<typeof takeStock>>;

/** The tables with more rows than before. A vat's engine may have kept garbage longer the first time, which leaves fewer. */
export const listGrown = (before: Stock, after: Stock): string[] =>
  Object.entries(after)
    .filter(([table, rows]) => rows > (before[table] ?? 0))
    .map(([table]) => table);
