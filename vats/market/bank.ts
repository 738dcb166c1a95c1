/**
 * Money: whoever has a currency's mint makes new money, whoever has its issuer
 * makes empty purses, and a purse is worth what the bank's ledger says.
 */
import {
  prepareExoClass,
  prepareExoClassKit,
  provideDurableWeakMapStore,
  type Baggage,
} from '@agoric/vat-data';
import { makeExo } from '@endo/exo';
import { M } from '@endo/patterns';

const Amount = M.nat();

const PurseI = M.interface('Purse', {
  balance: M.call().returns(Amount),
  deposit: M.callWhen(Amount, M.await(M.remotable('Purse'))).returns(Amount),
  withdraw: M.call(Amount).returns(M.remotable('Purse')),
  getCurrency: M.call().returns(M.string()),
});
const CurrencyGuards = {
  mint: M.interface('Mint', {
    makePurse: M.call(Amount).returns(M.remotable('Purse')),
    getIssuer: M.call().returns(M.remotable('Issuer')),
  }),
  issuer: M.interface('Issuer', {
    makeEmptyPurse: M.call().returns(M.remotable('Purse')),
    getName: M.call().returns(M.string()),
  }),
};
const BankI = M.interface('Bank', {
  makeCurrency: M.call(M.string()).returns(M.remotable('Mint')),
});

export type Purse = {
  balance(): bigint;
  deposit(amount: bigint, from: object): bigint;
  withdraw(amount: bigint): Purse;
  getCurrency(): string;
};

/** What the ledger says of a purse; `issuer` is the currency's identity. */
type Account = {
  readonly issuer: object;
  readonly name: string;
  readonly amount: bigint;
};

const prepareMoney = (baggage: Baggage) => {
  // Only this vat has the ledger, so a forged purse is no key in it.
  const ledger = provideDurableWeakMapStore<object, Account>(baggage, 'ledger');

  const accountOf = (purse: object): Account => {
    if (!ledger.has(purse)) {
      throw Error('this is no purse of this bank');
    }
    return ledger.get(purse);
  };
  const move = (from: object, to: object, amount: bigint) => {
    const source = accountOf(from);
    const target = accountOf(to);
    if (source.issuer !== target.issuer) {
      throw Error(`${source.name} can't go into a purse for ${target.name}`);
    }
    if (source.amount < amount) {
      throw Error(
        `the purse holds ${source.amount} ${source.name}, which is less than ${amount}`,
      );
    }
    ledger.set(from, harden({ ...source, amount: source.amount - amount }));
    // Read again: both may be the same purse.
    const { amount: before } = accountOf(to);
    ledger.set(to, harden({ ...target, amount: before + amount }));
    return before + amount;
  };

  const makeEmpty = prepareExoClass(baggage, 'Purse', PurseI, () => ({}), {
    balance() {
      return accountOf(this.self).amount;
    },
    /** Moves `amount` from another purse into this one; returns the new balance. */
    deposit(amount: bigint, from: object) {
      return move(from, this.self, amount);
    },
    /** Moves `amount` into a new purse, to be handed on as a payment. */
    withdraw(amount: bigint): Purse {
      const { issuer, name } = accountOf(this.self);
      const payment = makePurse({ issuer, name, amount: 0n });
      move(this.self, payment, amount);
      return payment;
    },
    getCurrency() {
      return accountOf(this.self).name;
    },
  });

  const makePurse = (account: Account): Purse => {
    const purse = makeEmpty();
    ledger.init(purse, harden(account));
    return purse;
  };
  return makePurse;
};

export const buildRootObject = (
  _vatPowers: unknown,
  _parameters: unknown,
  baggage: Baggage,
) => {
  const makePurse = prepareMoney(baggage);

  const makeCurrency = prepareExoClassKit(
    baggage,
    'Currency',
    CurrencyGuards,
    (name: string) => ({ name }),
    {
      mint: {
        /** New money. */
        makePurse(amount: bigint) {
          const { name } = this.state;
          return makePurse({ issuer: this.facets.issuer, name, amount });
        },
        getIssuer() {
          return this.facets.issuer;
        },
      },
      issuer: {
        makeEmptyPurse() {
          const { name } = this.state;
          return makePurse({ issuer: this.facets.issuer, name, amount: 0n });
        },
        getName() {
          return this.state.name;
        },
      },
    },
  );

  return makeExo('Bank', BankI, {
    /** Gives the mint of a new currency to the caller, and to nobody else. */
    makeCurrency(name: string) {
      return makeCurrency(name).mint;
    },
  });
};

export type Bank = ReturnType<typeof buildRootObject>;
export type Mint = ReturnType<Bank['makeCurrency']>;
export type Issuer = ReturnType<Mint['getIssuer']>;
