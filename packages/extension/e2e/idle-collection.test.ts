import { TEST_CONFIGS } from '@cooperage/kit/acceptance';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { startExtension, type Extension } from './harness.ts';

let extension: Extension;
beforeAll(async () => {
  extension = await startExtension();
  await extension.inConsole(`(async () => {
    await E(kernel).launch(${JSON.stringify(TEST_CONFIGS.garbage)});
    for (const vat of ['maker', 'left', 'right']) {
      globalThis[vat] = await E(kernel).root('garbage', vat);
    }
    globalThis.mark = await E(kernel).mark();
  })()`);
});
afterAll(() => extension.close());

/** What grew since the mark, of the things and of the vats' references; not what became less, as of the launch. Looking is no work for any vat, and collects nothing. */
const findGrown = () =>
  extension.inConsole<{
    things: number;
    vats: Record<string, string>;
  }>(`(async () => {
    const { interfaces, endpoints } = await E(kernel).grownSince(mark);
    const things = interfaces.find(each => each.interface === 'Alleged: Thing');
    const vats = endpoints
      .map(({ who, ...grew }) => [who.split(' ')[0], ['exports', 'imports'].filter(kind => grew[kind] > 0).map(kind => kind + ' ' + grew[kind]).join()])
      .filter(([who, grew]) => who.startsWith('garbage.') && grew !== '');
    return { things: things?.grew ?? 0, vats: Object.fromEntries(vats.sort()) };
  })()`);

const whenGrown = (grown: Awaited<ReturnType<typeof findGrown>>) =>
  expect.poll(findGrown, { interval: 250, timeout: 60_000 }).toEqual(grown);

it('what vats let go of goes from the kernel’s tables and from its exporter although nobody asks, with each importer for itself', async () => {
  await extension.inConsole(`(async () => {
    await E(left).take(maker, 300);
    await E(left).share(right);
  })()`);
  await whenGrown({
    things: 300,
    vats: {
      'garbage.left': 'imports 300',
      'garbage.maker': 'exports 300',
      'garbage.right': 'imports 300',
    },
  });
  await extension.inConsole(`E(left).letGo()`);
  await whenGrown({
    things: 300,
    vats: {
      'garbage.maker': 'exports 300',
      'garbage.right': 'imports 300',
    },
  });
  expect(await extension.inConsole(`E(right).pingHeld()`)).toBe(
    Array.from({ length: 300 }, () => 'pong').join(' '),
  );
  await extension.inConsole(`E(right).letGo()`);
  await whenGrown({ things: 0, vats: {} });
  expect(
    await extension.inConsole(
      `E(left).take(maker, 2).then(() => E(left).pingHeld())`,
    ),
  ).toBe('pong pong');
});
