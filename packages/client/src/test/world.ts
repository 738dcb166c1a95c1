/** Clients joined by a loopback kernel, each over an RPC on a stream in memory. */
import type { Kref } from '@cooperage/protocol';
import { makeRpc, type RpcMethod } from '@cooperage/streams';
import { makeStreamPair } from '@cooperage/streams/stream-pair';
import { E } from '@endo/eventual-send';
import { makeLoopbackKernel, type LoopbackSession } from './loopback-kernel.ts';
import type { OnNotify, Rpc } from '../connection.ts';
import { openSession, type Session } from '../session.ts';

/** An object of another client, whatever its methods. */
export type Remote = Record<string, (...args: unknown[]) => Promise<unknown>>;

export type Client = {
  readonly session: Session;
  readonly kernelSide: LoopbackSession;
  readonly pair: ReturnType<typeof makeStreamPair>;
  /** An object of the kernel's own that answers a message with the message. */
  readonly echo: Remote;
  /** The kernel ends the session. */
  end(reason: string): void;
};

export const makeWorld = () => {
  const kernel = makeLoopbackKernel();

  /** A connection to the kernel; `control` adds methods. */
  const makeConnection = (control: Record<string, RpcMethod> = {}) => {
    const pair = makeStreamPair();
    let kernelSide: LoopbackSession | undefined;
    const rpc = makeRpc(pair.right, {
      methods: {
        sessionOpen: () => {
          kernelSide = kernel.openSession(params =>
            rpc.notify('deliver', params),
          );
          return { session: 's1' };
        },
        reference: params => ({
          vref: kernelSide?.reference((params as { kref: Kref }).kref),
          iface: 'Alleged: thing',
        }),
        ...control,
      },
      onNotify: (_method, params) =>
        kernelSide?.syscalls(
          params as Parameters<LoopbackSession['syscalls']>[0],
        ),
    });
    return {
      pair,
      notify: rpc.notify,
      kernelSide: () => kernelSide!,
      connect: async (onNotify: OnNotify): Promise<Rpc> =>
        makeRpc(pair.left, { onNotify }),
    };
  };

  const addClient = async (): Promise<Client> => {
    const { pair, notify, kernelSide, connect } = makeConnection();
    const session = await openSession({ connect });
    const echo = await session.reference({ kref: kernel.echo });
    return {
      session,
      kernelSide: kernelSide(),
      pair,
      echo: echo as Remote,
      end: reason => notify('sessionEnded', { code: 'KERNEL_STOPPED', reason }),
    };
  };

  /** Gives `to` a presence of an object of `from`. */
  const introduce = async (
    from: Client,
    to: Client,
    object: object,
  ): Promise<Remote> => {
    await E(from.echo).hold!(object);
    const presence = await to.session.reference({
      kref: kernel.echoed()[0]!,
    });
    return presence as Remote;
  };

  /** Two clients; the second holds a presence of an object of the first. */
  const joinTwo = async (object: object) => {
    const near = await addClient();
    const far = await addClient();
    return { near, far, remote: await introduce(near, far, object) };
  };

  return { addClient, introduce, joinTwo, kernel, makeConnection };
};
