import type { VatLauncher, VatPort } from '@cooperage/kernel';
import type { ToVat, VatId } from '@cooperage/protocol';
import { makeMessagePortStream } from '@cooperage/streams';
import type { FromKernelWorker, LaunchNumber } from '../control-words.ts';

type TellLoss = (reason: string, what: 'worker' | 'host') => void;
type Post = (word: FromKernelWorker, transfer?: Transferable[]) => void;

/** A loss of the vats' host is known so many milliseconds after it at the latest, if somebody waits for a vat. */
const LOOK_MILLISECONDS = 250;

/** Calls back every so many milliseconds until the returned function is called. */
type Every = (milliseconds: number, callback: () => void) => () => void;

/** Has the offscreen document look after the vats' host as long as any vat owes an answer; nothing beats while none does. */
const makeWatch = (post: Post, every: Every) => {
  const owing = new Set<LaunchNumber>();
  let stop: (() => void) | undefined;
  const look = (): void => {
    if (owing.size > 0) {
      post({ type: 'look' });
    } else {
      stop?.();
      stop = undefined;
    }
  };
  return Object.freeze({
    owes: (launch: LaunchNumber): void => {
      owing.add(launch);
      stop ??= every(LOOK_MILLISECONDS, look);
    },
    owesNothing: (launch: LaunchNumber): void => void owing.delete(launch),
  });
};

/** What a worker says while it still owes the answer. */
const isProgress = (message: unknown): boolean => {
  const { type } = Object(message);
  return type === 'hello' || type === 'log';
};

/**
 * Launches vats through the offscreen document. The port is made here and its
 * other end sent along, so that a launch needs no answer.
 */
export const makeVatLauncher = (post: Post, every: Every) => {
  const watch = makeWatch(post, every);
  const losses = new Map<LaunchNumber, TellLoss>();
  let launches = 0;

  const launch = async (vat: VatId): Promise<VatPort> => {
    launches += 1;
    const number = launches;
    const { port1, port2 } = new MessageChannel();
    const stream = makeMessagePortStream<unknown, ToVat>(port1, {
      label: `vat ${vat}`,
    });
    let isOver = false;
    let tellLoss: TellLoss | undefined;
    let lossBefore: Parameters<TellLoss> | undefined;

    const end = (): void => {
      isOver = true;
      losses.delete(number);
      watch.owesNothing(number);
      stream.close();
      post({ type: 'kill', launch: number });
    };
    const lose: TellLoss = (reason, what) => {
      if (!isOver) {
        end();
        lossBefore = [reason, what];
        tellLoss?.(reason, what);
      }
    };
    losses.set(number, lose);
    watch.owes(number);
    post({ type: 'launch', launch: number, port: port2 }, [port2]);

    return Object.freeze({
      send: (message: ToVat, transfer?: readonly ArrayBuffer[]) => {
        if (!isOver) {
          watch.owes(number);
          stream.send(message, transfer);
          stream.flush(); // the vat begins while the kernel goes on
        }
      },
      receive: (onMessage: (message: unknown) => void, onLost: TellLoss) => {
        if (lossBefore !== undefined) {
          onLost(...lossBefore);
          return;
        }
        tellLoss = onLost;
        stream.receive(
          message => {
            if (isOver) {
              return;
            }
            if (!isProgress(message)) {
              watch.owesNothing(number);
            }
            onMessage(message);
          },
          reason => lose(reason?.message ?? 'it closed its port', 'worker'),
        );
      },
      kill: () => {
        if (!isOver) {
          end();
        }
      },
    });
  };

  return Object.freeze({
    launcher: Object.freeze({ launch }) satisfies VatLauncher,
    /** The offscreen document knows that a worker is gone. */
    lost: (number: LaunchNumber, ...loss: Parameters<TellLoss>): void =>
      losses.get(number)?.(...loss),
  });
};
