import type { Scenario } from './scenario.ts';

export const LAUNCH_SCENARIOS: readonly Scenario[] = [
  {
    title:
      'a bundle that throws in buildRootObject fails the launch with its error',
    leavesNothing: true,
    steps: [
      async ({ E, kernel, configs, same, has, problemOf }) => {
        const problem = await problemOf(E(kernel).launch(configs.throwing));
        same(problem.code, 'LAUNCH_FAILED');
        has(problem.message, 'throwing');
        has(problem.message, 'no root today');
        same(await E(kernel).clusters(), []);
      },
    ],
  },
  {
    title: 'a bundle with a syntax error fails the launch and says so',
    leavesNothing: true,
    steps: [
      async ({ E, kernel, configs, same, has, problemOf }) => {
        const problem = await problemOf(E(kernel).launch(configs.garbled));
        same(problem.code, 'LAUNCH_FAILED');
        has(problem.message, 'garbled');
        has(problem.message, 'SyntaxError');
        same(await E(kernel).clusters(), []);
      },
    ],
  },
  {
    title: 'an unreachable URL fails the launch and is named',
    leavesNothing: true,
    steps: [
      async ({ E, kernel, configs, same, has, problemOf }) => {
        const url = 'http://127.0.0.1:9/no-such-bundle.json';
        const { alice, bob } = configs.demo.vats;
        const problem = await problemOf(
          E(kernel).launch({
            name: 'lost',
            vats: { alice, bob, lost: { bundle: { url } } },
          }),
        );
        same(problem.code, 'BUNDLE_UNREACHABLE');
        has(problem.message, url);
        same(await E(kernel).clusters(), []);
      },
    ],
  },
  {
    title: 'one bad vat of three discards the whole launch',
    leavesNothing: true,
    steps: [
      async ({ E, kernel, configs, same, problemOf }) => {
        const { alice, bob } = configs.demo.vats;
        const { throwing } = configs.throwing.vats;
        const problem = await problemOf(
          E(kernel).launch({ name: 'mixed', vats: { alice, bob, throwing } }),
        );
        same(problem.code, 'LAUNCH_FAILED');
        same(await E(kernel).clusters(), []);
      },
    ],
  },
  {
    title:
      'a config with unknown fields, missing vats, or a missing bootstrap is refused with all its problems',
    leavesNothing: true,
    steps: [
      async ({ E, kernel, configs, same, has, problemOf }) => {
        const refuse = async (config: unknown, ...parts: string[]) => {
          const problem = await problemOf(E(kernel).launch(config));
          same(problem.code, 'BAD_CONFIG');
          parts.forEach(part => has(problem.message, part));
        };
        await refuse({ name: 'x' }, 'vats');
        await refuse({ name: 'x', vats: {} }, 'vats');
        await refuse({ ...configs.demo, color: 'red' }, 'color');
        await refuse(
          { ...configs.demo, bootstrap: 'zoe', hue: 1 },
          'zoe',
          'hue',
        );
        await refuse(
          { name: 'x', vats: { a: { bundle: {}, b: 1 } } },
          'vats.a',
          '"b"',
        );
        const service = await problemOf(
          E(kernel).launch({ ...configs.demo, services: ['oracle'] }),
        );
        same(service.code, 'SERVICE_UNKNOWN');
        const text = await problemOf(
          E(kernel).launch({
            name: 'x',
            vats: { a: { bundle: { text: 'export const a = 1;' } } },
          }),
        );
        same(text.code, 'BAD_BUNDLE');
        same(await E(kernel).clusters(), []);
      },
    ],
  },
  {
    title: 'two launches at once both run; of two with one name, one does',
    steps: [
      async ({ E, kernel, configs, same, problemOf }) => {
        await Promise.all([
          E(kernel).launch(configs.demo),
          E(kernel).launch(configs.counter),
        ]);
        same(
          await E(E(kernel).root('demo', 'bob')).hello('x'),
          'Hello x, this is bob.',
        );
        same(await E(E(kernel).root('counter')).increment(), 1);
        const twin = { ...configs.counter, name: 'twin' };
        const first = E(kernel).launch(twin);
        const second = await problemOf(E(kernel).launch(twin));
        same(second.code, 'CLUSTER_EXISTS');
        await first;
        same(await E(E(kernel).root('twin')).increment(), 1);
        same((await problemOf(E(kernel).launch(twin))).code, 'CLUSTER_EXISTS');
        await E(kernel).terminate('twin');
        await E(kernel).launch(twin);
        same(
          await E(E(kernel).root('twin')).increment(),
          1,
          'a counter of the same name, launched anew',
        );
      },
    ],
  },
  {
    title: 'ten vats run at once',
    steps: [
      async ({ E, kernel, configs, same }) => {
        const { counter } = configs.counter.vats;
        const names = Array.from({ length: 10 }, (_, index) => `c${index}`);
        await E(kernel).launch({
          name: 'ten',
          vats: Object.fromEntries(names.map(name => [name, counter])),
        });
        const roots = await Promise.all(
          names.map(name => E(kernel).root('ten', name)),
        );
        const counts = await Promise.all(
          roots.map((root, index) => E(root).increment(index)),
        );
        same(counts, [0, 1, 2, 3, 4, 5, 6, 7, 8, 9]);
        const [cluster] = Object(await E(kernel).clusters());
        same(
          cluster.vats.map(({ state }: { state: string }) => state),
          Array(10).fill('running'),
        );
      },
      async ({ E, kernel, same }) => {
        const counts = await Promise.all(
          [9, 4, 0].map(index => E(E(kernel).root('ten', `c${index}`)).read()),
        );
        same(counts, [9, 4, 0]);
      },
    ],
  },
  {
    title:
      'a terminated cluster leaves nothing, and messages to what was in it are rejected',
    leavesNothing: true,
    steps: [
      async ({ E, kernel, configs, same, has, problemOf }) => {
        await E(kernel).launch(configs.demo);
        const bob = await E(kernel).root('demo', 'bob');
        const pending = problemOf(E(bob).ask('never'));
        same(await E(bob).hello('x'), 'Hello x, this is bob.');
        await E(kernel).terminate('demo');
        has((await pending).message, 'terminated');
        await problemOf(E(bob).hello('x'));
        same(await E(kernel).clusters(), []);
        same(
          (await problemOf(E(kernel).root('demo', 'bob'))).code,
          'CLUSTER_UNKNOWN',
        );
      },
    ],
  },
];
