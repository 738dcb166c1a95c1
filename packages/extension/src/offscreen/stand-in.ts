import {
  CooperageError,
  makeRestingStatus,
  METHOD_PRIVILEGE,
  PRIVILEGES,
  PROTOCOL_VERSION,
  type KernelStatus,
  type Privilege,
} from '@cooperage/protocol';
import {
  makeHandshake,
  makeMessagePortStream,
  makeRpc,
  makeUnreadAnswers,
  type Rpc,
} from '@cooperage/streams';
import type { StorageOrder } from '../storage-words.ts';
import type { Client } from './clients.ts';
import type { StorageOrders } from './storage-orders.ts';

const HELLO_MILLISECONDS = 10_000;

/** What a person may have done while no kernel runs. */
export type StandInPowers = {
  readonly startKernel: () => void;
  readonly storage: StorageOrders;
};

/**
 * Answers a client in the kernel's place: `status` with how things are, `start` by
 * starting the kernel, `backup`, `restore` and `erase` by seeing to the files,
 * everything else with the reason why not.
 */
export const serveInstead = (
  { client, port, privilege }: Pick<Client, 'client' | 'port' | 'privilege'>,
  now: Pick<KernelStatus, 'state' | 'reason'>,
  { startKernel, storage }: StandInPowers,
): void => {
  const status = makeRestingStatus(now);
  const insistMay = (method: string, needed: Privilege): void => {
    if (PRIVILEGES.indexOf(privilege) < PRIVILEGES.indexOf(needed)) {
      throw new CooperageError(
        'NOT_ALLOWED',
        `${method} needs the privilege ${needed}; this client has ${privilege}`,
      );
    }
  };
  /** A kernel over files that are just being replaced would go on with the old ones. */
  const startWhenDone = (): void => {
    // All clients are sent away then; this one shall hear the answer before.
    setTimeout(() => void storage.whenDone().then(startKernel));
  };
  const start = (): null => {
    startWhenDone();
    return null;
  };
  const backup = (): Promise<unknown> => storage.order({ type: 'copy' });
  /** Once something else is stored, there is no reason to rest. */
  const replaceBy = async (order: StorageOrder): Promise<null> => {
    await storage.order(order);
    startWhenDone();
    return null;
  };
  const restore = (params: unknown): Promise<null> =>
    replaceBy({ type: 'restore', name: String(Object(params).name) });
  const erase = (): Promise<null> => replaceBy({ type: 'erase' });
  const refuse = (): never => {
    throw new CooperageError(
      'KERNEL_FAILED',
      `The kernel does not run (${now.state}): ${now.reason ?? 'no reason given'}`,
    );
  };
  const methods: Readonly<Record<string, (params: unknown) => unknown>> = {
    status: () => status,
    subscribe: () => status,
    start,
    backup,
    restore,
    erase,
  };
  const stream = makeMessagePortStream(port, { label: 'stand-in' });
  makeHandshake(stream, {
    version: PROTOCOL_VERSION,
    nonce: client,
    signal: AbortSignal.timeout(HELLO_MILLISECONDS),
  }).then(
    () => {
      const rpc: Rpc = makeRpc(stream, {
        label: 'stand-in',
        onAnswer: makeUnreadAnswers(() => rpc.call('heard', {})),
        methods: Object.fromEntries(
          Object.entries(METHOD_PRIVILEGE).map(([name, needed]) => [
            name,
            (params: unknown) => {
              insistMay(name, needed);
              return (methods[name] ?? refuse)(params);
            },
          ]),
        ),
        // What a client tells its session has nobody to hear it.
        onNotify: () => {},
      });
    },
    // The handshake has closed the stream with the reason; the client has it.
    () => {},
  );
};
