import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { makeProfile, startExtension, type Extension } from './harness.ts';
import { counterOf, DOOMED, PAIR, STEADY } from './kill-moments-cluster.ts';
import {
  armSteps,
  makeSteppedDist,
  tellSteps,
  whenHeld,
} from './kernel-steps.ts';
import { listFiles } from './stock.ts';

/**
 * How many moments of each deed; two hundred are all of them, about, and take an hour
 * or more. Some of them alone: `-t 'counted|moment (7|107) of 200'`.
 */
const MOMENTS = Number(process.env['KILLS_MOMENTS'] ?? 3);
/** Moves the moments. */
const seed = Number(process.env['KILLS_SEED'] ?? 1);
const share = ((seed * 48_271) % 101) / 101;

const inCluster = (cluster: string, vat: string): string =>
  `E(kernel).root('${cluster}', '${vat}')`;
const RELAY = inCluster('steady', 'relay');
const WATCHER = inCluster('steady', 'watcher');

/** What is done, from the console, and what must be found when all have come back. */
type Deed = {
  /** Before the steps are counted. */
  readonly prepare?: string;
  /** Fulfills when it is answered; what follows from it may go on. */
  readonly order: () => string;
  /** Fulfills when all that follows is done. */
  readonly rest: string;
  /** Throws when it is neither whole nor not at all; cleans up. */
  readonly check: (isAnswered: boolean) => Promise<void>;
};

