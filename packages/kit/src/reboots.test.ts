import 'vite'; // what it imports can't be loaded after lockdown
import '@cooperage/vat-supervisor/testing/lockdown';
import { isFuzzing, tryEach } from '@cooperage/kernel/testing/fuzz';
import { E } from '@endo/far';
import fc from 'fast-check';
import { afterAll, expect, it } from 'vitest';
import { runProgram, type Step } from './equivalence.ts';
import type { NodeImage } from './node-platform.ts';
import type { Rig } from './rig.ts';
import { makeLocalVats } from './testing/local-vats.ts';
import { CLIENTS, programs } from './testing/renewal-programs.ts';
import { renewedCluster } from './testing/renewed-vats.ts';
import { useRigs } from './testing/rigs.ts';

const rigs = useRigs();

const cluster = 'renewed';
const tried = { programs: 0, reboots: 0, renewed: 0, rejected: 0, answers: 0 };
afterAll(() => console.log(`reboots: ${JSON.stringify(tried)}`));

const run = async (steps: Step[]): Promise<void> => {
  let onCrank = (): void => {};
  const start = (image?: NodeImage): Promise<Rig> =>
    rigs.start({
      storage: 'memory',
      vats: makeLocalVats(),
      afterCrank: () => onCrank(),
      ...(image === undefined ? {} : { image }),
    });
  const calm = await start();
  let stormy = await start();
  await E(calm.console.kernel).launch(renewedCluster(cluster));
  await E(stormy.console.kernel).launch(renewedCluster(cluster));
  const { answers, ...counted } = await runProgram(
    [
      { cluster, rig: () => calm },
      {
        cluster,
        rig: () => stormy,
        reboot: async () => {
          stormy = await start(await stormy.crash());
        },
      },
    ],
    {
      steps,
      clients: CLIENTS,
      listen: listener => {
        onCrank = listener;
      },
    },
  );
  await calm.stop();
  await stormy.stop();
  for (const { deed, calm: expected, stormy: found } of answers) {
    expect({ deed, answer: found }).toEqual({ deed, answer: expected });
  }
  tried.programs += 1;
  tried.answers += answers.length;
  tried.reboots += counted.reboots;
  tried.renewed += counted.renewed;
  tried.rejected += counted.rejected;
};

it('vats whose kernel is lost amid what they do, and opened again over what it had stored, while they are renewed at any crank, answer as those that never were (invariants 2, 8, 10)', async () => {
  const reboot = fc.option(fc.nat(3), { nil: null, freq: 2 });
  await tryEach(programs(reboot), [1, 2], run);
  expect(tried.rejected).toBeLessThan(tried.answers / 2);
  if (!isFuzzing) {
    expect(tried.reboots).toBeGreaterThan(2);
    expect(tried.renewed).toBeGreaterThan(6);
  }
}, 3_600_000);
