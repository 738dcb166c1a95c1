/**
 * Reminders that outlive the worker: a note is kept in the baggage, the timer
 * tells a durable clerk when its time has come, and a guest gets a way in that
 * can be taken back.
 */
import {
  prepareExo,
  provide,
  provideDurableMapStore,
  type Baggage,
} from '@agoric/vat-data';
import { makeExo } from '@endo/exo';
import { E } from '@endo/far';
import { M } from '@endo/patterns';

type Timer = {
  now(): number;
  delay(milliseconds: number): number;
  wakeAt(time: number, handler: object): object;
};
type Revocation = {
  makeRevocable(target: object): { ref: object; revoker: object };
};
type Revoker = { revoke(): void };
type Log = { log(...things: unknown[]): void };
type Services = { timer: Timer; revocation: Revocation; console: Log };

const ClerkI = M.interface('Clerk', {
  wake: M.call(M.number()).returns(),
});
const RemindersI = M.interface('Reminders', {
  bootstrap: M.call(M.record(), M.record()).returns(),
  remind: M.callWhen(M.string(), M.number()).returns(M.number()),
  listDue: M.call().returns(M.arrayOf(M.string())),
  listWaiting: M.call().returns(M.arrayOf(M.string())),
  whenDue: M.callWhen(M.number()).returns(M.number()),
  invite: M.callWhen().returns(M.remotable()),
  dismiss: M.callWhen().returns(),
});

export const buildRootObject = (
  _vatPowers: unknown,
  _parameters: unknown,
  baggage: Baggage,
) => {
  const waiting = provideDurableMapStore<string, number>(baggage, 'waiting');
  provide(baggage, 'due', () => harden([] as string[]));
  const serviceNamed = <Name extends keyof Services>(
    name: Name,
  ): Services[Name] => baggage.get(name) as Services[Name];
  const listDue = () => baggage.get('due') as string[];

  const clerk = prepareExo(baggage, 'Clerk', ClerkI, {
    /** All whose time has come are due; a late clerk misses none. */
    wake(time: number) {
      for (const [text, at] of [...waiting.entries()]) {
        if (at <= time) {
          waiting.delete(text);
          baggage.set('due', harden([...listDue(), text]));
          void E(serviceNamed('console')).log('due:', text);
        }
      }
    },
  });

  const guestDoor = prepareExo(baggage, 'GuestDoor', undefined, {
    listDue,
  });

  return makeExo('Reminders', RemindersI, {
    bootstrap(_vats: unknown, services: Services) {
      baggage.init('timer', services.timer);
      baggage.init('revocation', services.revocation);
      baggage.init('console', services.console);
    },
    /** Keeps the text, and gives the time at which it will be due. */
    async remind(text: string, milliseconds: number) {
      const timer = serviceNamed('timer');
      const time = (await E(timer).now()) + milliseconds;
      waiting.init(text, time);
      await E(timer).wakeAt(time, clerk);
      return time;
    },
    listDue,
    listWaiting() {
      return harden([...waiting.keys()]);
    },
    /** Answers when that many milliseconds have gone by. */
    whenDue(milliseconds: number) {
      return E(serviceNamed('timer')).delay(milliseconds);
    },
    /** A door for a guest, who may read what is due until dismissed. */
    async invite() {
      const { ref, revoker } = await E(
        serviceNamed('revocation'),
      ).makeRevocable(guestDoor);
      if (baggage.has('revoker')) {
        baggage.set('revoker', revoker);
      } else {
        baggage.init('revoker', revoker);
      }
      return ref;
    },
    async dismiss() {
      await E(baggage.get('revoker') as Revoker).revoke();
    },
  });
};
