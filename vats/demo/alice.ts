/**
 * Alice knows bob and carol from bootstrap, and makes them know each other.
 */
import { makeExo } from '@endo/exo';
import { E, Far, type ERef } from '@endo/far';
import { M } from '@endo/patterns';
import { makePromiseKit } from '@endo/promise-kit';
import type { Baggage } from '@agoric/vat-data';
import type { Bob } from './bob.ts';
import type { Carol } from './carol.ts';

type Vats = { readonly bob: ERef<Bob>; readonly carol: ERef<Carol> };

const AliceI = M.interface('Alice', {
  bootstrap: M.call(M.record()).optional(M.any()).returns(M.string()),
  hello: M.call(M.string()).returns(M.string()),
  greetBob: M.call().returns(M.promise()),
  introduce: M.call().returns(M.promise()),
  relay: M.call(M.any()).returns(M.promise()),
  trade: M.callWhen(M.string()).returns(M.splitRecord({ met: M.string() })),
});

export const buildRootObject = (
  _vatPowers: unknown,
  _parameters: unknown,
  baggage: Baggage,
) => {
  // A reference to another vat's durable object, or to its root, can be kept.
  const acquaintances = (): Vats => {
    if (!baggage.has('vats')) {
      throw Error('alice knows nobody yet: bootstrap comes first');
    }
    return baggage.get('vats') as Vats;
  };

  return makeExo('Alice', AliceI, {
    /** Called once, when the cluster is launched, with the roots of its vats. */
    bootstrap({ bob, carol }: Vats) {
      baggage.init('vats', harden({ bob, carol }));
      return 'alice knows bob and carol';
    },

    hello(name: string) {
      return `Hello ${name}, this is alice.`;
    },

    greetBob() {
      return E(acquaintances().bob).hello('alice');
    },

    /**
     * Third-party introduction: bob gets a reference to carol's notebook,
     * before alice has it herself; from then on the two need no alice.
     */
    introduce() {
      const { bob, carol } = acquaintances();
      return E(bob).befriend(E(carol).getNotebook());
    },

    /** Sends a value on to bob, who gives it back. */
    relay(value: unknown) {
      return E(acquaintances().bob).echo(value);
    },

    /**
     * Objects and promises in both directions: bob gets an object to call and
     * a promise that alice resolves only after bob has called, and gives back
     * an object of his own.
     */
    async trade(word: string) {
      const { promise, resolve } = makePromiseKit<string>();
      const bell = Far('Bell', {
        ring: (by: string) => {
          resolve(`${word}, said alice when ${by} rang`);
          return 'ding';
        },
      });
      const { echo, heard } = await E(acquaintances().bob).swap(bell, promise);
      return harden({
        met: await E(echo).say(word),
        heard: await heard,
      });
    },
  });
};
