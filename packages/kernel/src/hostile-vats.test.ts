import fc from 'fast-check';
import { expect, it } from 'vitest';
import { isFuzzing, tryEach } from './testing/fuzz.ts';
import {
  deliverable,
  hostileWord,
  type Scene,
} from './testing/hostile-words.ts';
import type { Behavior } from './testing/raw-vats.ts';
import {
  answerStart,
  dataOf,
  fulfil,
  makeStage,
  send,
  settle,
  subscribe,
  type Stage,
} from './testing/stage.ts';

/** How many words a run says; 300 runs come to ten thousand, for some end early. */
const WORDS = 40;
const SEEDS = Array.from({ length: 300 }, (_, nth) => nth);

/** Bob answers whatever he is asked; mallory does what the test says. */
const behave: Behavior = (delivery, { label }) => {
  if (label === 'mallory') {
    return answerStart(delivery);
  }
  const result = delivery[0] === 'message' ? delivery[2].result : null;
  return result ? { syscalls: [fulfil(result, dataOf('as ever'))] } : {};
};

const statusOf = ({ rig }: Stage, name: string) =>
  rig.kernel
    .status()
    .clusters.flatMap(({ vats }) => vats)
    .find(vat => vat.name === name);

/** Asks bob, and gives what the client is told. */
const askBob = async (stage: Stage, nth: number): Promise<unknown> => {
  const { deliveries } = stage.client;
  const before = deliveries.length;
  await stage.say(
    send(stage.root('bob'), 'ask', [], `p+${nth}`),
    subscribe(`p+${nth}`),
  );
  return deliveries
    .slice(before)
    .flatMap(delivery =>
      delivery[0] === 'notify'
        ? delivery[1].filter(([promise]) => promise === `p+${nth}`)
        : [],
    );
};

/** What mallory is being told. */
const sceneOf = (stage: Stage): Scene => {
  const flight = stage.flight('mallory');
  const [target, { methargs, result }] =
    flight[0] === 'message'
      ? [flight[1], flight[2]]
      : ['', { methargs: dataOf(0), result: null }];
  const [first = '', second = '', third = ''] = methargs.slots;
  return {
    crank: Number(stage.rig.vats.get('mallory').crank),
    names: {
      '<target>': target,
      '<result>': String(result),
      '<0>': first,
      '<1>': second,
      '<2>': third,
    },
  };
};

/** What vats and sessions leave in the tables when they are gone. */
const rowsLeft = ({ rig }: Stage): string[] => {
  const { vats, clists, objects, promises, queue, vatChanges } =
    rig.kernel.state;
  return Object.entries({ vats, clists, objects, promises, queue, vatChanges })
    .filter(([, { size }]) => size > 0)
    .map(([name]) => name);
};

it('a vat that sends anything at all loses its heap at most: the kernel runs, others answer, and every table holds (invariants 4–9, 11)', async () => {
  const seen = { applied: 0, suspended: 0, words: 0 };
  const tried = await tryEach(
    fc.array(hostileWord('done'), { minLength: WORDS, maxLength: WORDS }),
    SEEDS,
    async words => {
      const stage = await makeStage(['mallory', 'bob'], { behave });
      let promises = 0;
      const nextPromise = (): number => (promises += 1);
      for (const word of words) {
        if (statusOf(stage, 'mallory') === undefined) {
          break; // it has ended itself
        }
        const own = nextPromise();
        await stage.say(
          send(
            stage.root('mallory'),
            'poke',
            [stage.root('bob'), 'o+7', `p+${nextPromise()}`],
            `p+${own}`,
          ),
        );
        const mallory = stage.rig.vats.get('mallory');
        expect(mallory.isBusy).toBe(true);
        mallory.say(deliverable(word, sceneOf(stage)));
        await settle();
        seen.words += 1;

        expect(await askBob(stage, nextPromise())).toMatchObject([
          [expect.anything(), false, dataOf('as ever')],
        ]);
        expect(stage.rig.kernel.status()).toMatchObject({ state: 'running' });
        if (statusOf(stage, 'mallory')?.state === 'suspended') {
          seen.suspended += 1;
          expect(statusOf(stage, 'mallory')?.reason).toMatch(/\S/);
          expect(mallory.isKilled).toBe(true);
          await stage.client.rpc.call('resume', {
            cluster: 'demo',
            vat: 'mallory',
          });
          await settle();
        } else {
          seen.applied += 1;
        }
      }
      await stage.client.rpc.call('erase', {});
      await stage.client.rpc.call('sessionClose', {});
      await stage.rig.kernel.idle();
      expect(rowsLeft(stage)).toEqual([]);
      await stage.rig.kernel.stop();
    },
  );
  console.log(`hostile words: ${JSON.stringify(seen)}`);
  if (!isFuzzing) {
    expect(seen.words).toBeGreaterThanOrEqual(10_000);
    // Each answer of the kernel has been met often: else the words would be too wild, or too tame.
    expect(seen.applied).toBeGreaterThan(tried);
    expect(seen.suspended).toBeGreaterThan(tried);
  }
}, 3_600_000);
