import type { Scenario } from './scenario.ts';

export const MARKET_SCENARIOS: readonly Scenario[] = [
  {
    title:
      'a customer buys until the money is gone, and everybody trusts the bank alone',
    steps: [
      async ({ E, Far, kernel, configs, same, has, problemOf }) => {
        await E(kernel).launch(configs.market);
        const customer = await E(kernel).root('market');
        const shop = await E(kernel).root('market', 'shop');
        const bank = await E(kernel).root('market', 'bank');
        same(await E(customer).balance(), 100n);
        same(await E(shop).getPrices(), { apple: 3n, barrel: 40n });
        same(await E(customer).buy('apple'), 'apple no. 1');
        same(await E(customer).buy('barrel'), 'barrel no. 1');
        same(await E(customer).buy('barrel'), 'barrel no. 2');
        same(await E(customer).balance(), 17n);
        same(await E(shop).getTakings(), 83n);

        const poor = await problemOf(E(customer).buy('barrel'));
        has(
          poor.message,
          'the purse holds 17 doubloons, which is less than 40',
        );
        const unsold = await problemOf(E(customer).buy('pear'));
        same(unsold.message, 'the shop does not sell pear');
        same(await E(customer).balance(), 17n, 'the balance after what failed');
        same(await E(shop).getTakings(), 83n, 'the takings after what failed');

        const wares = Object(await E(customer).getWares());
        same(wares.length, 3);
        const names = await Promise.all(
          wares.map((ware: object) => E(ware).describe()),
        );
        same(names.sort(), ['apple no. 1', 'barrel no. 1', 'barrel no. 2']);

        const payment = await E(customer).pay(5n);
        same(await E(payment).balance(), 5n);
        same(await E(payment).getCurrency(), 'doubloons');
        const mine = await E(payment).withdraw(5n);
        same(await E(payment).balance(), 0n);
        same(await E(payment).deposit(2n, mine), 2n);
        same(await E(mine).deposit(1n, mine), 3n, 'a deposit from itself');
        has(
          (await problemOf(E(customer).pay(1000n))).message,
          'less than 1000',
        );

        const forged = Far('Purse', { balance: () => 1000n });
        same(
          (await problemOf(E(mine).deposit(1n, forged))).message,
          'this is no purse of this bank',
        );
        same(
          (await problemOf(E(shop).buy('apple', forged))).message,
          'this is no purse of this bank',
        );
        const mint = await E(bank).makeCurrency('ducats');
        const ducats = await E(mint).makePurse(50n);
        same(
          (await problemOf(E(mine).deposit(1n, ducats))).message,
          "ducats can't go into a purse for doubloons",
        );
        const issuer = await E(mint).getIssuer();
        same(await E(issuer).getName(), 'ducats');
        const empty = await E(issuer).makeEmptyPurse();
        same(await E(empty).deposit(20n, ducats), 20n);
        has((await problemOf(E(shop).open(issuer))).message, 'open already');
        same(
          await E(shop)
            .buy('apple', E(customer).pay(3n))
            .then(ware => E(ware).describe()),
          'apple no. 2',
        );
        await E(kernel).keep('ducats', empty);
      },
      async ({ E, kernel, home, same }) => {
        const customer = await E(kernel).root('market');
        const shop = await E(kernel).root('market', 'shop');
        same(await E(customer).balance(), 9n);
        same(await E(shop).getTakings(), 86n);
        same(await E(customer).buy('apple'), 'apple no. 3');
        same(await E(customer).balance(), 6n);
        same(Object(await E(customer).getWares()).length, 4);
        same(await E(home['ducats']).balance(), 20n);
      },
    ],
  },
];
