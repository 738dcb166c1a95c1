import type { Scenario } from './scenario.ts';

/**
 * What is let go of goes, everywhere, and nothing else does. Each counts the
 * kernel's rows before and after; `collect` is all that it needs of the engine.
 */
export const GC_SCENARIOS: readonly Scenario[] = [
  {
    title:
      '10,000 objects that were passed and dropped leave no row, and every call after that works',
    leavesNothing: true,
    steps: [
      async ({ E, kernel, configs, roots, rows, same }) => {
        // Kept to the end: with it the console holds the roots of all four.
        const launched = Object(await E(kernel).launch(configs.garbage));
        const [maker, holder] = await roots('garbage', 'maker', 'left');
        const before = await rows();
        for (let batch = 1; batch <= 10; batch += 1) {
          same(await E(holder).take(maker, 1000), batch * 1000);
        }
        same(await rows(), {
          objects: before.objects + 10_000,
          references: before.references + 20_000,
        });
        await E(holder).letGo();
        same(await rows(), before, 'what is left');
        same(await E(holder).take(maker, 3), 3);
        same(await E(holder).pingHeld(), 'pong pong pong');
        await E(holder).letGo();
        same(await rows(), before, 'what is left of three more');
        await E(kernel).terminate(launched.name);
      },
    ],
  },
  {
    title:
      'an object of three importers is there as long as one of them has it, and comes back to one that dropped it',
    leavesNothing: true,
    steps: [
      async ({ E, kernel, configs, roots, rows, same }) => {
        // Kept to the end: with it the console holds the roots of all four.
        const launched = Object(await E(kernel).launch(configs.garbage));
        const [maker, left, middle, right] = await roots(
          'garbage',
          'maker',
          'left',
          'middle',
          'right',
        );
        const before = await rows();
        const more = async (objects: number, references: number) =>
          same(
            await rows(),
            {
              objects: before.objects + objects,
              references: before.references + references,
            },
            'the rows',
          );
        // A root that knows the others' roots does so for good.
        await E(left).share(middle);
        await E(left).share(right);
        await E(middle).share(left);
        await E(left).letGo();
        await more(0, 0);
        for (const kind of ['local', 'virtual', 'durable']) {
          await E(left).take(maker, 1, kind);
          await E(left).share(middle);
          await E(left).share(right);
          await more(1, 4);
          await E(left).letGo();
          await more(1, 3);
          same(await E(middle).pingHeld(), 'pong');
          same(await E(right).pingHeld(), 'pong');
          await E(middle).share(left);
          await more(1, 4);
          same(await E(left).pingHeld(), 'pong');
          await E(middle).letGo();
          await E(right).letGo();
          await more(1, 2);
          same(await E(left).pingHeld(), 'pong');
          await E(left).letGo();
          await more(0, 0);
        }
        await E(kernel).terminate(launched.name);
      },
    ],
  },
  {
    title:
      'an object that a vat remembers only as a weak key is known to it when it is sent again, and retired when nobody has it',
    leavesNothing: true,
    steps: [
      async ({ E, kernel, configs, roots, rows, same }) => {
        // Kept to the end: with it the console holds the roots of all four.
        const launched = Object(await E(kernel).launch(configs.garbage));
        const [maker, left, right] = await roots(
          'garbage',
          'maker',
          'left',
          'right',
        );
        const before = await rows();
        const references = async () =>
          (await rows()).references - before.references;
        for (const where of ['heap', 'virtual', 'durable']) {
          for (const kind of ['local', 'virtual', 'durable']) {
            await E(right).take(maker, 1, kind);
            await E(right).share(left);
            await E(left).remember(where, `a note on a ${kind} one`);
            await E(left).letGo();
            same(
              await references(),
              3,
              'the entries of one that is weakly held',
            );
            await E(right).share(left);
            same(await E(left).recall(where), [
              [`a note on a ${kind} one`, true],
            ]);
            same(await E(left).pingHeld(), 'pong');
            if (where === 'durable' && kind !== 'virtual') {
              await E(kernel).restart('garbage', 'left');
              await E(right).share(left);
              same(await E(left).recall(where), [
                [`a note on a ${kind} one`, true],
              ]);
            }
            await E(left).letGo();
            await E(right).letGo();
            same(await rows(), before, `after ${where} ${kind}`);
          }
        }
        await E(kernel).terminate(launched.name);
      },
    ],
  },
  {
    title:
      'what a vat has stored of others is there for as long as it is stored, through restarts of the vat and the loss of the kernel',
    steps: [
      async ({ E, kernel, configs, roots, rows, same }) => {
        await E(kernel).launch(configs.garbage);
        const [maker, left, right] = await roots(
          'garbage',
          'maker',
          'left',
          'right',
        );
        const before = await rows();
        const objects = async () => (await rows()).objects - before.objects;
        await E(left).take(maker, 2, 'durable');
        await E(left).file('durable', 'two');
        await E(left).letGo();
        await E(left).take(maker, 1, 'durable');
        await E(left).fileAsKey('durable', 'key');
        await E(left).letGo();
        await E(left).take(maker, 1, 'durable');
        await E(left).writeState();
        await E(left).letGo();
        await E(left).take(maker, 1, 'durable');
        await E(left).file('virtual', 'one');
        await E(left).letGo();
        await E(right).take(maker, 1, 'durable');
        same(await objects(), 6, 'what is stored, and one that is held');
        same(await E(left).pingFiled('durable'), 'pong pong pong');
        same(await E(left).pingFiled('virtual'), 'pong');
        same(await E(left).pingState(), 'pong');
        for (const _nth of [1, 2, 3]) {
          await E(kernel).restart('garbage');
          same(await E(left).pingFiled('durable'), 'pong pong pong');
          same(await E(left).pingFiled('virtual'), '');
          same(await E(left).pingState(), 'pong');
          await E(right).take(maker, 1, 'durable');
          same(await objects(), 5, 'what is durable, and one that is held');
        }
      },
      async ({ E, roots, rows, same }) => {
        const [maker, left] = await roots('garbage', 'maker', 'left');
        same(await E(left).pingFiled('durable'), 'pong pong pong');
        same(await E(left).pingState(), 'pong');
        const before = await rows();
        const less = async (objects: number) =>
          same((await rows()).objects, before.objects - objects, 'the objects');
        await E(left).clearState();
        await less(1);
        await E(left).unfileAll('durable');
        await less(4);
        await E(left).take(maker, 1);
        same(await E(left).pingHeld(), 'pong');
        await E(left).letGo();
        await less(4);
      },
    ],
  },
];
