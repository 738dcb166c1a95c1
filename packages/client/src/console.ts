import {
  CooperageError,
  findSubject,
  isExportVref,
  isKref,
  isPromiseVref,
  showValue,
  type BundleSource,
  type ControlMethods,
  type InspectRequest,
} from '@cooperage/protocol';
import { E } from '@endo/eventual-send';
import { Far } from '@endo/far';
import harden from '@endo/harden';
import type { Connect } from './connection.ts';
import { HELP } from './help.ts';
import { makeHomeKit, type Home } from './home.ts';
import { showCycles, showGrowth, showInspection } from './inspection.ts';
import type {
  KernelFacade,
  Launched,
  UpgradeOptions,
} from './kernel-facade.ts';
import { openSession, type Session } from './session.ts';

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

const namesOf = (
  cluster: string | undefined,
  vat: string | undefined,
): ControlMethods['pause']['params'] =>
  cluster === undefined ? {} : { cluster, ...vatOf(vat) };

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

const subjectOf = async (
  session: Session,
  subject: unknown,
): Promise<InspectRequest> => {
  if (typeof subject === 'string') {
    const found = findSubject(subject, await session.call('status', {}));
    if (found) {
      return found;
    }
  } else if (Object(subject) === subject) {
    const vref = session.vrefOf(Object(subject));
    if (vref !== undefined) {
      return { vref };
    }
  }
  throw badRequest(
    `${showValue(subject)} is nothing that can be looked at: give a presence or promise of this session, or a text such as 'ko12', 'kp3', 'demo.bob', 'v2', or a name in home`,
  );
};

const inspectIn = async (
  session: Session,
  subject: unknown,
): Promise<object> => {
  const request = await subjectOf(session, subject);
  return showInspection(
    await session.call('inspect', request),
    session.presenceOf,
  );
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
    terminate: async (cluster: string, vat?: string) => {
      const session = await source.provide();
      await session.call('terminate', { cluster, ...vatOf(vat) });
      await refresh(session);
    },
    restart: async (cluster: string, vat?: string) => {
      await (
        await source.provide()
      ).call('restart', { cluster, ...vatOf(vat) });
    },
    upgrade: async (
      cluster: string,
      vat: string,
      bundle: BundleSource,
      { parameters, upgradeMessage }: UpgradeOptions = {},
    ) =>
      (await source.provide()).call('upgrade', {
        cluster,
        vat,
        bundle,
        ...(parameters === undefined ? {} : { parameters }),
        ...(upgradeMessage === undefined ? {} : { upgradeMessage }),
      }),
    resume: async (cluster: string, vat?: string) => {
      await (await source.provide()).call('resume', { cluster, ...vatOf(vat) });
    },
    suspend: async (cluster: string, vat?: string) => {
      await (
        await source.provide()
      ).call('suspend', { cluster, ...vatOf(vat) });
    },
    pause: async (cluster?: string, vat?: string) => {
      await (await source.provide()).call('pause', namesOf(cluster, vat));
    },
    unpause: async (cluster?: string, vat?: string) => {
      await (await source.provide()).call('unpause', namesOf(cluster, vat));
    },
    step: async () => (await (await source.provide()).call('step', {})).vat,
    collect: async () => (await source.provide()).call('collect', {}),
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
    inspect: async (subject: unknown) =>
      inspectIn(await source.provide(), subject),
    mark: async () => (await (await source.provide()).call('mark', {})).mark,
    grownSince: async (mark: string) => {
      const session = await source.provide();
      return showGrowth(await session.call('grownSince', { mark }));
    },
    cycles: async () =>
      showCycles(await (await source.provide()).call('cycles', {})),
    storeBundle: async (name: string, bundle: BundleSource) =>
      (await (await source.provide()).call('storeBundle', { name, bundle }))
        .hash,
    bundles: async () => (await source.provide()).call('bundles', {}),
    forgetBundle: async (name: string) => {
      await (await source.provide()).call('forgetBundle', { name });
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
