import type { Scenario } from './scenario.ts';

export const REMINDERS_SCENARIOS: readonly Scenario[] = [
  {
    title: 'reminders come due through losses of the kernel, each once',
    steps: [
      async ({ E, kernel, configs, same }) => {
        await E(kernel).launch(configs.reminders);
        const root = await E(kernel).root('reminders');
        await E(root).remind('soon', 1);
        await E(root).whenDue(20);
        same(await E(root).listDue(), ['soon']);
        await E(root).remind('later', 50);
        await E(root).remind('never', 1_000_000);
        await E(kernel).restart('reminders');
      },
      async ({ E, kernel, same }) => {
        const root = await E(kernel).root('reminders');
        await E(root).whenDue(60);
        same(await E(root).listDue(), ['soon', 'later']);
        same(await E(root).listWaiting(), ['never']);
      },
      async ({ E, kernel, same }) => {
        const root = await E(kernel).root('reminders');
        same(await E(root).listDue(), ['soon', 'later']);
        same(await E(root).listWaiting(), ['never']);
      },
    ],
  },
  {
    title:
      'a door that can be taken back opens after a loss of the kernel, and does not once it was taken back',
    steps: [
      async ({ E, kernel, configs, same }) => {
        await E(kernel).launch(configs.reminders);
        const root = await E(kernel).root('reminders');
        const door = await E(root).invite();
        await E(kernel).keep('door', door);
        same(await E(E(kernel).root('reminders')).listDue(), []);
      },
      async ({ E, kernel, home, same, has, problemOf }) => {
        same(await E(home['door']).listDue(), []);
        await E(E(kernel).root('reminders')).dismiss();
        const { message } = await problemOf(E(home['door']).listDue());
        has(message, 'was revoked');
      },
      async ({ E, home, has, problemOf }) => {
        const { message } = await problemOf(E(home['door']).listDue());
        has(message, 'was revoked');
      },
    ],
  },
];
