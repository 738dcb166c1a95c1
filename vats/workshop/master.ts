/**
 * The master of a workshop, who takes apprentices: vats with code that is not
 * trusted with more than a bench, which the master can take away, look at, and end.
 */
import {
  prepareExo,
  prepareExoClass,
  provide,
  provideDurableMapStore,
  watchPromise,
  type Baggage,
} from '@agoric/vat-data';
import { makeExo } from '@endo/exo';
import { E } from '@endo/far';

type Apprentice = { make(piece: string): number };
type Node = {
  done(): unknown;
  terminate(reason?: unknown): void;
  suspend(reason?: string): void;
  resume(): void;
  stats(): object;
};
type Made = { readonly root: Apprentice; readonly node: Node };
type VatAdmin = {
  createVat(
    bundle: string,
    options: {
      readonly name: string;
      readonly parameters?: unknown;
      readonly powers?: Record<string, object>;
      readonly policy?: object;
    },
  ): Made;
  attenuate(caveats: object): VatAdmin;
};
type Log = { log(...things: unknown[]): void };
type Services = { readonly vatAdmin: VatAdmin; readonly console: Log };

export const buildRootObject = (
  _vatPowers: unknown,
  _parameters: unknown,
  baggage: Baggage,
) => {
  const apprentices = provideDurableMapStore<string, Made>(
    baggage,
    'apprentices',
  );
  provide(baggage, 'farewells', () => harden([] as string[]));
  const service = <Name extends keyof Services>(name: Name): Services[Name] =>
    baggage.get(name) as Services[Name];

  const makeBench = prepareExoClass(
    baggage,
    'Bench',
    undefined,
    () => ({ pieces: harden([] as string[]) }),
    {
      put(piece: string) {
        const { state } = this;
        state.pieces = harden([...state.pieces, piece]);
        return state.pieces.length;
      },
    },
  );
  const note = (words: string) => {
    const before = baggage.get('farewells') as string[];
    baggage.set('farewells', harden([...before, words]));
  };
  /** Durable, so that the master hears how a vat has ended however often both were restarted. */
  const farewell = prepareExo(baggage, 'Farewell', undefined, {
    onFulfilled: (words: unknown, name: string) =>
      note(`${name} left: ${String(words)}`),
    onRejected: (problem: Error, name: string) =>
      note(`${name} is gone: ${problem.message}`),
  });

  return makeExo('Master', undefined, {
    bootstrap(_vats: unknown, services: Services) {
      baggage.init('vatAdmin', services.vatAdmin);
      baggage.init('console', services.console);
    },
    /** Makes an apprentice who has a bench of its own, and gives it. */
    async hire(name: string, motto: string) {
      const made = await E(service('vatAdmin')).createVat('apprentice', {
        name,
        parameters: { motto },
        powers: { bench: makeBench() },
        policy: { bytes: 500_000 },
      });
      apprentices.init(name, made);
      void E(service('console')).log('hired', name);
      watchPromise(E(made.node).done(), farewell, name);
      return made.root;
    },
    listApprentices: () => harden([...apprentices.keys()]),
    listFarewells: () => baggage.get('farewells'),
    statsOf: (name: string) => E(apprentices.get(name).node).stats(),
    suspend: (name: string) => E(apprentices.get(name).node).suspend('a break'),
    resume: (name: string) => E(apprentices.get(name).node).resume(),
    dismiss(name: string) {
      const { node } = apprentices.get(name);
      apprentices.delete(name);
      return E(node).terminate();
    },
    /** An administrator who can make so many apprentices at most, for someone else. */
    lend: (vats: number) => E(service('vatAdmin')).attenuate({ vats }),
  });
};
