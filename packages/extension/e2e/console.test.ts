import { SUITES } from '@cooperage/kit/acceptance';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { startExtension, type Extension } from './harness.ts';
import {
  configOf,
  loseKernelWorker,
  playScenario,
  sweep,
  titled,
} from './play.ts';

/** Keeps an object of somebody else's, calls it, and remembers what came of it. */
const HOLDER = `imports => {
  const { E, Far } = imports['@endo/far'];
  return {
    buildRootObject: () => {
      const outcomes = [];
      let held;
      const call = method =>
        E(held)[method]().then(
          value => { outcomes.push(method + ' gave ' + value); },
          reason => { outcomes.push(method + ' was rejected: ' + reason.name); },
        );
      return Far('Holder', {
        hold: object => { held = object; },
        startCall: method => { call(method); },
        call: method => call(method),
        outcomes: () => harden([...outcomes]),
      });
    },
  };
}`;

const holderConfig = {
  name: 'holder',
  vats: {
    holder: {
      bundle: {
        text: JSON.stringify({
          moduleFormat: 'cooperageScript',
          source: HOLDER,
          imports: ['@endo/far'],
        }),
      },
    },
  },
};

describe('the console in the service worker', () => {
  let extension: Extension;
  beforeAll(async () => {
    extension = await startExtension();
  });
  afterEach(() => sweep(extension));
  afterAll(() => extension.close());

  const launch = (config: object) =>
    extension.inConsole<void>(
      `E(kernel).launch(${JSON.stringify(config)}).then(() => {})`,
    );
  const launchDemo = () => launch(configOf('demo'));

  it.each(titled(SUITES.demo))('%s', async (_title, scenario) => {
    await playScenario(extension, scenario, [loseKernelWorker]);
  });

  it('prints a presence by its interface and its kref', async () => {
    await launchDemo();
    await extension.type(`const bob = await E(kernel).root('demo', 'bob')`);
    const shown = [
      await extension.type(`bob`),
      await extension.type(`await E(bob).makeFriend('kim')`),
      await extension.type(
        `(await E(kernel).launch(${JSON.stringify(configOf('counter'))})).root`,
      ),
      await extension.type(`await home.demo`),
    ].map(({ result }) => result?.description);
    expect(shown).toEqual([
      expect.stringMatching(/^Alleged: bob \(ko\d+\)$/),
      expect.stringMatching(/^Alleged: Friend kim \(ko\d+\)$/),
      expect.stringMatching(/^Alleged: counter \(ko\d+\)$/),
      expect.stringMatching(/^Alleged: alice \(ko\d+\)$/),
    ]);
  });

  it('shows values as what they are', async () => {
    await launchDemo();
    await extension.type(`const b = await E(kernel).root('demo', 'bob')`);
    const show = async (text: string) =>
      (await extension.type(`await E(b).echo(${text})`)).result;
    expect([
      await show(`12n`),
      await show(`undefined`),
      await show(`NaN`),
      await show(`'text'`),
      await show(`[1, [2n], { three: 'III' }]`),
      await show(`RangeError('too far')`),
    ]).toMatchObject([
      { type: 'bigint', description: '12n' },
      { type: 'undefined' },
      { type: 'number', description: 'NaN' },
      { type: 'string', value: 'text' },
      { type: 'object', subtype: 'array', description: 'Array(3)' },
      {
        type: 'object',
        subtype: 'error',
        description: expect.stringMatching(/^RangeError: too far/),
      },
    ]);
  });

  it('shows what a vat threw by its name and its words', async () => {
    await launchDemo();
    await extension.type(`const bobby = await E(kernel).root('demo', 'bob')`);
    const { uncaught } = await extension.type(`await E(bobby).fail('not now')`);
    expect(uncaught).toMatchObject({
      subtype: 'error',
      className: 'TypeError',
      description: expect.stringMatching(/^TypeError: bob can't: not now/),
    });
  });

  it('says of an unknown cluster or vat which ones there are', async () => {
    await launchDemo();
    const cluster = await extension.type(`await E(kernel).root('nowhere')`);
    const vat = await extension.type(`await E(kernel).root('demo', 'zoe')`);
    expect([cluster.uncaught?.description, vat.uncaught?.description]).toEqual([
      expect.stringMatching(
        /CLUSTER_UNKNOWN|no cluster "nowhere"; there is demo/,
      ),
      expect.stringMatching(/no vat "zoe"; it has alice, bob, carol/),
    ]);
  });

  it('works after the service worker slept, and its session has ended as an endpoint does', async () => {
    await launch(holderConfig);
    await extension.inConsole(`(async () => {
      const holder = await E(kernel).root('holder');
      await E(holder).hold(Far('mine', {
        ping: () => 'pong',
        slow: () => new Promise(() => {}),
      }));
      await E(holder).call('ping');
      await E(holder).startCall('slow');
      globalThis.before = holder;
    })()`);
    await extension.stopServiceWorker();
    await extension.wakeServiceWorker();
    const after = await extension.inConsole<unknown>(`(async () => {
      const holder = await E(kernel).root('holder');
      await E(holder).call('ping');
      return {
        realm: typeof globalThis.before,
        outcomes: await E(holder).outcomes(),
        sessions: (await E(kernel).status()).sessions,
      };
    })()`);
    expect(after).toEqual({
      realm: 'undefined',
      outcomes: [
        'ping gave pong',
        'slow was rejected: Error',
        'ping was rejected: Error',
      ],
      sessions: 1,
    });
  });
});
