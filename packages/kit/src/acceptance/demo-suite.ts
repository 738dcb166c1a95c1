import type { Scenario } from './scenario.ts';

export const DEMO_SCENARIOS: readonly Scenario[] = [
  {
    title: 'a message from the console gives the value that the object returns',
    steps: [
      async ({ E, kernel, configs, same, has }) => {
        await E(kernel).launch(configs.demo);
        const bob = await E(kernel).root('demo', 'bob');
        same(await E(bob).hello('x'), 'Hello x, this is bob.');
        has(Object.prototype.toString.call(bob), '(ko');
        has(Object.prototype.toString.call(bob), 'Alleged: ');
        const alice = await E(kernel).root('demo');
        same(await E(alice).hello('y'), 'Hello y, this is alice.');
      },
    ],
  },
  {
    title: 'two vats call each other with objects and promises both ways',
    steps: [
      async ({ E, kernel, configs, same }) => {
        await E(kernel).launch(configs.demo);
        const alice = await E(kernel).root('demo', 'alice');
        same(await E(alice).greetBob(), 'Hello alice, this is bob.');
        same(await E(alice).trade('tick'), {
          met: 'tick tick',
          heard: 'ding! tick, said alice when bob rang',
        });
      },
    ],
  },
  {
    title: 'alice introduces carol to bob, who then need no alice',
    steps: [
      async ({ E, kernel, configs, same }) => {
        await E(kernel).launch(configs.demo);
        const [alice, bob, carol] = await Promise.all(
          ['alice', 'bob', 'carol'].map(vat => E(kernel).root('demo', vat)),
        );
        const early = E(E(bob).getFriend()).read();
        same(await E(alice).introduce(), 'bob wrote line 1');
        same(await early, ['bob was here'], 'what was asked before');
        const notebook = await E(carol).getNotebook();
        same(await E(bob).getFriend(), notebook, 'the friend');
        same(await E(notebook).write('the console too'), 2);
        same(await E(E(bob).getFriend()).read(), [
          'bob was here',
          'the console too',
        ]);
      },
      async ({ E, kernel, same }) => {
        const bob = await E(kernel).root('demo', 'bob');
        const carol = await E(kernel).root('demo', 'carol');
        same(
          await E(bob).getFriend(),
          await E(carol).getNotebook(),
          'the friend after the loss of the kernel',
        );
        same(await E(E(bob).getFriend()).read(), [
          'bob was here',
          'the console too',
        ]);
        const alice = await E(kernel).root('demo', 'alice');
        same(await E(alice).greetBob(), 'Hello alice, this is bob.');
        same(await E(alice).introduce(), 'bob wrote line 3');
      },
    ],
  },
  {
    title: 'a rejection comes with the error object that the vat threw',
    steps: [
      async ({ E, kernel, configs, same, has, problemOf }) => {
        await E(kernel).launch(configs.demo);
        const bob = await E(kernel).root('demo', 'bob');
        const { name, message } = await problemOf(E(bob).fail('not now'));
        same(
          { name, message },
          { name: 'TypeError', message: "bob can't: not now" },
        );
        const guarded = await problemOf(E(bob).hello(7));
        has(guarded.message, 'hello');
        const unknown = await problemOf(E(bob).say('x'));
        same(unknown.name, 'TypeError');
        has(unknown.message, 'say');
        const error = RangeError('out of bounds');
        same(await E(bob).echo(error), error, 'an error as a value');
      },
    ],
  },
  {
    title: 'messages go along a promise that is not resolved yet',
    steps: [
      async ({ E, kernel, configs, same, has, problemOf }) => {
        await E(kernel).launch(configs.demo);
        const bob = await E(kernel).root('demo', 'bob');
        const answer = E(bob).ask('who?');
        const greeting = E(answer).hello('console');
        const name = E(answer).getName();
        same(await E(bob).answer('who?', E(bob).makeFriend('kim')), 0);
        same(await greeting, "Hello console, this is kim, bob's friend.");
        same(await name, 'kim');

        const broken = E(E(bob).ask('why?')).hello('console');
        const problem = problemOf(broken);
        await E(bob).answer('why?', Promise.reject(Error('nobody knows')));
        same((await problem).message, 'nobody knows');

        const data = problemOf(E(E(bob).ask('what?')).hello('console'));
        await E(bob).answer('what?', 'a text');
        has((await data).message, 'not with an object');
      },
    ],
  },
  {
    title:
      'an object of the console is called back, and promises of the console are resolved later',
    steps: [
      async ({ E, Far, kernel, configs, same, kit }) => {
        await E(kernel).launch(configs.demo);
        const bob = await E(kernel).root('demo', 'bob');
        const first = kit();
        const second = kit();
        const texts: string[] = [];
        const me = Far('me', {
          heard: (text: string) => {
            texts.push(text);
            (texts.length === 1 ? first : second).resolve(text);
            return 'thanks';
          },
        });
        const subscription = await E(bob).subscribe(me);
        same(await first.promise, 'you are listener 1');
        await E(bob).hello('ann');
        same(await second.promise, 'ann said hello');
        same(await E(subscription).cancel(), true);
        await E(bob).hello('joe');
        same(texts, ['you are listener 1', 'ann said hello']);

        same(
          await E(bob).echo(me),
          me,
          'an object of the console, sent there and back',
        );
        const later = kit();
        const passed = E(bob).echo(later.promise);
        later.resolve('at last');
        same(await passed, 'at last');
        same(
          await E(bob).befriend(Far('Notebook', { write: () => 41 })),
          'bob wrote line 41',
        );
      },
    ],
  },
  {
    title:
      'every passable value goes from the console by alice to bob and back',
    steps: [
      async ({ E, Far, kernel, configs, same, kit }) => {
        await E(kernel).launch(configs.demo);
        const alice = await E(kernel).root('demo', 'alice');
        const bob = await E(kernel).root('demo', 'bob');
        const relay = (value: unknown) => E(alice).relay(value);
        const scalars = [
          undefined,
          null,
          true,
          false,
          0,
          1.5,
          NaN,
          Infinity,
          -Infinity,
          2 ** 53,
          5e-324,
          0n,
          -1n,
          2n ** 200n,
          '',
          'plain',
          '#hash',
          '$0',
          '&1',
          '!bang',
          '+7',
          '-7',
          '%sym',
          "'",
          '"',
          '\\',
          '\u0000',
          '\u2028',
          '\u{1F600}',
          '__proto__',
        ];
        for (const scalar of scalars) {
          same(await relay(scalar), scalar);
        }
        same(await relay(scalars), scalars, 'all in one array');
        same(
          await relay(-0),
          0,
          'the negative zero, which marshal makes one with the other',
        );
        const record = {
          '': 'empty',
          '#x': 1,
          $0: [],
          nested: { deep: [[[{ a: undefined }]]] },
          empty: {},
          big: 12n,
          none: null,
          nan: NaN,
        };
        same(await relay(record), record);
        same(await relay([[], [[]], {}, [{ a: [1n] }]]), [
          [],
          [[]],
          {},
          [{ a: [1n] }],
        ]);
        same(await relay([TypeError('a'), { e: Error('b') }]), [
          TypeError('a'),
          { e: Error('b') },
        ]);
        same(await relay(Symbol.for('registered')), Symbol.for('registered'));
        same(await relay(Symbol.asyncIterator), Symbol.asyncIterator);

        const tagged = harden(
          Object.create(Object.prototype, {
            [Symbol.for('passStyle')]: { value: 'tagged' },
            [Symbol.toStringTag]: { value: 'copySet' },
            payload: { value: ['b', 'a'], enumerable: true },
          }),
        );
        const returned = Object(await relay(tagged));
        same(returned[Symbol.for('passStyle')], 'tagged');
        same(returned[Symbol.toStringTag], 'copySet');
        same(returned.payload, ['b', 'a']);

        const mine = Far('Mine', {});
        same(
          await relay([mine, bob, { alice, mine }]),
          [mine, bob, { alice, mine }],
          'remotables',
        );

        const open = kit();
        const [inArray, { inRecord, rejected }, kept] = Object(
          await relay([
            open.promise,
            { inRecord: open.promise, rejected: Promise.reject(Error('no')) },
            E(bob).ask('x'),
          ]),
        );
        open.resolve([mine]);
        same(await inArray, [mine], 'a promise in an array');
        same(await inRecord, [mine], 'a promise in a record');
        same(await rejected.catch((error: Error) => error.message), 'no');
        await E(bob).answer('x', { done: true });
        same(await kept, { done: true }, "a promise of bob's own");
      },
    ],
  },
];
