/**
 * A customer with money of a currency of his own, who buys in a shop: bank,
 * shop and customer are three vats that trust one another with nothing else.
 */
import { provideDurableSetStore, type Baggage } from '@agoric/vat-data';
import { makeExo } from '@endo/exo';
import { E, type ERef } from '@endo/far';
import { M } from '@endo/patterns';
import { makePromiseKit } from '@endo/promise-kit';
import type { Bank, Purse } from './bank.ts';
import type { Shop } from './shop.ts';

type Vats = { readonly bank: ERef<Bank>; readonly shop: ERef<Shop> };
type Parameters = { readonly currency?: string; readonly money?: number };
type Ware = { describe(): string };

const CustomerI = M.interface('Customer', {
  bootstrap: M.callWhen(M.record()).optional(M.any()).returns(M.string()),
  balance: M.call().returns(M.promise()),
  buy: M.callWhen(M.string()).returns(M.string()),
  pay: M.call(M.nat()).returns(M.promise()),
  getWares: M.call().returns(M.arrayOf(M.remotable('Ware'))),
});

export const buildRootObject = (
  _vatPowers: unknown,
  { currency = 'doubloons', money = 100 }: Parameters,
  baggage: Baggage,
) => {
  const wares = provideDurableSetStore<Ware>(baggage, 'wares');
  // Messages may come while the bootstrap is still under way: they wait for its purse.
  const purse = makePromiseKit<Purse>();
  if (baggage.has('purse')) {
    purse.resolve(baggage.get('purse') as Purse);
  } else if (baggage.has('shop')) {
    purse.reject(Error('the bootstrap was cut off: launch the cluster again'));
  }

  return makeExo('Customer', CustomerI, {
    /** Called once, when the cluster is launched, with the roots of its vats. */
    async bootstrap({ bank, shop }: Vats) {
      baggage.init('shop', shop);
      const mint = await E(bank).makeCurrency(currency);
      const filled = await E(mint).makePurse(BigInt(money));
      baggage.init('purse', filled);
      purse.resolve(filled);
      return E(shop).open(E(mint).getIssuer());
    },

    balance() {
      return E(purse.promise).balance();
    },

    /** Pays with a purse that holds just the price; what the shop leaves comes back. */
    async buy(name: string) {
      const shop = baggage.get('shop') as ERef<Shop>;
      const price = (await E(shop).getPrices())[name] ?? 0n;
      const payment = await E(purse.promise).withdraw(price);
      try {
        const ware: Ware = await E(shop).buy(name, payment);
        wares.add(ware);
        return await E(ware).describe();
      } finally {
        const rest = await E(payment).balance();
        await E(purse.promise).deposit(rest, payment);
      }
    },

    /** A payment for somebody else; rejects when it is more than the customer has. */
    pay(amount: bigint) {
      return E(purse.promise).withdraw(amount);
    },

    getWares() {
      return harden([...wares.keys()]);
    },
  });
};

export type Customer = ReturnType<typeof buildRootObject>;
