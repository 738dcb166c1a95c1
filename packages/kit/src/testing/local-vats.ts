import type { VatLauncher, VatPort } from '@cooperage/kernel';
import type { FromVat, ToVat } from '@cooperage/protocol';
import { makeStreamPair } from '@cooperage/streams/stream-pair';
import { startSupervisor } from '@cooperage/vat-supervisor/supervisor';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';

setFlagsFromString('--expose-gc');
const gc = runInNewContext('gc') as () => void;

const turn = (): Promise<void> =>
  new Promise(resolve => void setImmediate(resolve));

/** V8 runs the finalizers of one registry in a task; each vat has one, the dead ones too. */
const TASKS = 50;

/** Of all vats that are reaped at once, one collection is enough: they share a heap. */
const makeSharedCollector = () => {
  let next: Promise<void> | undefined;
  const collect = async (): Promise<void> => {
    await turn(); // others come to it, and what a turn has touched is let go of
    next = undefined;
    gc();
    for (let task = 0; task < TASKS; task += 1) {
      await turn();
    }
  };
  return async (): Promise<boolean> => {
    next ??= collect();
    await next;
    return true;
  };
};

/**
 * Vats in this realm: real supervisors and liveslots without workers, which take
 * a hundred times as long to start. Import `@cooperage/vat-supervisor/testing/lockdown`
 * before all else. Nothing guards the realm from the vats' code, and one that
 * never yields is never ended.
 */
export const makeLocalVats = (): VatLauncher => {
  const collectGarbage = makeSharedCollector();
  return Object.freeze({
    launch: async (_vat, label) => {
      const pair = makeStreamPair<FromVat, ToVat>({ label });
      startSupervisor({
        stream: pair.right,
        collectGarbage,
        onUnhandledRejection: () => {},
        survivingGlobals: [],
      });
      let isKilled = false;
      const port: VatPort = {
        send: (message, transfer) => {
          if (!isKilled) {
            pair.left.send(message, transfer);
          }
        },
        receive: (onMessage, onLost) =>
          pair.left.receive(
            message => {
              if (!isKilled) {
                onMessage(message);
              }
            },
            reason => {
              if (!isKilled) {
                onLost(reason?.message ?? 'the wire was cut');
              }
            },
          ),
        // Whatever is left of it is let go of, and nobody listens to it.
        kill: () => {
          isKilled = true;
        },
      };
      return Object.freeze(port);
    },
  } satisfies VatLauncher);
};