describe(`a SIGKILL of the browser between two steps of the kernel (KILLS_SEED=${seed})`, () => {
  const profile = makeProfile();
  let dist: ReturnType<typeof makeSteppedDist>;
  let extension: Extension;
  /** Of the counter. */
  let version = 1;
  const stepsOf = new Map<string, readonly string[]>();
  let kills = 0;

  const open = async (): Promise<void> => {
    extension = await startExtension({
      profile: profile.path,
      extensionDir: dist.folder,
    });
  };
  const clusters = (): Promise<readonly string[]> =>
    extension.inConsole(
      `E(kernel).clusters().then(all => all.map(({ name }) => name).sort())`,
    );
  /** Files of vats that are not there. */
  const strayFiles = async (): Promise<readonly string[]> => {
    const living = await extension.inConsole<readonly string[]>(
      `E(kernel).clusters().then(all => all.flatMap(({ vats }) => vats.map(({ id }) => id)))`,
    );
    return (await listFiles(extension)).filter(file => {
      const vat = /^\/vat-(v\d+)\.sqlite/.exec(file)?.[1];
      return vat !== undefined && !living.includes(vat);
    });
  };
  /** Nothing is left of any cluster but the steady one. */
  const insistClean = async (): Promise<void> => {
    expect(await clusters()).toEqual(['steady']);
    await expect.poll(strayFiles, { timeout: 60_000 }).toEqual([]);
  };

  const checkLaunch: Deed['check'] = async isAnswered => {
    const isThere = (await clusters()).includes('pair');
    if (isThere) {
      const found = await extension.inConsole(`(async () => {
        const look = async () => (await E(kernel).clusters()).find(({ name }) => name === 'pair');
        const a = await ${inCluster('pair', 'a')};
        let word = null;
        let problem;
        do {
          word = await E(a).word();
          problem = (await look()).bootstrapProblem;
        } while (word === null && problem === undefined);
        return {
          vats: (await look()).vats.map(({ name }) => name).sort(),
          bootstrap: problem === undefined ? word : [word, problem],
          answer: await E(${inCluster('pair', 'b')}).answer(),
        };
      })()`);
      expect([
        'hello',
        [null, expect.stringMatching(/vat upgraded|anew|restart/i)],
      ]).toContainEqual(Reflect.get(Object(found), 'bootstrap'));
      expect(found).toMatchObject({ vats: ['a', 'b'], answer: 'hello' });
      await extension.inConsole(`E(kernel).terminate('pair')`);
    }
    if (isAnswered) {
      expect(isThere).toBe(true);
    }
    await insistClean();
  };

  const checkUpgrade: Deed['check'] = async isAnswered => {
    const next = version + 1;
    const { found, audit } = await extension.inConsole<{
      found: [number, string];
      audit: { passed: number; counted: number };
    }>(`(async () => ({
      audit: await E(${RELAY}).audit(),
      found: await E(${inCluster('steady', 'counter')}).version(),
    }))()`);
    expect(isAnswered ? [next] : [version, next]).toContain(found[0]);
    [version] = found;
    expect(found[1]).toBe(`number ${version}`);
    expect(audit.counted).toBe(audit.passed);
    await insistClean();
  };

  const checkTermination: Deed['check'] = async isAnswered => {
    const isThere = (await clusters()).includes('doomed');
    if (isThere) {
      const found = await extension.inConsole(`(async () => {
        const { vats } = (await E(kernel).clusters()).find(({ name }) => name === 'doomed');
        return {
          vats: vats.map(({ name, state, waiting }) => [name, state, waiting]),
          answer: await E(${inCluster('doomed', 'y')}).answer(),
          told: await E(${WATCHER}).told(),
        };
      })()`);
      expect(found).toEqual({
        vats: [
          ['x', 'paused', 1],
          ['y', 'asleep', 0],
        ],
        answer: 'hello',
        told: [],
      });
      await extension.inConsole(`E(kernel).terminate('doomed')`);
    }
    if (isAnswered) {
      expect(isThere).toBe(false);
    }
    await insistClean();
    // After a collection nothing is under way that could tell once more.
    const told = await extension.inConsole(
      `E(kernel).collect().then(() => E(${WATCHER}).told())`,
    );
    expect(told).toEqual([expect.stringContaining('terminated')]);
  };

  const deeds: Readonly<Record<string, Deed>> = {
    'a launch': {
      order: () => `E(kernel).launch(${PAIR})`,
      rest: `E(${inCluster('pair', 'a')}).word().then(() => E(${inCluster('pair', 'b')}).answer())`,
      check: checkLaunch,
    },
    'an upgrade': {
      order: () => `(async () => {
        const relay = await ${RELAY};
        const upgraded = E(kernel).upgrade('steady', 'counter', ${JSON.stringify(counterOf(version + 1))}, { parameters: { is: 'number ${version + 1}' } });
        void E(relay).pass();
        void E(relay).pass();
        return upgraded;
      })()`,
      rest: `E(${RELAY}).audit()`,
      check: checkUpgrade,
    },
    'a termination': {
      prepare: `(async () => {
        await E(kernel).launch(${DOOMED});
        await E(kernel).pause('doomed', 'x');
        await E(${WATCHER}).watch(${inCluster('doomed', 'x')});
      })()`,
      order: () => `E(kernel).terminate('doomed')`,
      rest: `(async () => {
        const watcher = await ${WATCHER};
        while ((await E(watcher).told()).length === 0);
      })()`,
      check: checkTermination,
    },
  };

  /** Does it until the kernel is held, or until all is done; gives whether it was answered. */
  const doUntil = async (
    { prepare, order, rest }: Deed,
    holdBefore?: number,
  ): Promise<{ readonly isAnswered: boolean; readonly after: string }> => {
    if (prepare !== undefined) {
      await extension.inConsole(`${prepare}.then(() => {})`);
    }
    await armSteps(extension, holdBefore);
    const held = whenHeld(extension).then(steps => steps.slice(-3).join(' '));
    let isAnswered = false;
    const done = extension
      .inConsole(`${order()}.then(() => {})`)
      .then(() => {
        isAnswered = true;
        return extension.inConsole(`${rest}.then(() => {})`);
      })
      .then(() => 'all');
    // The one who is not first is lost with the browser.
    held.catch(() => {});
    done.catch(() => {});
    const after = await Promise.race([held, done]);
    return { isAnswered, after };
  };

  beforeAll(async () => {
    dist = makeSteppedDist();
    await open();
    await extension.inConsole(`E(kernel).launch(${STEADY}).then(() => {})`);
  });
  afterAll(async () => {
    const steps = [...stepsOf].map(([name, { length }]) => [name, length]);
    console.log(
      `kill moments: ${JSON.stringify({ kills, steps: Object.fromEntries(steps) })}`,
    );
    await extension.close();
    profile.dispose();
    dist.dispose();
  });

  it('finds each deed done when nobody is killed, and its steps are counted', async () => {
    for (const [name, deed] of Object.entries(deeds)) {
      const { isAnswered } = await doUntil(deed);
      stepsOf.set(name, await tellSteps(extension));
      await deed.check(isAnswered);
    }
    expect([...stepsOf.values()].every(steps => steps.includes('flush'))).toBe(
      true,
    );
  });

  it.each(
    Object.keys(deeds).flatMap(name =>
      Array.from(
        { length: MOMENTS },
        (_, index) => [name, index + 1, MOMENTS] as const,
      ),
    ),
  )(
    'leaves %s whole, or not at all, and tells nobody twice (moment %i of %i)',
    async (name, nth) => {
      const deed = deeds[name];
      if (deed === undefined) {
        throw new Error(`no deed is called ${name}`);
      }
      const count = stepsOf.get(name)?.length ?? 0;
      const step = Math.floor(((nth - 1 + share) / MOMENTS) * count);
      const { isAnswered, after } = await doUntil(deed, step);
      await extension.killBrowser();
      kills += 1;
      await open();
      await deed.check(isAnswered).catch((problem: unknown) => {
        throw new Error(
          `killed before step ${step} of ${count}, after: ${after}`,
          { cause: problem },
        );
      });
    },
  );
});
