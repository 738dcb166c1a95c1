import type { Scenario } from './scenario.ts';

export const EVERYTHING_SCENARIOS: readonly Scenario[] = [
  {
    title:
      'what is durable is read back after a restart of its vat and after the loss of the kernel; what is virtual is gone',
    steps: [
      async ({ E, kernel, configs, same, problemOf }) => {
        await Promise.all([
          E(kernel).launch(configs.everything),
          E(kernel).launch(configs.demo),
        ]);
        const all = await E(kernel).root('everything');
        const carol = await E(kernel).root('demo', 'carol');
        const notebook = await E(carol).getNotebook();
        await E(all).writeCell({
          big: 7n,
          ref: notebook,
          list: [undefined, NaN],
        });
        const other = await E(all).makeCell('other');
        await E(all).writeDoor(['kept', other]);
        await E(all).writeShaped(5n);
        await problemOf(E(all).writeShaped(-1n));
        await problemOf(E(all).writeShaped('no bigint'));
        same(
          await E(all).readShaped(),
          5n,
          'the shaped state after what it refused',
        );
        await E(all).writeMap('text', 1);
        await E(all).writeMap(2n, { two: 2 });
        await E(all).writeMap(notebook, 'a notebook');
        await E(all).writeMap('gone', true);
        await E(all).deleteFromMap('gone');
        await E(all).addToSet('member');
        await E(all).addToSet(other);
        await E(all).writeShapedMap('k', 3n);
        await problemOf(E(all).writeShapedMap('k', 'text'));
        await problemOf(E(all).writeShapedMap(4, 3n));
        await E(all).writeWeakMap('w', ['weakly']);
        await E(all).writeWeakMapAt(notebook, 'at a notebook');
        await E(all).addToWeakSet('s');
        await E(all).writeWeakMap('forgotten', 1);
        await E(all).forgetKey('forgotten');
        await E(all).writeBaggage('b', [other, 'in the baggage']);
        await E(all).writeVirtual('v', 'virtually');
        same(await E(E(all).getVirtual('v')).get(), 'virtually');
        const virtualDoor = Object(await E(all).makeVirtualDoor('in'));
        await E(virtualDoor.inside).put('changed');
        same(await E(virtualDoor.outside).peek(), 'changed');
        same(
          await E(virtualDoor.inside).getOutside(),
          virtualDoor.outside,
          'a facet of a virtual kind',
        );
        same(await E(E(all).makeVirtualCell(1n)).get(), 1n);
        await E(kernel).keep('notebook', notebook);
        await E(kernel).keep('other', other);
        await E(kernel).keep('outside', await E(all).getOutside());

        await E(kernel).restart('everything');
        same(await E(all).readCell(), {
          big: 7n,
          ref: notebook,
          list: [undefined, NaN],
        });
        same(await E(all).getVirtual('v'), undefined);
        const gone = await problemOf(E(virtualDoor.outside).peek());
        same(gone.name, 'Error', 'the error of what was not durable');
        same(await E(all).readWeakMap('w'), ['weakly']);
        await E(all).writeMap('after', 'the restart');
      },
      async ({ E, kernel, home, same, problemOf }) => {
        const all = await E(kernel).root('everything');
        const notebook = await home['notebook'];
        const other = await home['other'];
        same(await E(all).readCell(), {
          big: 7n,
          ref: notebook,
          list: [undefined, NaN],
        });
        same(await E(E(all).getCell()).get(), await E(all).readCell());
        same(await E(other).get(), 'other');
        same(await E(home['outside']).peek(), ['kept', other]);
        same(await E(all).getOutside(), await home['outside']);
        same(await E(E(all).getDoor()).getOutside(), await home['outside']);
        same(await E(all).readShaped(), 5n);
        await problemOf(E(all).writeShaped(-1n));
        same(await E(all).readMap('text'), 1);
        same(await E(all).readMap(2n), { two: 2 });
        same(await E(all).readMap(notebook), 'a notebook');
        same(await E(all).readMap('after'), 'the restart');
        await problemOf(E(all).readMap('gone'));
        same(Object(await E(all).listMap()).length, 4);
        same(await E(all).isInSet('member'), true);
        same(await E(all).isInSet(other), true);
        same(await E(all).isInSet('stranger'), false);
        same(Object(await E(all).listSet()).length, 2);
        same(await E(all).readShapedMap('k'), 3n);
        await problemOf(E(all).writeShapedMap('k', 'text'));
        same(await E(all).readWeakMap('w'), ['weakly']);
        same(await E(all).readWeakMap('forgotten'), undefined);
        same(await E(all).readWeakMapAt(notebook), 'at a notebook');
        same(await E(all).isInWeakSet('s'), true);
        same(await E(all).isInWeakSet('w'), false);
        same(await E(all).readBaggage('b'), [other, 'in the baggage']);
        same(await E(all).getVirtual('v'), undefined);
        await E(E(all).getDoor()).put('shut');
        same(await E(home['outside']).peek(), 'shut');
        same(await E(notebook).write('still reached'), 1);
      },
    ],
  },
  {
    title:
      'promise watchers hear of a promise that settles after a restart, and of one that the restart broke',
    steps: [
      async ({ E, kernel, configs, same, has }) => {
        await Promise.all([
          E(kernel).launch(configs.everything),
          E(kernel).launch(configs.demo),
        ]);
        const all = await E(kernel).root('everything');
        const bob = await E(kernel).root('demo', 'bob');
        await E(all).watch('before', E(bob).ask('before'));
        await E(bob).answer('before', 'soon');
        same(await E(all).readOutcome('before'), 'fulfilled: soon');
        await E(all).watchOwn('settled');
        same(await E(all).settle('settled', 'by itself'), true);
        same(await E(all).readOutcome('settled'), 'fulfilled: by itself');
        await E(all).watch('after', E(bob).ask('after'));
        const failing = E(bob).ask('failing');
        failing.catch(() => {}); // the watcher is who hears of it
        await E(all).watch('failing', failing);
        await E(all).watchOwn('own');
        same(await E(all).readOutcome('after'), undefined);

        await E(kernel).restart('everything');
        await E(bob).answer('after', 'late');
        await E(bob).answer('failing', Promise.reject(Error('it went wrong')));
        same(await E(all).readOutcome('after'), 'fulfilled: late');
        same(await E(all).readOutcome('failing'), 'rejected: it went wrong');
        has(await E(all).readOutcome('own'), 'rejected: ');
        const lost = E(bob).ask('lost');
        lost.catch(() => {});
        await E(all).watch('lost', lost);
        await E(bob).hello('x'); // behind the question: bob has that one too
      },
      async ({ E, kernel, same }) => {
        const all = await E(kernel).root('everything');
        same(await E(all).readOutcome('before'), 'fulfilled: soon');
        same(await E(all).readOutcome('after'), 'fulfilled: late');
        same(
          await E(all).readOutcome('lost'),
          'rejected: vatUpgraded',
          'the outcome of a promise whose decider lost its heap',
        );
      },
    ],
  },
];
