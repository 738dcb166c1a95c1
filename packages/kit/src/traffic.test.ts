import { SAMPLES } from './before-lockdown.ts';
import '@cooperage/client/lockdown';
import { E, Far } from '@endo/far';
import fc from 'fast-check';
import { afterAll, expect, it } from 'vitest';
import type { NodeImage } from './node-platform.ts';
import type { Rig } from './rig.ts';
import { useRigs } from './testing/rigs.ts';

afterAll(() => SAMPLES.remove());
const rigs = useRigs();
const { baseUrl, configs } = SAMPLES;

type Remote = Record<string, (...args: unknown[]) => Promise<unknown>>;

/** What a person at the console may do at once; each ends in its own time. */
const DEEDS = {
  count: async ({ console: { kernel } }: Rig) => {
    await E((await E(kernel).root('counter')) as Remote).increment!();
    return 1;
  },
  introduce: async ({ console: { kernel } }: Rig) => {
    await E((await E(kernel).root('demo')) as Remote).introduce!();
    return 0;
  },
  trade: async ({ console: { kernel } }: Rig) => {
    await E((await E(kernel).root('demo')) as Remote).trade!('x');
    return 0;
  },
  subscribe: async ({ console: { kernel } }: Rig) => {
    const bob = (await E(kernel).root('demo', 'bob')) as Remote;
    await E(bob).subscribe!(Far('listener', { heard: () => bob }));
    await E(bob).hello!('x');
    return 0;
  },
  pipeline: async ({ console: { kernel } }: Rig) => {
    const bob = (await E(kernel).root('demo', 'bob')) as Remote;
    const friend = E(bob).makeFriend!('kim') as Promise<Remote>;
    await E(friend).hello!(await E(friend).getName!());
    return 0;
  },
  buy: async ({ console: { kernel } }: Rig) => {
    await E((await E(kernel).root('market')) as Remote).buy!('apple');
    return 0;
  },
  restart: async ({ console: { kernel } }: Rig) => {
    await E(kernel).restart('demo', 'bob');
    return 0;
  },
  upgrade: async ({ console: { kernel } }: Rig) => {
    const bundle = configs['demo']?.vats['bob']?.bundle;
    await E(kernel).upgrade('demo', 'bob', Object(bundle));
    return 0;
  },
  relaunch: async ({ console: { kernel } }: Rig) => {
    await E(kernel).terminate('market');
    await E(kernel).launch(configs['market']);
    return 0;
  },
  leave: async (rig: Rig) => {
    const other = rig.connect();
    const bob = (await E(other.kernel).root('demo', 'bob')) as Remote;
    const asked = E(bob).ask!('x');
    other.close();
    await asked.catch(() => {});
    return 0;
  },
};
type Deed = keyof typeof DEEDS;
const deedNames = Object.keys(DEEDS) as Deed[];

/** Does all of the deeds at once; counts what was counted, of those that were answered. */
const doAll = async (
  rig: Rig,
  deeds: readonly Deed[],
  isToCrash: boolean,
): Promise<{ image: NodeImage; counted: number }> => {
  const ends = deeds.map(deed => DEEDS[deed](rig).catch(() => 0));
  // The crash comes with the first answer, while the rest is under way.
  await (isToCrash ? Promise.race(ends) : Promise.all(ends));
  const image = await (isToCrash ? rig.crash() : rig.stop());
  const counts = await Promise.all(ends);
  return { image, counted: counts.reduce((sum, count) => sum + count, 0) };
};

it('whatever is under way when the kernel is lost, its tables stay consistent and no answer is taken back', async () => {
  const rounds = fc.array(
    fc.record({
      deeds: fc.array(fc.constantFrom(...deedNames), {
        minLength: 1,
        maxLength: 12,
      }),
      isToCrash: fc.boolean(),
    }),
    { minLength: 2, maxLength: 3 },
  );
  await fc.assert(
    fc.asyncProperty(rounds, async story => {
      const first = await rigs.start({ baseUrl });
      for (const name of ['counter', 'demo', 'market']) {
        await E(first.console.kernel).launch(configs[name]);
      }
      let image = await first.stop();
      let counted = 0;
      let sent = 0;
      for (const { deeds, isToCrash } of story) {
        const rig = await rigs.start({ baseUrl, image });
        const end = await doAll(rig, deeds, isToCrash);
        ({ image } = end);
        counted += end.counted;
        sent += deeds.filter(deed => deed === 'count').length;
      }
      const last = await rigs.start({ baseUrl, image });
      const counter = (await E(last.console.kernel).root('counter')) as Remote;
      const count = Number(await E(counter).read!());
      expect(count).toBeGreaterThanOrEqual(counted);
      expect(count).toBeLessThanOrEqual(sent);
      await last.stop();
    }),
    { numRuns: Number(process.env['TRAFFIC_RUNS'] ?? 5) },
  );
}, 600_000);
