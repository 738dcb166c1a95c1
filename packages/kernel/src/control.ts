import harden from '@endo/harden';
import {
  CooperageError,
  isPromiseKref,
  isVref,
  showValue,
  type ControlMethods,
  type KernelNotifications,
  type Privilege,
  type SessionId,
} from '@cooperage/protocol';
import {
  makeRpc,
  makeUnreadAnswers,
  StreamError,
  type DuplexStream,
  type Rpc,
} from '@cooperage/streams';
import { makeArchiveMethods } from './archive-control.ts';
import { makeBundleMethods } from './bundle-control.ts';
import type { Clusters } from './clusters.ts';
import type { Inspector } from './inspect/inspector.ts';
import type { KeptBundles } from './kept-bundles.ts';
import type { Launches } from './launch.ts';
import type { Naming } from './naming.ts';
import { makeNewsWindow } from './news-window.ts';
import type { NewsListener } from './news.ts';
import type { Outputs } from './outputs.ts';
import type { Pausing } from './pausing.ts';
import type { Archive } from './ports.ts';
import type { Phase } from './phase.ts';
import { insistPrivilege } from './privilege.ts';
import {
  badRequest,
  fieldsOf,
  parseOrder,
  parseReference,
  parseUpgrade,
  textOf,
} from './requests.ts';
import type { Sessions } from './sessions.ts';
import type { State } from './store/state.ts';
import type { Upgrades } from './upgrades.ts';

/** A client as the one who hands over its port describes it. */
export type ClientOptions = {
  readonly privilege: Privilege;
  /** For people: what kind of client. */
  readonly label: string;
};

/** Room for a config with a few of the largest bundles in it as text. */
const MAX_FRAME_BYTES = 2 ** 26;

/**
 * What is no CooperageError is the kernel's fault, and so is its storage's: a
 * request that was half done can't be taken back. A launch can.
 */
const isKernelFault = (name: string, problem: unknown): boolean =>
  !(problem instanceof CooperageError) ||
  (problem.code === 'STORAGE_FAILED' && name !== 'launch');

type Methods = {
  [Name in keyof ControlMethods]: (
    params: unknown,
  ) => ControlMethods[Name]['result'] | Promise<ControlMethods[Name]['result']>;
};

