import type { Scenario } from './scenario.ts';

export const WORKSHOP_SCENARIOS: readonly Scenario[] = [
  {
    title:
      'a vat that another vat made has what it was given and reaches nothing else (4)',
    steps: [
      async ({ E, kernel, configs, same, has }) => {
        await E(kernel).launch(configs.workshop);
        const master = await E(kernel).root('workshop');
        const kim = await E(master).hire('kim', 'Measure twice.');
        same(await E(kim).getMotto(), 'Measure twice.');
        same(await E(kim).make('a stool'), 1);
        same(await E(kim).make('a chair'), 2);
        same(await E(kim).listPowers(), ['bench']);
        same(await E(kim).lookAround(), []);
        has(await E(kim).reach('takeAll'), 'has no method "takeAll"');
        const seen = Object(await E(kernel).inspect('workshop.kim'));
        same(seen.counts.imports, 1);
        same(seen.imports.length, 1);
        has(JSON.stringify(seen.imports), 'Bench');
        same(seen.exports.length, 1);
        const lee = await E(master).hire('lee', 'Cut once.');
        same(await E(lee).make('a table'), 1);
      },
      async ({ E, kernel, same }) => {
        const kim = await E(kernel).root('workshop', 'kim');
        same(await E(kim).getMotto(), 'Measure twice.');
        same(await E(kim).make('a bench'), 3);
        same(await E(kim).countMade(), 3);
        const master = await E(kernel).root('workshop');
        same(await E(master).listApprentices(), ['kim', 'lee']);
        const { state, incarnation } = Object(await E(master).statsOf('kim'));
        same([state, incarnation], ['running', 2]);
      },
      async ({ E, kernel, same, has, problemOf }) => {
        const master = await E(kernel).root('workshop');
        const kim = await E(kernel).root('workshop', 'kim');
        await E(master).dismiss('kim');
        has((await problemOf(E(kim).getMotto())).message, 'is gone');
        const { message } = await problemOf(E(kernel).root('workshop', 'kim'));
        has(message, 'has no vat "kim"; it has master, lee');
        same(await E(master).listApprentices(), ['lee']);
        // It was asked for two heaps of the master's ago.
        same(await E(master).listFarewells(), [
          'kim is gone: the vat was terminated by its maker',
        ]);
      },
    ],
  },
  {
    title:
      'whoever is lent an administrator makes as many vats as it allows, and hears how each ends',
    steps: [
      async ({ E, Far, kernel, configs, same, has, problemOf }) => {
        await E(kernel).launch(configs.workshop);
        const master = await E(kernel).root('workshop');
        const admin = await E(master).lend(1);
        await E(kernel).keep('admin', admin);
        const pieces: string[] = [];
        const bench = Far('bench', {
          put: (piece: string) => pieces.push(piece),
        });
        const powers = { bench };
        const policy = { bytes: 200_000 };
        const create = (name: string) =>
          E(admin).createVat('apprentice', { name, powers, policy });
        const made = Object(await create('kim'));
        same(await E(made.root).make('a stool'), 1);
        same(pieces, ['a stool']);
        const done = E(made.node).done();
        has((await problemOf(create('lee'))).message, '1 vats is used up');
        const left = E(made.root).leave('I have learned enough');
        same(await done, 'I have learned enough');
        same(await left, undefined);
        const second = Object(await create('lee'));
        const end = problemOf(E(second.node).done());
        has(
          (await problemOf(E(second.root).storm('No tea!'))).message,
          'No tea!',
        );
        same((await end).message, 'No tea!');
        const third = Object(await create('lou'));
        await E(kernel).keep('lou', third.root);
        await E(kernel).keep('node', third.node);
      },
      async ({ E, home, same, has, problemOf }) => {
        const node = await home['node'];
        const admin = await home['admin'];
        const refused = E(admin).createVat('apprentice', { name: 'more' });
        has((await problemOf(refused)).message, '1 vats is used up');
        same(await E(home['lou']).countMade(), 0);
        const end = problemOf(E(node).done());
        await E(node).terminate('the workshop closes');
        same((await end).message, undefined);
        has((await problemOf(E(home['lou']).countMade())).message, 'is gone');
        await E(admin).createVat('apprentice', { name: 'more' });
      },
    ],
  },
];
