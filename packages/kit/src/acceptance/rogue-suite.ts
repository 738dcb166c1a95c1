import type { Scenario } from './scenario.ts';

export const ROGUE_SCENARIOS: readonly Scenario[] = [
  {
    title: 'a hardened error is frozen whole, and its stack is no accessor',
    steps: [
      async ({ E, kernel, configs, same }) => {
        await E(kernel).launch(configs.listener);
        const listener = await E(kernel).root('listener');
        same(await E(listener).describeStack(), {
          kinds: ['undefined', 'undefined'],
          isFrozen: true,
        });
      },
    ],
  },
  {
    title: 'a rogue vat finds nothing to reach out with',
    steps: [
      async ({ E, kernel, configs, same, has }) => {
        await E(kernel).launch(configs.rogue);
        const rogue = await E(kernel).root('rogue');
        const url = 'http://127.0.0.1:9/';
        const names = Object(await E(rogue).listAttempts());
        same(names.length > 10, true);
        const more = [
          'process',
          'require',
          'globalThis.process',
          'SharedArrayBuffer',
          'setTimeout',
          'postMessage',
          'self',
          'BroadcastChannel',
        ];
        for (const name of [...names, ...more]) {
          same(await E(rogue).attempt(name, url), 'absent', name);
        }
        has(await E(rogue).attemptImport(url), 'threw: ');
        const escaped = String(await E(rogue).attemptFunction());
        same(
          escaped !== 'reached a object' ||
            (await E(rogue).attempt('fetch', url)) === 'absent',
          true,
        );
      },
    ],
  },
  {
    title:
      'a vat that spins stops nobody else, and is ended by its termination',
    steps: [
      async ({ E, kernel, configs, same, has, problemOf }) => {
        await Promise.all([
          E(kernel).launch(configs.rogue),
          E(kernel).launch(configs.demo),
        ]);
        const rogue = await E(kernel).root('rogue');
        const bob = await E(kernel).root('demo', 'bob');
        const spinning = problemOf(E(rogue).spin());
        const behind = problemOf(E(rogue).listAttempts());
        for (let index = 0; index < 20; index += 1) {
          same(await E(bob).hello('x'), 'Hello x, this is bob.');
        }
        const alice = await E(kernel).root('demo', 'alice');
        same(await E(alice).greetBob(), 'Hello alice, this is bob.');
        await E(kernel).terminate('rogue');
        has((await spinning).message, 'terminated');
        has((await behind).message, 'terminated');
        same(await E(bob).hello('y'), 'Hello y, this is bob.');
      },
    ],
  },
  {
    title:
      'a flood of messages and a litter of objects arrive, and the kernel runs on',
    steps: [
      async ({ E, Far, kernel, configs, same, kit }) => {
        await E(kernel).launch(configs.rogue);
        const rogue = await E(kernel).root('rogue');
        const all = kit();
        let last = -1;
        const target = Far('target', {
          flooded: (index: number) => {
            same(index, last + 1, 'the order of the flood');
            last = index;
            if (index === 499) all.resolve();
          },
        });
        same(await E(rogue).flood(500, target), 500);
        await all.promise;
        same(Object(await E(rogue).litter(50)).length, 50);
        same(Object(await E(rogue).bloat(100_000)).length, 100_000);
      },
    ],
  },
];