/** Serves one client: control methods by its privilege, and one session. */
export const makeClientServer = (
  state: State,
  {
    clusters,
    launches,
    upgrades,
    kept,
    sessions,
    outputs,
    status,
    watch,
    collect,
    inspector,
    naming,
    pausing,
    phase,
    pump,
    archive,
    check,
  }: {
    archive: Archive | undefined;
    check: () => Promise<ControlMethods['check']['result']>;
    /** Collects all garbage that can be found; to be pumped after this. */
    collect: () => Promise<ControlMethods['collect']['result']>;
    inspector: Inspector;
    naming: Naming;
    pausing: Pausing;
    clusters: Clusters;
    launches: Launches;
    upgrades: Upgrades;
    kept: KeptBundles;
    sessions: Sessions;
    outputs: Outputs;
    status: () => ControlMethods['status']['result'];
    /** Calls back with news for people until the returned function is called. */
    watch: (listener: NewsListener, isTraced: boolean) => () => void;
    phase: Phase;
    pump: () => void;
  },
) => {
  const { guard } = phase;

  /** Resolves with the value when all that is in the tables now is committed. */
  const afterCommit = <Value>(value: Value): Promise<Value> =>
    new Promise((resolve, reject) =>
      outputs.leave(() => resolve(value), reject),
    );

  /** What is seen in the tables may be uncommitted: then its names must not leave yet. */
  const look = <Value>(answer: () => Value): Promise<Value> => {
    phase.insistRunning();
    return afterCommit(answer());
  };

  /** As of the last commit, or of the next one, which it does not bring about. */
  const committedStatus = (): Promise<ControlMethods['status']['result']> =>
    new Promise(resolve => outputs.ride(() => resolve(status())));

  type Obey = (...names: ReturnType<typeof parseOrder>) => void;

  /** What is done to one vat, or all of a cluster's. */
  const order =
    (obey: Obey) =>
    (params: unknown): Promise<null> => {
      obey(...parseOrder(params));
      return afterCommit(null);
    };

  /** The same, or to all vats there are when none is named. */
  const orderOrAll =
    (obey: Obey, obeyForAll: () => void) =>
    (params: unknown): Promise<null> | null => {
      const { cluster, vat, id } = fieldsOf(params);
      if ([cluster, vat, id].some(each => each !== undefined)) {
        return order(obey)(params);
      }
      obeyForAll();
      return null;
    };

  const serve = (
    stream: DuplexStream<unknown, unknown>,
    { privilege, label }: ClientOptions,
  ): void => {
    let session: SessionId | undefined;
    let unwatch = (): void => {};
    let isGone = false;

    const tell = <Name extends keyof KernelNotifications>(
      name: Name,
      params: KernelNotifications[Name],
    ): void => {
      if (isGone) {
        return;
      }
      try {
        rpc.notify(name, params);
      } catch (problem) {
        if (!(problem instanceof StreamError)) {
          throw problem;
        }
        rpc.close(problem); // the client hears why; the kernel goes on
      }
    };

    /** Settles when the client has read what it was sent before, or never will. */
    const ask = (): Promise<unknown> => rpc.call('heard', {});

    const insistSession = (): SessionId => {
      if (session === undefined || !sessions.has(session)) {
        throw new CooperageError(
          'SESSION_CLOSED',
          'Open a session first: references belong to one',
        );
      }
      return session;
    };

    const closeSession = (reason: string): void => {
      if (session !== undefined) {
        sessions.end(session, reason);
        session = undefined;
        pump();
      }
    };

    const openSession = (): SessionId => {
      closeSession('the client opened another session');
      sessions.insistRoom();
      const opened = sessions.open(label, {
        deliver: (number, delivery, seen) =>
          tell('deliver', { number, delivery, seen }),
        ended: ({ code, message }) => {
          if (session === opened) {
            session = undefined;
          }
          tell('sessionEnded', { code, reason: message });
        },
      });
      session = opened;
      return opened;
    };

    const methods: Methods = {
      status: committedStatus,
      subscribe: params => {
        unwatch();
        const listener = makeNewsWindow({ tell, ask });
        unwatch = watch(listener, fieldsOf(params)['trace'] === true);
        return committedStatus();
      },
      start: () => {
        throw badRequest('The kernel runs already');
      },
      launch: async params => launches.launch(fieldsOf(params)['config'], pump),
      terminate: order(clusters.terminate),
      restart: order(clusters.restart),
      upgrade: params => {
        const { id } = clusters.vatByName(...parseOrder(params));
        return upgrades.upgrade(id, parseUpgrade(params));
      },
      resume: order(clusters.resume),
      suspend: order(clusters.suspend),
      pause: orderOrAll(clusters.pause, pausing.pause),
      unpause: orderOrAll(clusters.unpause, pausing.unpause),
      step: pausing.step,
      collect: async () => afterCommit(await collect()),
      sessionOpen: () => afterCommit({ session: openSession() }),
      sessionClose: () => {
        closeSession('the client closed it');
        return afterCommit(null);
      },
      reference: params => {
        const { kref, iface } = naming.krefOf(parseReference(params));
        const vref = sessions.introduce(insistSession(), kref);
        return afterCommit({ vref, iface });
      },
      keep: params => {
        const fields = fieldsOf(params);
        const vref = fields['vref'];
        const kref = isVref(vref)
          ? state.clistByVref.get(insistSession(), vref)?.kref
          : undefined;
        if (kref === undefined || isPromiseKref(kref)) {
          throw badRequest(
            `This session has no object ${showValue(vref)} to keep`,
          );
        }
        clusters.keep(textOf(fields, 'name'), kref);
        return afterCommit(null);
      },
      forget: params => {
        clusters.forget(textOf(fieldsOf(params), 'name'));
        return afterCommit(null);
      },
      inspect: params => look(() => inspector.inspect(params, insistSession)),
      mark: () => inspector.mark(),
      grownSince: params => look(() => inspector.grownSince(params)),
      cycles: () => look(inspector.cycles),
      ...makeBundleMethods(kept, { afterCommit, look }),
      ...makeArchiveMethods(archive, check),
      erase: () => {
        launches.abortAll(
          new CooperageError('LAUNCH_FAILED', 'Everything was erased'),
        );
        clusters.erase();
        kept.erase();
        return afterCommit(null);
      },
    };

    /** When the kernel itself is at fault it stops, and the client hears why. */
    const call = async (
      name: string,
      method: (params: unknown) => unknown,
      params: unknown,
    ): Promise<unknown> => {
      if (insistPrivilege(privilege, name) === 'read') {
        return method(params);
      }
      phase.insistRunning();
      try {
        const answer = method(params);
        pump(); // before the answer is waited for: so one commit does
        return await answer;
      } catch (problem) {
        if (isKernelFault(name, problem)) {
          guard(() => {
            throw problem;
          });
          phase.insistRunning();
        }
        throw problem;
      }
    };

    const rpc: Rpc = makeRpc(stream, {
      label,
      maxBytes: MAX_FRAME_BYTES,
      onAnswer: makeUnreadAnswers(ask),
      methods: Object.fromEntries(
        Object.entries(methods).map(([name, method]) => [
          name,
          (params: unknown) => call(name, method, params),
        ]),
      ),
      onNotify: (method, params) => {
        if (method !== 'syscalls') {
          throw badRequest(`There is no notification ${method}`);
        }
        const opened = session;
        if (opened !== undefined) {
          guard(() => {
            sessions.receive(opened, params);
            pump();
          });
        }
      },
      onClose: () => {
        isGone = true;
        unwatch();
        guard(() => closeSession('the client is gone'));
      },
    });
  };

  return { serve };
};
harden(makeClientServer);
