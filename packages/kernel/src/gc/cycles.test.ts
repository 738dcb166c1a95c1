import { expect, it } from 'vitest';
import { makeStage, end, send } from '../testing/stage.ts';
import { findCycles } from './cycles.ts';

it('a search that is to be short looks at none of the messages that wait for a promise when these alone are too many', async () => {
  const stage = await makeStage(['alice'], { isChecked: false });
  const { state } = stage.rig.kernel;
  await stage.say(send(stage.root('alice'), 'work'));
  await stage.say(
    send(stage.root('alice'), 'ask', [], 'p+1'),
    ...Array.from({ length: 1_500 }, () => send('p+1', 'more')),
  );
  const looks: number[] = [];
  const { queueByName } = state;
  const watched = {
    ...state,
    queueByName: {
      ...queueByName,
      values: (name: Parameters<typeof queueByName.values>[0]) => {
        const rows = queueByName.values(name);
        looks.push(rows.length);
        return rows;
      },
    },
  };
  const all = [...state.promises.values()].map(({ kref }) => kref);
  expect(all).toHaveLength(1);
  expect(findCycles(watched, all, 1_000)).toBe(undefined);
  expect(looks).toEqual([]);
  expect(findCycles(watched, all, 2_000)?.cycles.size).toBe(0);
  expect(looks).toContain(1_500);
  await end(stage);
});
