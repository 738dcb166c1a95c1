/** A kernel in memory for the panel's tests and its dev page: it keeps no rules, it answers. Not shipped. */
import {
  makeSessionId,
  krefOfSessionImport,
  makeImportVref,
  parseKref,
  type CapData,
  type ClientNotifications,
  type ControlMethods,
  type KernelNotifications,
  type KernelStatus,
  type Kref,
  type Message,
  type Syscall,
  type Vref,
} from '@cooperage/protocol';
import { makeRpc, type DuplexStream } from '@cooperage/streams';
import { makeStreamPair } from '@cooperage/streams/stream-pair';

export const emptyStatus: KernelStatus = {
  state: 'running',
  version: 1,
  clusters: [],
  launches: [],
  home: [],
  sessions: 1,
  cranks: 0,
  commits: 0,
  sql: { statements: 0, rows: 0, bytes: 0 },
};

type Answers = {
  readonly [Method in keyof ControlMethods]?: (
    params: ControlMethods[Method]['params'],
  ) => Promise<ControlMethods[Method]['result']>;
};

export type FakeKernel = {
  /** To be given to the panel; rejects while the kernel is `unreachable`. */
  connect(): Promise<DuplexStream<unknown, unknown>>;
  setStatus(change: Partial<KernelStatus>): void;
  log: (entries: KernelNotifications['log']['entries']) => void;
  deliver(delivery: KernelNotifications['deliver']['delivery']): void;
  endSession(reason: string): void;
  /** Cuts all connections, and refuses new ones for this reason until it is undefined. */
  setUnreachable(reason: string | undefined): void;
  /** All calls in order, as `[method, params]`. */
  readonly calls: readonly (readonly [string, unknown])[];
  /** Every batch of syscalls that arrived. */
  readonly batches: readonly ClientNotifications['syscalls'][];
};

/** `onSend` plays the objects: what it gives becomes the result of the message. */
export const makeFakeKernel = (
  options: {
    readonly status?: Partial<KernelStatus>;
    readonly answers?: Answers;
    readonly onSend?: (
      target: Kref,
      message: Message,
    ) => { readonly isRejected: boolean; readonly data: CapData } | undefined;
  } = {},
): FakeKernel => {
  let status: KernelStatus = { ...emptyStatus, ...options.status };
  let unreachable: string | undefined;
  let delivered = 0;
  let cutAll: (() => void)[] = [];
  let notifyAll: ((name: string, params: unknown) => void)[] = [];
  const calls: (readonly [string, unknown])[] = [];
  const batches: ClientNotifications['syscalls'][] = [];

  const tell = <Name extends keyof KernelNotifications>(
    name: Name,
    params: KernelNotifications[Name],
  ): void => notifyAll.forEach(notify => notify(name, params));
  const deliver: FakeKernel['deliver'] = delivery => {
    delivered += 1;
    tell('deliver', { number: delivered, delivery, seen: batches.length });
  };
  const setStatus: FakeKernel['setStatus'] = change => {
    status = { ...status, ...change };
    tell('state', status);
  };
  const krefOf = (
    request: ControlMethods['reference']['params'],
  ): Kref | null | undefined => {
    if ('kref' in request) {
      return request.kref;
    }
    if ('home' in request) {
      return status.home.find(({ name }) => name === request.home)?.kref;
    }
    const cluster = status.clusters.find(
      ({ name }) => name === request.cluster,
    );
    const vat = request.vat ?? cluster?.bootstrap;
    return cluster?.vats.find(({ name }) => name === vat)?.root;
  };
  const answers: Required<Answers> = {
    status: async () => status,
    subscribe: async () => status,
    start: async () => null,
    launch: async () =>
      Promise.reject(new Error('this kernel launches nothing')),
    terminate: async () => null,
    restart: async () => null,
    upgrade: async () => ({ incarnation: 2 }),
    resume: async () => null,
    suspend: async () => null,
    pause: async () => null,
    unpause: async () => null,
    step: async () => ({ vat: null }),
    collect: async () => ({ objects: 0, promises: 0, references: 0 }),
    sessionOpen: async () => ({ session: makeSessionId(1) }),
    sessionClose: async () => null,
    reference: async request => {
      const parts = parseKref(krefOf(request));
      if (!parts) {
        throw new Error('there is no such object');
      }
      return { vref: makeImportVref(parts.kind, parts.index), iface: '' };
    },
    keep: async ({ name, vref }) => {
      const kref = krefOfSessionImport(vref);
      if (kref !== undefined) {
        setStatus({ home: [...status.home, { name, kref }] });
      }
      return null;
    },
    forget: async ({ name }) => {
      setStatus({ home: status.home.filter(kept => kept.name !== name) });
      return null;
    },
    inspect: async () => Promise.reject(new Error('there is no such object')),
    mark: async () => ({ mark: 'm1' }),
    grownSince: async () =>
      Promise.reject(new Error('this kernel counts nothing')),
    storeBundle: async () => ({ hash: '0'.repeat(128) }),
    bundles: async () => [],
    forgetBundle: async () => null,
    cycles: async () => ({ cycles: { items: [], leftOut: 0 }, unseen: 0 }),
    backup: async () => ({ name: 'monday.cooperage', files: 2, bytes: 40_960 }),
    restore: async () => null,
    check: async () => ({ files: 3, bytes: 61_440, damaged: [] }),
    erase: async () => {
      setStatus({ clusters: [], home: [], launches: [] });
      return null;
    },
    ...options.answers,
  };
  const perform = (syscall: Syscall): void => {
    if (syscall[0] !== 'send') {
      return;
    }
    const [, target, message] = syscall;
    const kref = krefOfSessionImport(target);
    const answer = kref && options.onSend?.(kref, message);
    if (answer && message.result) {
      deliver([
        'notify',
        [[message.result as Vref, answer.isRejected, answer.data]],
      ]);
    }
  };

  return {
    connect: async () => {
      if (unreachable !== undefined) {
        throw new Error(unreachable);
      }
      const pair = makeStreamPair();
      const methods = Object.fromEntries(
        Object.entries(answers).map(([name, answer]) => [
          name,
          (params: unknown) => {
            calls.push([name, params]);
            return (answer as (params: unknown) => Promise<unknown>)(params);
          },
        ]),
      );
      const rpc = makeRpc(pair.right, {
        methods,
        onNotify: (_name, params) => {
          const batch = params as ClientNotifications['syscalls'];
          batches.push(batch);
          batch.syscalls.forEach(perform);
        },
      });
      cutAll.push(pair.cut);
      notifyAll.push(rpc.notify);
      return pair.left;
    },
    setStatus,
    log: entries => tell('log', { entries }),
    deliver,
    endSession: reason =>
      tell('sessionEnded', { code: 'SESSION_CLOSED', reason }),
    setUnreachable: reason => {
      unreachable = reason;
      const cuts = cutAll;
      cutAll = [];
      notifyAll = [];
      cuts.forEach(cut => cut());
    },
    calls,
    batches,
  };
};
