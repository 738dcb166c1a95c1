import type { VatLauncher, VatPort } from '@cooperage/kernel';
import type { ToVat, VatId } from '@cooperage/protocol';
import { makeMessagePortStream } from '@cooperage/streams';
import type { FromKernelWorker, LaunchNumber } from '../control-words.ts';

type TellLoss = (reason: string, what: 'worker' | 'host') => void;
type Post = (word: FromKernelWorker, transfer?: Transferable[]) => void;

/**
 * Launches vats through the offscreen document. The port is made here and its
 * other end sent along, so that a launch needs no answer.
 */
export const makeVatLauncher = (post: Post) => {
  const losses = new Map<LaunchNumber, TellLoss>();
  let launches = 0;

  const launch = async (vat: VatId, label: string): Promise<VatPort> => {
    launches += 1;
    const number = launches;
    const { port1, port2 } = new MessageChannel();
    const stream = makeMessagePortStream<unknown, ToVat>(port1, {
      label: `vat ${vat}`,
    });
    let isOver = false;
    let tellLoss: TellLoss | undefined;
    let lossBefore: Parameters<TellLoss> | undefined;

    const lose: TellLoss = (reason, what) => {
      if (!isOver) {
        isOver = true;
        losses.delete(number);
        post({ type: 'kill', launch: number });
        stream.close();
        lossBefore = [reason, what];
        tellLoss?.(reason, what);
      }
    };
    losses.set(number, lose);
    post({ type: 'launch', launch: number, label, port: port2 }, [port2]);

    return Object.freeze({
      send: (message: ToVat, transfer?: readonly ArrayBuffer[]) => {
        if (!isOver) {
          stream.send(message, transfer);
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
            if (!isOver) {
              onMessage(message);
            }
          },
          reason => lose(reason?.message ?? 'it closed its port', 'worker'),
        );
      },
      kill: () => {
        if (!isOver) {
          isOver = true;
          losses.delete(number);
          stream.close();
          post({ type: 'kill', launch: number });
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
