import harden from '@endo/harden';
import {
  CooperageError,
  isPromiseKref,
  isVref,
  METHOD_PRIVILEGE,
  PRIVILEGES,
  showValue,
  type ReferenceRequest,
  type ControlMethods,
  type KernelNotifications,
  type Kref,
  type Privilege,
  type SessionId,
} from '@cooperage/protocol';
import {
  makeRpc,
  StreamError,
  type DuplexStream,
  type Rpc,
} from '@cooperage/streams';
import type { Clusters } from './clusters.ts';
import type { Launches } from './launch.ts';
import type { NewsListener } from './news.ts';
import type { Outputs } from './outputs.ts';
import type { Pausing } from './pausing.ts';
import type { Phase } from './phase.ts';
import {
  badRequest,
  fieldsOf,
  optionalTextOf,
  parseReference,
  textOf,
} from './requests.ts';
import type { Sessions } from './sessions.ts';
import type { State } from './store/state.ts';

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
const isKernelFault = (name: keyof ControlMethods, problem: unknown): boolean =>
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
    sessions,
    outputs,
    status,
    watch,
    pausing,
    phase,
    pump,
  }: {
    pausing: Pausing;
    clusters: Clusters;
    launches: Launches;
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

  /** Interfaces travel in bodies, which the kernel does not read: it calls an object by the name that people know it by. */
  const labelOf = (kref: Kref): string => {
    const vat = [...state.vats.values()].find(row => row.root === kref);
    const kept = [...state.home.values()].find(row => row.kref === kref);
    return vat?.name ?? kept?.name ?? 'object';
  };

  const krefOf = (request: ReferenceRequest): { kref: Kref; iface: string } => {
    if ('kref' in request) {
      if (!state.objects.has(request.kref)) {
        throw new CooperageError(
          'OBJECT_UNKNOWN',
          `There is no object ${request.kref}`,
        );
      }
      return {
        kref: request.kref,
        iface: `Alleged: ${labelOf(request.kref)}`,
      };
    }
    if ('home' in request) {
      const row = state.home.get(request.home);
      if (!row) {
        throw new CooperageError(
          'OBJECT_UNKNOWN',
          `Nothing is kept under the name ${JSON.stringify(request.home)}`,
        );
      }
      return { kref: row.kref, iface: `Alleged: ${request.home}` };
    }
    const vat = clusters.vatByName(request.cluster, request.vat);
    return { kref: vat.root, iface: `Alleged: ${vat.name}` };
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
      status: () => status(),
      subscribe: params => {
        unwatch();
        unwatch = watch(tell, fieldsOf(params)['trace'] === true);
        return status();
      },
      launch: async params => launches.launch(fieldsOf(params)['config'], pump),
      terminate: params => {
        clusters.terminate(textOf(fieldsOf(params), 'cluster'));
        return afterCommit(null);
      },
      restart: params => {
        const fields = fieldsOf(params);
        clusters.restart(
          textOf(fields, 'cluster'),
          optionalTextOf(fields, 'vat'),
        );
        return afterCommit(null);
      },
      resume: params => {
        const fields = fieldsOf(params);
        clusters.resume(
          textOf(fields, 'cluster'),
          optionalTextOf(fields, 'vat'),
        );
        return afterCommit(null);
      },
      pause: () => {
        pausing.pause();
        return null;
      },
      unpause: () => {
        pausing.unpause();
        return null;
      },
      step: pausing.step,
      sessionOpen: () => afterCommit({ session: openSession() }),
      sessionClose: () => {
        closeSession('the client closed it');
        return afterCommit(null);
      },
      reference: params => {
        const { kref, iface } = krefOf(parseReference(params));
        const vref = sessions.introduce(insistSession(), kref);
        return afterCommit({ vref, iface });
      },
      keep: params => {
        const fields = fieldsOf(params);
        const vref = fields['vref'];
        const kref = isVref(vref)
          ? state.clistByVref.get(`${insistSession()} ${vref}`)?.kref
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
      erase: () => {
        launches.abortAll(
          new CooperageError('LAUNCH_FAILED', 'Everything was erased'),
        );
        clusters.erase();
        return afterCommit(null);
      },
    };

    const insistPrivilege = (name: keyof ControlMethods): void => {
      const needed = METHOD_PRIVILEGE[name];
      if (PRIVILEGES.indexOf(privilege) < PRIVILEGES.indexOf(needed)) {
        throw new CooperageError(
          'NOT_ALLOWED',
          `${name} needs the privilege ${needed}; this client has ${privilege}`,
        );
      }
    };

    /** When the kernel itself is at fault it stops, and the client hears why. */
    const call = async (
      name: keyof ControlMethods,
      params: unknown,
    ): Promise<unknown> => {
      insistPrivilege(name);
      if (METHOD_PRIVILEGE[name] === 'read') {
        return methods[name](params);
      }
      phase.insistRunning();
      try {
        const answer = methods[name](params);
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
      methods: {
        status: params => call('status', params),
        subscribe: params => call('subscribe', params),
        launch: params => call('launch', params),
        terminate: params => call('terminate', params),
        restart: params => call('restart', params),
        resume: params => call('resume', params),
        pause: params => call('pause', params),
        unpause: params => call('unpause', params),
        step: params => call('step', params),
        sessionOpen: params => call('sessionOpen', params),
        sessionClose: params => call('sessionClose', params),
        reference: params => call('reference', params),
        keep: params => call('keep', params),
        forget: params => call('forget', params),
        erase: params => call('erase', params),
      },
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
