import type { Scenario } from './scenario.ts';

export const COUNTER_SCENARIOS: readonly Scenario[] = [
  {
    title: 'a durable counter counts on after the loss of the kernel',
    steps: [
      async ({ E, kernel, configs, same, problemOf }) => {
        await E(kernel).launch(configs.counter);
        const root = await E(kernel).root('counter');
        same(await E(root).read(), 0);
        same(await E(root).increment(), 1);
        same(await E(root).increment(4), 5);
        const apples = await E(root).makeCounter('apples', 10);
        same(await E(apples).increment(), 11);
        await E(root).makeCounter('pears');
        await problemOf(E(root).makeCounter('pears'));
        same(await E(root).listCounters(), ['apples', 'pears']);
        await E(kernel).keep('apples', apples);
      },
      async ({ E, kernel, home, same }) => {
        const root = await E(kernel).root('counter');
        same(await E(root).read(), 5);
        const apples = await E(root).getCounter('apples');
        same(await E(apples).increment(), 12);
        same(await home['apples'], apples, 'what the person keeps');
        same(await E(home['apples']).getName(), 'apples');
        same(await E(root).increment(), 6);
      },
      async ({ E, kernel, home, same, problemOf }) => {
        same(await E(E(kernel).root('counter')).read(), 6);
        same(await E(home['apples']).read(), 12);
        await E(kernel).forget('apples');
        same(
          (await problemOf(E(kernel).forget('apples'))).code,
          'OBJECT_UNKNOWN',
        );
        same(await E(E(kernel).root('counter')).listCounters(), [
          'apples',
          'pears',
        ]);
      },
    ],
  },
  {
    title:
      'a durable counter counts on after its vat was restarted, and references to it stay good',
    steps: [
      async ({ E, kernel, configs, same }) => {
        await E(kernel).launch(configs.counter);
        const root = await E(kernel).root('counter');
        const apples = await E(root).makeCounter('apples', 10);
        await E(root).increment();
        await E(kernel).restart('counter');
        same(await E(apples).increment(), 11);
        same(await E(root).increment(), 2);
        same(await E(root).getCounter('apples'), apples);
        await E(kernel).restart('counter', 'counter');
        same(await E(apples).read(), 11);
        const [cluster] = Object(await E(kernel).clusters());
        same(cluster.vats[0].incarnation, 3);
      },
    ],
  },
];
