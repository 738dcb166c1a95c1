import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { makeProfile, startExtension, type Extension } from './harness.ts';
import { clear } from './play.ts';

/** `KILLS_SEED` plays the moments of an earlier run again, as far as two processes can. */
const seed = Number(process.env['KILLS_SEED'] ?? 1);
const ROUNDS = Number(process.env['KILLS_ROUNDS'] ?? 2);
/** Answers of another vat while an upgrade goes from its beginning to its end, about. */
const MOST_ANSWERS = 120;

/** A counter whose counts are durable objects; each version says which it is. */
const codeOf = (
  version: number,
  { kind = 'Counter', spin = 'for (;;);' } = {},
) => ({
  text: JSON.stringify({
    moduleFormat: 'cooperageScript',
    imports: ['@endo/far', '@agoric/vat-data'],
    source: `imports => {
      const { Far } = imports['@endo/far'];
      const { prepareExoClass, provide } = imports['@agoric/vat-data'];
      const buildRootObject = (vatPowers, parameters, baggage) => {
        const makeCounter = prepareExoClass(baggage, '${kind}', undefined, () => ({ count: 0 }), {
          increment() { this.state.count += 1; return this.state.count; },
        });
        const counter = provide(baggage, 'counter', makeCounter);
        return Far('Root', {
          version: () => harden([${version}, parameters.is]),
          counter: () => counter,
          increment: () => counter.increment(),
          spin: () => { ${spin} },
        });
      };
      return { buildRootObject };
    }`,
  }),
});

const config = JSON.stringify({
  name: 'counter',
  vats: {
    main: { bundle: codeOf(1), parameters: { is: 'first' }, deadline: 2_000 },
    other: { bundle: codeOf(1), parameters: { is: 'other' } },
  },
});

const MAIN = `E(kernel).root('counter', 'main')`;

describe('an upgrade from the console', () => {
  let extension: Extension;
  beforeAll(async () => {
    extension = await startExtension();
  });
  afterEach(() => clear(extension));
  afterAll(() => extension.close());

  it('gives a running counter other code: it keeps its count, and references to it stay good', async () => {
    expect(
      await extension.inConsole(`(async () => {
        await E(kernel).launch(${config});
        const main = await ${MAIN};
        const counter = await E(main).counter();
        await E(counter).increment();
        const upgraded = E(kernel).upgrade('counter', 'main', ${JSON.stringify(codeOf(2))}, { parameters: { is: 'second' } });
        const meanwhile = E(counter).increment();
        return [await upgraded, await meanwhile, await E(main).version(), await E(counter).increment(), await E(main).counter() === counter];
      })()`),
    ).toEqual([{ incarnation: 2 }, 2, [2, 'second'], 3, true]);
  });

  it('that fails says why, and the counter goes on as it was', async () => {
    const bad = JSON.stringify(codeOf(2, { kind: 'Other' }));
    expect(
      await extension.inConsole(`(async () => {
        await E(kernel).launch(${config});
        const main = await ${MAIN};
        await E(main).increment();
        const { code, message } = await E(kernel).upgrade('counter', 'main', ${bad}).catch(problem => problem);
        const [{ vats: [{ state, incarnation }] }] = await E(kernel).clusters();
        return { code, message, state, incarnation, version: await E(main).version(), count: await E(main).increment() };
      })()`),
    ).toEqual({
      code: 'UPGRADE_FAILED',
      message: expect.stringMatching(/^Vat main was not upgraded: Error: /),
      state: 'running',
      incarnation: 1,
      version: [1, 'first'],
      count: 2,
    });
  });

  it('frees a vat that spun and was suspended, and what was sent to it is answered', async () => {
    const fixed = JSON.stringify(codeOf(2, { spin: `return 'spun';` }));
    expect(
      await extension.inConsole(`(async () => {
        await E(kernel).launch(${config});
        const main = await ${MAIN};
        const spinning = E(main).spin();
        const behind = E(main).increment();
        const other = await E(kernel).root('counter', 'other');
        const stateOf = async () => (await E(kernel).clusters())[0].vats[0].state;
        while (await stateOf() !== 'suspended') await E(other).increment();
        const { incarnation } = await E(kernel).upgrade('counter', 'main', ${fixed});
        return [incarnation, await spinning, await behind, await stateOf()];
      })()`),
    ).toEqual([3, 'spun', 1, 'running']);
  });
});

describe(`a SIGKILL of the browser in the middle of an upgrade (KILLS_SEED=${seed})`, () => {
  const profile = makeProfile();
  let extension: Extension;
  let version = 1;
  beforeAll(async () => {
    extension = await startExtension({ profile: profile.path });
    await extension.inConsole(`E(kernel).launch(${config}).then(() => {})`);
  });
  afterAll(async () => {
    await extension.close();
    profile.dispose();
  });

  it.each(Array.from({ length: ROUNDS }, (_, round) => round + 1))(
    'leaves the vat wholly as it was, or wholly renewed (round %i)',
    async round => {
      const next = version + 1;
      const moment = ((seed + 1) * round * 48_271) % MOST_ANSWERS;
      const before = await extension.inConsole<{
        count: number;
        isUpgraded: boolean;
      }>(`(async () => {
        const main = await ${MAIN};
        const count = await E(main).increment();
        let isUpgraded = false;
        E(kernel).upgrade('counter', 'main', ${JSON.stringify(codeOf(next))}, { parameters: { is: 'number ${next}' } })
          .then(() => { isUpgraded = true; }, () => {});
        const other = await E(kernel).root('counter', 'other');
        for (let nth = 0; nth < ${moment}; nth += 1) await E(other).increment();
        return { count, isUpgraded };
      })()`);
      await extension.killBrowser();
      extension = await startExtension({ profile: profile.path });
      const after = await extension.inConsole<{
        count: number;
        found: [number, string];
      }>(
        `(async () => ({ found: await E(${MAIN}).version(), count: await E(${MAIN}).increment() }))()`,
      );
      expect(after.count).toBe(before.count + 1);
      expect([version, next]).toContain(after.found[0]);
      if (before.isUpgraded) {
        expect(after.found[0]).toBe(next);
      }
      expect(after.found[1]).toBe(
        after.found[0] === 1 ? 'first' : `number ${after.found[0]}`,
      );
      [version] = after.found;
    },
  );
});
