import 'vite'; // what it imports can't be loaded after lockdown
import '@cooperage/vat-supervisor/testing/lockdown';
import { isFuzzing, tryEach } from '@cooperage/kernel/testing/fuzz';
import { E } from '@endo/far';
import fc from 'fast-check';
import { afterAll, expect, it } from 'vitest';
import type { VatLauncher } from '@cooperage/kernel';
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

const BUSY = {
  name: 'busy',
  vats: {
    busy: {
      bundle: {
        text: JSON.stringify({
          moduleFormat: 'cooperageScript',
          imports: ['@endo/far'],
          source: `imports => ({ buildRootObject: () => imports['@endo/far'].Far('Busy', { work: () => 0 }) })`,
        }),
      },
    },
  },
};

/** Vats of which the one called busy can be kept at work: what it has done is heard only later. */
const makeKeptVats = () => {
  const vats = makeLocalVats();
  let onKept: (() => void) | undefined;
  let release = (): void => {};
  const launch: VatLauncher['launch'] = async (vat, label) => {
    const port = await vats.launch(vat, label);
    return label !== 'busy'
      ? port
      : {
          ...port,
          receive: (onMessage, onLost) =>
            port.receive(message => {
              if (onKept && Object(message).type === 'done') {
                release = () => onMessage(message);
                onKept();
                onKept = undefined;
              } else {
                onMessage(message);
              }
            }, onLost),
        };
  };
  return {
    vats: { launch },
    /** Resolves when it is at work, with what lets it end. */
    keep: async (work: () => Promise<unknown>): Promise<() => void> => {
      await work(); // it has started then
      const kept = new Promise<void>(resolve => {
        onKept = resolve;
      });
      work().catch(() => {}); // lost with the kernel
      await kept;
      return () => {
        release();
        release = () => {};
      };
    },
  };
};

const run = async (steps: Step[]): Promise<void> => {
  let onCrank = (): void => {};
  const { vats, keep } = makeKeptVats();
  const start = (image?: NodeImage): Promise<Rig> =>
    rigs.start({
      storage: 'memory',
      vats,
      soonTurns: 10,
      epochMilliseconds: 60_000,
      afterCrank: () => onCrank(),
      ...(image === undefined ? {} : { image }),
    });
  const calm = await start();
  let stormy = await start();
  await E(calm.console.kernel).launch(renewedCluster(cluster));
  await E(stormy.console.kernel).launch(renewedCluster(cluster));
  await E(stormy.console.kernel).launch(BUSY);
  const { answers, ...counted } = await runProgram(
    [
      { cluster, rig: () => calm },
      {
        cluster,
        rig: () => stormy,
        reboot: async () => {
          stormy = await start(await stormy.crash());
        },
        occupy: () =>
          keep(async () => {
            const busy = await E(stormy.console.kernel).root('busy');
            return E(Object(busy)).work();
          }),
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
  // Mostly at once: before what was answered could be committed, had it not been.
  const reboot = fc.option(fc.oneof(fc.constant(0), fc.nat(3)), {
    nil: null,
    freq: 2,
  });
  await tryEach(programs(reboot), [2, 4], run);
  expect(tried.rejected).toBeLessThan(tried.answers / 2);
  if (!isFuzzing) {
    expect(tried.reboots).toBeGreaterThan(2);
    expect(tried.renewed).toBeGreaterThan(6);
  }
}, 3_600_000);
