import { SAMPLES } from './before-lockdown.ts';
import '@cooperage/client/lockdown';
import { runInThisContext } from 'node:vm';
import { afterAll, describe, expect, it } from 'vitest';
import {
  makeWorld,
  SCENARIOS,
  TEST_CONFIGS,
  type Configs,
  type Scenario,
  type Step,
} from './acceptance/scenarios.ts';
import { copyNodeImage, makeNodeImage } from './node-platform.ts';
import { takeStock, type Rig } from './rig.ts';
import { useRigs } from './testing/rigs.ts';

afterAll(() => SAMPLES.remove());
const rigs = useRigs();

/** Evaluated anew from its text, so that a step that refers to anything outside fails here too. */
const alone = (step: Step): Step => runInThisContext(`(${String(step)})`);

const play = async (rig: Rig, step: Step): Promise<void> => {
  const configs = { ...SAMPLES.configs, ...TEST_CONFIGS } as Configs;
  const { E, Far, kernel, home } = rig.console;
  // The scenarios send what they like, without types of what they send it to.
  const realm = { E, Far, kernel, home } as never;
  const world = makeWorld(realm, configs);
  await alone(step)(world);
};

const run = async ({ steps, leavesNothing }: Scenario): Promise<void> => {
  let image = makeNodeImage('sqlite');
  for (const [index, step] of steps.entries()) {
    const rig = await rigs.start({ image, baseUrl: SAMPLES.baseUrl });
    try {
      const before = await takeStock(rig);
      await play(rig, step);
      if (leavesNothing === true) {
        rig.console.close();
        expect(await takeStock(rig)).toEqual(before);
      }
    } catch (problem) {
      console.error(rig.logs.map(({ label, text }) => `${label}: ${text}`));
      throw problem;
    }
    const isLast = index === steps.length - 1;
    image = copyNodeImage(await (isLast ? rig.stop() : rig.crash()));
  }
};

describe('with a kernel, vats and a console in Node', () => {
  it.each(SCENARIOS.map(scenario => [scenario.title, scenario] as const))(
    '%s',
    (_title, scenario) => run(scenario),
    240_000,
  );
});
