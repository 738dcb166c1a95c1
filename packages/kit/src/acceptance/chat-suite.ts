import type { Scenario } from './scenario.ts';

export const CHAT_SCENARIOS: readonly Scenario[] = [
  {
    title:
      'members of a chat room hear one another, and its history is bounded',
    steps: [
      async ({ E, Far, kernel, configs, same, has, problemOf, kit }) => {
        const { chat } = configs.chat.vats;
        await E(kernel).launch({
          ...configs.chat,
          vats: { chat: { ...chat, parameters: { historyLimit: 3 } } },
        });
        const root = await E(kernel).root('chat');
        const room = await E(root).getRoom('lobby');
        same(await E(root).getRoom('lobby'), room, 'the room of the same name');
        same(await E(root).listRooms(), ['lobby']);
        same(await E(room).getName(), 'lobby');

        const heard: unknown[] = [];
        const told = kit();
        const listener = Far('listener', {
          said: (entry: object) => {
            heard.push(entry);
            if (heard.length === 2) told.resolve();
          },
        });
        const ann = await E(room).join('ann', listener);
        const joe = await E(room).join('joe');
        has(
          (await problemOf(E(room).join('ann'))).message,
          'ann is in lobby already',
        );
        same(await E(room).getMembers(), ['ann', 'joe']);
        same(await E(joe).getNick(), 'joe');
        same(await E(ann).say('hello'), 1);
        same(await E(joe).say('hi'), 2);
        await told.promise;
        same(heard, [
          { number: 1, by: 'ann', text: 'hello' },
          { number: 2, by: 'joe', text: 'hi' },
        ]);
        await E(joe).say('three');
        await E(joe).say('four');
        same(await E(room).history(), [
          { number: 2, by: 'joe', text: 'hi' },
          { number: 3, by: 'joe', text: 'three' },
          { number: 4, by: 'joe', text: 'four' },
        ]);
        same(await E(room).history(1), [
          { number: 4, by: 'joe', text: 'four' },
        ]);
        same(await E(joe).leave(), true);
        same(await E(joe).leave(), false);
        same(
          (await problemOf(E(joe).say('late'))).message,
          'joe has left lobby',
        );
        same(await E(room).getMembers(), ['ann']);
      },
      async ({ E, kernel, same, has, problemOf }) => {
        const room = await E(E(kernel).root('chat')).getRoom('lobby');
        same(await E(room).getMembers(), ['ann'], 'the members after the loss');
        same(Object(await E(room).history()).length, 3);
        has((await problemOf(E(room).join('ann'))).message, 'already');
        const joe = await E(room).join('joe');
        same(await E(joe).say('back again'), 5);
      },
    ],
  },
  {
    title: 'a durable listener in another vat hears for good',
    steps: [
      async ({ E, kernel, configs, same }) => {
        await Promise.all([
          E(kernel).launch(configs.chat),
          E(kernel).launch(configs.listener),
        ]);
        const room = await E(E(kernel).root('chat')).getRoom('lobby');
        const hearer = await E(kernel).root('listener');
        const listener = await E(hearer).getListener();
        const ann = await E(room).joinForGood('ann', listener);
        same(await E(ann).say('one'), 1);
        same(await E(hearer).listHeard(), ['ann: one']);
        await E(kernel).keep('ann', ann);
      },
      async ({ E, kernel, home, same }) => {
        const hearer = await E(kernel).root('listener');
        same(await E(home['ann']).say('two'), 2);
        same(await E(hearer).listHeard(), ['ann: one', 'ann: two']);
        await E(kernel).restart('listener');
        same(await E(home['ann']).say('three'), 3);
        same(await E(hearer).listHeard(), [
          'ann: one',
          'ann: two',
          'ann: three',
        ]);
      },
    ],
  },
];
