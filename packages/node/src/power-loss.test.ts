import {
  resumeAt,
  runProgram,
  type Deed,
} from '@cooperage/kernel/testing/crash-driver';
import { programs } from '@cooperage/kernel/testing/crash-programs';
import { makeSequence } from '@cooperage/kernel/testing/draws';
import { isFuzzing, tryEach } from '@cooperage/kernel/testing/fuzz';
import fc from 'fast-check';
import { afterAll, describe, expect, it } from 'vitest';
import { makeDiskStorage } from './testing/disk-storage.ts';
import { makePoolStorage } from './testing/pool-storage.ts';
import { losePower } from './testing/power-disk.ts';

const tried = { programs: 0, points: 0, whole: 0, losses: 0, failures: 0 };
afterAll(() => console.log(`losses of power: ${JSON.stringify(tried)}`));

/** What becomes of writes that were not synced. */
const FATES: readonly {
  readonly fate: string;
  readonly chooseBy: (seed: number) => (below: number) => number;
}[] = [
  // Of four fates of a file the second is that it keeps all.
  { fate: 'all kept', chooseBy: () => below => (below === 4 ? 1 : below - 1) },
  { fate: 'all lost', chooseBy: () => () => 0 },
  { fate: 'some lost', chooseBy: makeSequence },
];

const shortPrograms = fc.record({
  deeds: fc.constantFrom<readonly Deed[]>(
    [{ do: 'work', to: 0 }],
    [{ do: 'upgrade', to: 1 }],
    [{ do: 'launch' }, { do: 'terminate' }],
  ),
  seed: fc.nat(2 ** 31),
});

/** Where the kernel's files are, the seeds of an ordinary run, and of how many points it takes one where others take all. */
const PLACES = [
  {
    place: 'a folder',
    makeStorage: makeDiskStorage,
    seeds: [1, 2, 3],
    oneOf: 1,
  },
  {
    place: "the browser's pool of access handles",
    makeStorage: makePoolStorage,
    seeds: [4],
    oneOf: 11,
  },
] as const;

describe.each(PLACES)('over $place', ({ makeStorage, seeds, oneOf }) => {
  it('whatever of the unsynced writes is lost or torn, in each file for itself, the kernel goes on from its last commit', async () => {
    await tryEach(programs(6), seeds.slice(0, 3), async (program, seed) => {
      const choose = makeSequence(seed);
      const options = { program, storage: makeStorage() };
      const whole = await runProgram(options);
      expect(whole.problems).toEqual([]);
      tried.programs += 1;
      tried.points += [...whole.points.values()].reduce((sum, n) => sum + n, 0);
      for (let tries = 0; tries < 12; tries += 1) {
        const moment = whole.moments[choose(whole.moments.length)]!;
        const { problems, view } = await resumeAt(options, whole, {
          known: moment.known,
          disk: losePower(moment.disk, choose),
        });
        expect({ problems, view }, moment.where).toEqual({
          problems: [],
          view: whole.view,
        });
        tried.losses += 1;
      }
    });
  }, 3_600_000);

  it('a short program that loses the power at every point goes on from its last commit, whether all, nothing or some of the unsynced writes is left', async () => {
    await tryEach(shortPrograms, seeds.slice(0, 2), async (program, seed) => {
      const options = { program, storage: makeStorage() };
      const launched = await runProgram({
        ...options,
        program: { ...program, deeds: [] },
      });
      const from = {
        disk: launched.moments.at(-1)!.disk,
        known: launched.known,
      };
      const later = { ...options, from, run: 2 };
      const whole = await runProgram(later);
      expect(whole.problems).toEqual([]);
      tried.programs += 1;
      tried.points += [...whole.points.values()].reduce((sum, n) => sum + n, 0);
      for (const [index, moment] of whole.moments.entries()) {
        if (!isFuzzing && index % oneOf > 0) {
          continue;
        }
        // An ordinary run of the tests tries one fate at each point.
        const fates = FATES.filter((_, nth) => isFuzzing || nth === index % 3);
        for (const { fate, chooseBy } of fates) {
          const { problems, view } = await resumeAt(later, whole, {
            known: moment.known,
            disk: losePower(moment.disk, chooseBy(seed + index)),
          });
          expect({ problems, view }, `${moment.where}, ${fate}`).toEqual({
            problems: [],
            view: whole.view,
          });
          tried.losses += 1;
        }
      }
      tried.whole += 1;
    });
  }, 3_600_000);

  it('a disk that fails at any write, sync or new file stops the kernel, whose next run goes on from the last commit', async () => {
    await tryEach(programs(4), seeds, async (program, seed) => {
      const choose = makeSequence(seed);
      const storage = makeStorage();
      const whole = await runProgram({ program, storage });
      expect(whole.problems).toEqual([]);
      const most = storage.changes();
      for (let tries = 0; tries < 4; tries += 1) {
        const nth = 1 + choose(most);
        const failed = await runProgram({
          program,
          storage: makeStorage(nth),
          failure: { nth: 0, isDone: false },
        });
        expect(failed.problems, `change ${nth}`).toEqual([]);
        const left = failed.moments.at(-1)!;
        const { problems, view } = await resumeAt(
          { program, storage: makeStorage() },
          failed,
          left,
        );
        expect({ problems, view }, `change ${nth}`).toEqual({
          problems: [],
          view: whole.view,
        });
        tried.failures += 1;
      }
    });
  }, 3_600_000);
});
