import { afterAll, beforeAll, expect, it } from 'vitest';
import { startExtension, type Extension } from './harness.ts';
import { sampleConfig } from './samples.ts';

/** Of each heap: more than the kernel and its vats need here, and soon full. */
const HEAP_MEGABYTES = 96;
/** So long that it is never the deadline which ends a vat. */
const DEADLINE = 600_000;
/** Turns of a loop: about a second's work. */
const TURNS = 1_000_000_000;

const bundleOf = (source: string) => ({
  text: JSON.stringify({
    moduleFormat: 'cooperageScript',
    imports: ['@endo/far'],
    source: `imports => {
      const { E, Far } = imports['@endo/far'];
      return { buildRootObject: (vatPowers, parameters, baggage) => {
        ${source}
      } };
    }`,
  }),
});

/** Makes vats whose heap overflows as they start. */
const BOMBER = {
  name: 'bomber',
  services: [{ service: 'vatAdmin', deadline: DEADLINE }],
  bundles: {
    bomb: bundleOf('for (let chain = {}; ; chain = { chain, more: [chain] });'),
  },
  vats: {
    maker: {
      bundle: bundleOf(`return Far('Maker', {
        bootstrap: (vats, { vatAdmin }) => { baggage.init('admin', vatAdmin); },
        bear: name => E(baggage.get('admin')).createVat('bomb', {
          name,
          policy: { deadline: ${DEADLINE} },
        }),
      });`),
    },
  },
};

let extension: Extension;
beforeAll(async () => {
  extension = await startExtension({
    args: [`--js-flags=--max-old-space-size=${HEAP_MEGABYTES}`],
  });
});
afterAll(() => extension.close());

it('a heap that overflows takes the process of the vats: at its second loss the vat is suspended; who was in flight beside it, and all others, go on with their stores', async () => {
  const { rogue } = JSON.parse(sampleConfig('rogue')).vats;
  const patient = { ...rogue, deadline: DEADLINE };
  const { counter } = JSON.parse(sampleConfig('counter')).vats;
  const configs = [
    { name: 'glutton', vats: { glutton: patient } },
    { name: 'toiler', vats: { toiler: patient } },
    { name: 'counter', vats: { counter } },
  ];
  const found = await extension.inConsole(`(async () => {
    const configs = ${JSON.stringify(configs)};
    const vatOf = async name => {
      const { clusters } = await E(kernel).status();
      return clusters.find(each => each.name === name).vats[0];
    };
    await Promise.all(configs.map(config => E(kernel).launch(config)));
    const counts = [await E(home.counter).increment()];
    let isOver = false;
    E(home.glutton).overflow().catch(() => {}).then(() => { isOver = true; });
    // In flight beside the glutton until the process is lost, and delivered again after it.
    const turns = new Set();
    do {
      turns.add(await E(home.toiler).toil(${TURNS}));
    } while ((await vatOf('toiler')).incarnation === 1);
    // Waits for the glutton, which is alone, for a second at most; later ones could be in flight when the process is lost.
    const next = E(home.counter).increment();
    while ((await vatOf('glutton')).state !== 'suspended');
    counts.push(await next, await E(home.counter).increment());
    turns.add(await E(home.toiler).toil(1));
    return {
      isOver,
      glutton: await vatOf('glutton'),
      toiler: await vatOf('toiler'),
      turns: [...turns],
      isCounting: counts.every((count, index) => count === index + 1),
    };
  })()`);
  expect(found).toMatchObject({
    isOver: false,
    glutton: {
      reason: 'the process of the vats was lost',
      incarnation: 3,
      waiting: 1,
    },
    toiler: { state: 'running', incarnation: 3 },
    turns: [TURNS, 1],
    isCounting: true,
  });
});

it('a vat whose children overflow their heaps as they are born is suspended at the second loss, and nobody else', async () => {
  const found = await extension.inConsole(`(async () => {
    await E(kernel).launch(${JSON.stringify(BOMBER)});
    const vatOf = async name => {
      const { clusters } = await E(kernel).status();
      return clusters.find(each => each.name === name).vats[0];
    };
    for (const [name, incarnation] of [['one', 2], ['two', 3]]) {
      E(home.bomber).bear(name).catch(() => {});
      while ((await vatOf('bomber')).incarnation < incarnation);
    }
    return { maker: await vatOf('bomber'), counter: typeof await E(home.counter).increment() };
  })()`);
  expect(found).toMatchObject({
    maker: {
      state: 'suspended',
      reason: expect.stringContaining('vat two, whose start it asked for'),
    },
    counter: 'number',
  });
});
