/**
 * A shop that sells one thing at a price, trusts no customer, and learns from
 * the bank alone whether a payment is good.
 */
import { prepareExoClass, provideDurableMapStore } from '@agoric/vat-data';
import { makeExo } from '@endo/exo';
import { E, type ERef } from '@endo/far';
import { M } from '@endo/patterns';
import type { Baggage, MapStore } from '@agoric/vat-data';
import type { Issuer, Purse } from './bank.ts';

type Parameters = { readonly prices?: Readonly<Record<string, number>> };

const ShopI = M.interface('Shop', {
  open: M.callWhen(M.await(M.remotable('Issuer'))).returns(M.string()),
  getPrices: M.call().returns(M.recordOf(M.string(), M.nat())),
  buy: M.callWhen(M.string(), M.await(M.remotable('Purse'))).returns(
    M.remotable('Ware'),
  ),
  getTakings: M.call().returns(M.promise()),
});
const WareI = M.interface('Ware', {
  describe: M.call().returns(M.string()),
});

/** The number of the ware that is sold now, counted from 1 for each name. */
const countSale = (sold: MapStore<string, number>, name: string) => {
  if (!sold.has(name)) {
    sold.init(name, 0);
  }
  sold.set(name, sold.get(name) + 1);
  return sold.get(name);
};

export const buildRootObject = (
  _vatPowers: unknown,
  { prices = { apple: 3, barrel: 40 } }: Parameters,
  baggage: Baggage,
) => {
  const makeWare = prepareExoClass(
    baggage,
    'Ware',
    WareI,
    (name: string, number: number) => ({ name, number }),
    {
      describe() {
        return `${this.state.name} no. ${this.state.number}`;
      },
    },
  );
  const sold = provideDurableMapStore<string, number>(baggage, 'sold');

  const till = (): ERef<Purse> => {
    if (!baggage.has('till')) {
      throw Error('the shop is closed: open(issuer) comes first');
    }
    return baggage.get('till') as Purse;
  };
  const priceOf = (name: string) => {
    const price = Object.hasOwn(prices, name) ? prices[name] : undefined;
    if (price === undefined) {
      throw Error(`the shop does not sell ${name}`);
    }
    return BigInt(price);
  };
  return makeExo('Shop', ShopI, {
    /** Says which money the shop takes. */
    async open(issuer: ERef<Issuer>) {
      const purse = await E(issuer).makeEmptyPurse();
      if (baggage.has('till')) {
        throw Error('the shop is open already');
      }
      baggage.init('till', purse);
      return `the shop takes ${await E(issuer).getName()}`;
    },

    getPrices() {
      const entries = Object.keys(prices).map(name => [name, priceOf(name)]);
      return harden(Object.fromEntries(entries) as Record<string, bigint>);
    },

    /** Takes the price out of the payment; what is more stays in it. */
    async buy(name: string, payment: ERef<Purse>) {
      await E(till()).deposit(priceOf(name), payment);
      return makeWare(name, countSale(sold, name));
    },

    getTakings() {
      return E(till()).balance();
    },
  });
};

export type Shop = ReturnType<typeof buildRootObject>;
