import {
  CooperageError,
  sessionImportOf,
  type ControlMethods,
  type Kref,
  type ReferenceRequest,
  type SessionId,
  type Vref,
} from '@cooperage/protocol';
import harden from '@endo/harden';
import type { Connect, Observers, Rpc } from './connection.ts';
import { makeEndpoint } from './endpoint.ts';
import { parseNotification, wordsOfEnd } from './notification.ts';
import {
  makeReadable,
  makeSessionClosed,
  messageOf,
} from './readable-error.ts';

/** One session with the kernel, from its opening to its end; it is never opened again. */
export type Session = {
  readonly id: SessionId;
  /** Calls a control method. Rejects with a readable error that has a code. */
  call<Name extends keyof ControlMethods>(
    method: Name,
    params: ControlMethods[Name]['params'],
  ): Promise<ControlMethods[Name]['result']>;
  /** The presence of an object. Rejects with OBJECT_UNKNOWN, CLUSTER_UNKNOWN or VAT_UNKNOWN. */
  reference(request: ReferenceRequest): Promise<object>;
  /** The vref of a presence of this session, or of an object that was sent in it. */
  vrefOf(value: object): Vref | undefined;
  /** The presence that this session has of the object; undefined when it has none, and none is made. */
  presenceOf(kref: Kref): object | undefined;
  /** Why the session has ended; undefined while it lives. */
  reasonOfEnd(): CooperageError | undefined;
  /** Ends the session and its connection. */
  close(): void;
};

/**
 * Opens a connection and a session on it. Rejects with KERNEL_UNREACHABLE when
 * `connect` fails, otherwise with what the kernel answers.
 *
 * When the session ends, what is pending rejects with SESSION_CLOSED, and so
 * does every later use of its presences.
 */
export const openSession = async (
  options: { connect: Connect } & Observers,
): Promise<Session> => {
  const { connect, onState, onLog, onEnd } = options;
  let rpc: Rpc | undefined;
  let ended: CooperageError | undefined;

  const end = (why: string): void => {
    if (ended === undefined) {
      ended = makeSessionClosed(why);
      endpoint.end(ended);
      rpc?.close();
      onEnd?.(ended);
    }
  };

  const endpoint = makeEndpoint({
    post: batch => {
      try {
        rpc?.notify('syscalls', batch);
      } catch (problem) {
        // The batch is lost, and with it answers that somebody waits for.
        end(`a batch could not be sent: ${messageOf(problem)}`);
      }
    },
  });

  const onNotify = (name: string, params: unknown): void => {
    const notification = parseNotification(name, params);
    switch (notification.name) {
      case 'deliver':
        return endpoint.deliver(notification.params);
      case 'state':
        return onState?.(notification.params);
      case 'log':
        return onLog?.(notification.params.entries);
      case 'sessionEnded':
        return end(
          wordsOfEnd(notification.params.code, notification.params.reason),
        );
    }
  };

  try {
    rpc = await connect(onNotify);
  } catch (problem) {
    throw new CooperageError(
      'KERNEL_UNREACHABLE',
      `the kernel can't be reached: ${messageOf(problem)}; try again, or look at the popup for its state`,
    );
  }
  const connection = rpc;
  void connection.closed.then(
    reason =>
      end(
        reason === undefined
          ? 'the connection to the kernel was closed'
          : messageOf(reason),
      ),
    problem => end(messageOf(problem)),
  );

  const call = async <Name extends keyof ControlMethods>(
    method: Name,
    params: ControlMethods[Name]['params'],
  ): Promise<ControlMethods[Name]['result']> => {
    if (ended !== undefined) {
      throw ended;
    }
    try {
      const result = await connection.call(method, params);
      return harden(result as ControlMethods[Name]['result']);
    } catch (problem) {
      throw harden(makeReadable(problem));
    }
  };

  const { session: id } = await call('sessionOpen', {});

  return harden({
    id,
    call,
    reference: async (request: ReferenceRequest) => {
      // The answer is no delivery, so `seen` does not cover it: a drop of the
      // same object that is sent meanwhile would take away what the answer gives.
      const releaseDrops = endpoint.holdDrops();
      try {
        const { vref, iface } = await call('reference', request);
        return endpoint.importObject(vref, iface);
      } finally {
        releaseDrops();
      }
    },
    vrefOf: endpoint.vrefOf,
    presenceOf: (kref: Kref) => {
      const vref = sessionImportOf(kref);
      return vref && endpoint.valueOf(vref);
    },
    reasonOfEnd: () => ended,
    close: () => end('it was closed here'),
  });
};
harden(openSession);
