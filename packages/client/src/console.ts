import {
  CooperageError,
  isExportVref,
  isKref,
  isPromiseVref,
  showValue,
  type ClusterId,
  type ClusterStatus,
  type KernelStatus,
  type VatId,
} from '@cooperage/protocol';
import { E } from '@endo/eventual-send';
import { Far } from '@endo/far';
import harden from '@endo/harden';
import type { Connect } from './connection.ts';
import { HELP } from './help.ts';
import { makeHomeKit, type Home } from './home.ts';
import { openSession, type Session } from './session.ts';

/** A launched cluster, with presences of its vats' roots. */
export type Launched = {
  readonly name: string;
  readonly cluster: ClusterId;
  /** The root of the bootstrap vat. */
  readonly root: object;
  readonly vats: Readonly<Record<string, object>>;
};

/** The kernel as the console has it: a far object; every call rejects with an error that has a code. */
export type KernelFacade = {
  /** A config as `parseClusterConfig` takes it, or its JSON text. */
  launch(config: unknown): Promise<Launched>;
  clusters(): Promise<readonly ClusterStatus[]>;
  status(): Promise<KernelStatus>;
  /** The root of a vat; without `vat`, of the cluster's bootstrap vat. */
  root(cluster: string, vat?: string): Promise<object>;
  terminate(cluster: string): Promise<void>;
  restart(cluster: string, vat?: string): Promise<void>;
  /** Lets a suspended vat go on; without `vat`, all of the cluster's. */
  resume(cluster: string, vat?: string): Promise<void>;
  /** Holds all vats still; `step` makes one delivery, and tells to which vat. */
  pause(): Promise<void>;
  unpause(): Promise<void>;
  step(): Promise<VatId | null>;
  /** Keeps an object of a vat as `home[name]`. */
  keep(name: string, presence: object): Promise<void>;
  forget(name: string): Promise<void>;
  /** The object with a kref such as `ko12`. */
  reference(kref: string): Promise<object>;
  help(): string;
};

export type ClientConsole = {
  readonly E: typeof E;
  readonly Far: typeof Far;
  readonly kernel: KernelFacade;
  readonly home: Home;
  /** Ends the session. A later use of `kernel` or `home` opens a new one. */
  close(): void;
};

const parseConfig = (config: unknown): unknown => {
  if (typeof config !== 'string') {
    return config;
  }
  try {
    return JSON.parse(config);
  } catch (problem) {
    throw new CooperageError(
      'BAD_CONFIG',
      `the config is no JSON: ${String(problem)}`,
    );
  }
};

const badRequest = (what: string): CooperageError =>
  new CooperageError('BAD_REQUEST', what);

/** Opens a session when one is needed and there is none. */
const makeSessionSource = (
  open: () => Promise<Session>,
): { provide(): Promise<Session>; close(): void } => {
  let opening: Promise<Session> | undefined;
  let current: Session | undefined;
  const isOver = (): boolean => current?.reasonOfEnd() !== undefined;
  return {
    provide: () => {
      if (opening === undefined || isOver()) {
        current = undefined;
        const attempt = open();
        opening = attempt;
        attempt.then(
          session => {
            current = session;
          },
          () => {
            if (opening === attempt) {
              opening = undefined;
            }
          },
        );
      }
      return opening;
    },
    close: () => {
      current?.close();
    },
  };
};

const launchIn = async (
  session: Session,
  config: unknown,
): Promise<Launched> => {
  const { name, cluster, vats } = await session.call('launch', {
    config: parseConfig(config),
  });
  const root = await session.reference({ cluster: name });
  const roots = await Promise.all(
    Object.entries(vats).map(async ([vat, kref]): Promise<[string, object]> => [
      vat,
      await session.reference({ kref }),
    ]),
  );
  return harden({ name, cluster, root, vats: Object.fromEntries(roots) });
};

const vatOf = (vat: string | undefined): { vat: string } | undefined =>
  vat === undefined ? undefined : { vat };

const keepIn = async (
  session: Session,
  name: string,
  presence: object,
): Promise<void> => {
  const vref =
    Object(presence) === presence ? session.vrefOf(presence) : undefined;
  if (vref === undefined || isExportVref(vref) || isPromiseVref(vref)) {
    throw badRequest(
      'keep takes a presence of this session: an object of a vat, not one of this console, and awaited',
    );
  }
  await session.call('keep', { name, vref });
};

/**
 * What a service worker puts into its global scope. Nothing is connected yet:
 * `connect` is called with the first use of `kernel` or `home`, and again with
 * the next use after a connection was lost.
 */
export const makeConsole = (options: { connect: Connect }): ClientConsole => {
  const { connect } = options;
  const source = makeSessionSource(async () => {
    const session = await openSession({
      connect,
      onState: state => homeKit.update(state),
      onEnd: () => homeKit.reset(),
    });
    homeKit.update(await session.call('subscribe', {}));
    return session;
  });
  const homeKit = makeHomeKit({
    reference: async kref => (await source.provide()).reference({ kref }),
    open: async () => {
      await source.provide();
    },
  });

  /** What was just done shows in `home` at once; the kernel's own news come a little later. */
  const refresh = async (session: Session): Promise<void> =>
    homeKit.update(await session.call('status', {}));

  const kernel: KernelFacade = Far('Kernel', {
    launch: async (config: unknown) => {
      const session = await source.provide();
      const launched = await launchIn(session, config);
      await refresh(session);
      return launched;
    },
    clusters: async () =>
      (await (await source.provide()).call('status', {})).clusters,
    status: async () => (await source.provide()).call('status', {}),
    root: async (cluster: string, vat?: string) =>
      (await source.provide()).reference({ cluster, ...vatOf(vat) }),
    terminate: async (cluster: string) => {
      const session = await source.provide();
      await session.call('terminate', { cluster });
      await refresh(session);
    },
    restart: async (cluster: string, vat?: string) => {
      await (
        await source.provide()
      ).call('restart', { cluster, ...vatOf(vat) });
    },
    resume: async (cluster: string, vat?: string) => {
      await (await source.provide()).call('resume', { cluster, ...vatOf(vat) });
    },
    pause: async () => {
      await (await source.provide()).call('pause', {});
    },
    unpause: async () => {
      await (await source.provide()).call('unpause', {});
    },
    step: async () => (await (await source.provide()).call('step', {})).vat,
    keep: async (name: string, presence: object) => {
      const session = await source.provide();
      await keepIn(session, name, presence);
      await refresh(session);
    },
    forget: async (name: string) => {
      const session = await source.provide();
      await session.call('forget', { name });
      await refresh(session);
    },
    reference: async (kref: string) => {
      if (!isKref(kref)) {
        throw badRequest(`${showValue(kref)} is no kref; one looks like ko12`);
      }
      return (await source.provide()).reference({ kref });
    },
    help: () => HELP,
  });

  return Object.freeze({
    E,
    Far,
    kernel,
    home: homeKit.home,
    close: source.close,
  });
};
harden(makeConsole);
