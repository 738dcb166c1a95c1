import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { startExtension, type Extension } from './harness.ts';
import { clear } from './play.ts';
import { sampleConfig } from './samples.ts';
import { type } from './typing.ts';

/** Keeps an object of somebody else's, calls it, and remembers what came of it. */
const HOLDER = `imports => {
  const { E, Far } = imports['@endo/far'];
  return {
    buildRootObject: () => {
      const outcomes = [];
      let held;
      const remember = (what, promise) =>
        promise.then(
          value => { outcomes.push(what + ' gave ' + value); },
          reason => { outcomes.push(what + ' was rejected: ' + reason.name); },
        );
      return Far('Holder', {
        hold: object => { held = object; },
        startCall: method => { remember(method, E(held)[method]()); },
        call: method => remember(method, E(held)[method]()),
        await: promise => { remember('the promise', promise); },
        listOutcomes: () => harden([...outcomes]),
      });
    },
  };
}`;

const HOLDER_CONFIG = JSON.stringify({
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
});

describe('the console in the service worker', () => {
  let extension: Extension;
  beforeAll(async () => {
    extension = await startExtension();
  });
  afterEach(() => clear(extension));
  afterAll(() => extension.close());

  const launch = (config: string) =>
    extension.inConsole(`E(kernel).launch(${config}).then(() => {})`);

  /** What the console shows for the value, or for what was thrown. */
  const show = async (text: string) => {
    const { result, uncaught } = await type(extension, text);
    return result ?? uncaught;
  };

  it('prints a presence by its interface and its kref, however it was reached', async () => {
    await launch(sampleConfig('demo'));
    await type(extension, `const one = await E(kernel).root('demo', 'bob')`);
    await type(extension, `await E(kernel).keep('friend', one)`);
    const shown = [
      await show(`one`),
      await show(`await home.friend`),
      await show(`await E(one).makeFriend('kim')`),
      await show(`(await E(kernel).launch(${sampleConfig('counter')})).root`),
      await show(`await home.demo`),
    ].map(each => each?.description);
    expect(shown).toEqual([
      expect.stringMatching(/^Alleged: bob \(ko\d+\)$/),
      shown[0],
      expect.stringMatching(/^Alleged: Friend kim \(ko\d+\)$/),
      expect.stringMatching(/^Alleged: counter \(ko\d+\)$/),
      expect.stringMatching(/^Alleged: alice \(ko\d+\)$/),
    ]);
  });

  it('prints home with what is in it', async () => {
    await launch(sampleConfig('demo'));
    await launch(sampleConfig('counter'));
    await type(
      extension,
      `await E(kernel).keep('friend', await E(kernel).root('demo', 'bob'))`,
    );
    await type(extension, `await home.friend`);
    const shown = await show(`home`);
    const printed = shown?.preview?.properties.map(({ name, value }) => [
      name,
      value,
    ]);
    expect(Object.fromEntries(printed ?? [])).toEqual({
      counter: expect.stringMatching(/^Alleged: counter \(ko\d+\)$/),
      demo: expect.stringMatching(/^Alleged: alice \(ko\d+\)$/),
      friend: expect.stringMatching(/^Alleged: bob \(ko\d+\)$/),
    });
  });

  it('shows values as what they are', async () => {
    await launch(sampleConfig('demo'));
    await type(extension, `const two = await E(kernel).root('demo', 'bob')`);
    const echo = (text: string) => show(`await E(two).echo(${text})`);
    expect([
      await echo(`12n`),
      await echo(`undefined`),
      await echo(`NaN`),
      await echo(`'text'`),
      await echo(`[1, [2n], { three: 'III' }]`),
      await echo(`{ a: { b: 'c' } }`),
      await echo(`RangeError('too far')`),
      await show(`JSON.stringify(await E(two).echo({ a: { b: [null] } }))`),
    ]).toMatchObject([
      { type: 'bigint', description: '12n' },
      { type: 'undefined' },
      { type: 'number', description: 'NaN' },
      { type: 'string', value: 'text' },
      { type: 'object', subtype: 'array', description: 'Array(3)' },
      { type: 'object', className: 'Object' },
      {
        type: 'object',
        subtype: 'error',
        description: expect.stringMatching(/^RangeError: too far/),
      },
      { type: 'string', value: '{"a":{"b":[null]}}' },
    ]);
  });

  it.each([
    [
      'what a vat threw, by its name and its words',
      `await E(await E(kernel).root('demo', 'bob')).fail('not now')`,
      /^TypeError: bob can't: not now/,
    ],
    [
      'which methods there are',
      `await E(await E(kernel).root('demo', 'carol')).sing()`,
      /no method "sing", has .*"getNotebook","hello"/,
    ],
    [
      'which clusters there are',
      `await E(kernel).root('nowhere')`,
      /no cluster "nowhere"; there is demo/,
    ],
    [
      'which vats there are',
      `await E(kernel).root('demo', 'zoe')`,
      /no vat "zoe"; it has alice, bob, carol/,
    ],
    [
      'what a kref looks like',
      `await E(kernel).reference('bob')`,
      /"bob" is no kref; one looks like ko12/,
    ],
  ])('says after a mistake %s', async (_what, text, words) => {
    await launch(sampleConfig('demo'));
    const { uncaught } = await type(extension, text);
    expect(uncaught).toMatchObject({
      subtype: 'error',
      description: expect.stringMatching(words),
    });
  });

  it('loses its session with the service worker: who held its objects and promises hears of it', async () => {
    await launch(HOLDER_CONFIG);
    await extension.inConsole(`(async () => {
      const holder = await E(kernel).root('holder');
      const mine = Far('mine', {
        ping: () => 'pong',
        slow: () => new Promise(() => {}),
      });
      await E(holder).hold(mine);
      await E(holder).call('ping');
      await E(holder).startCall('slow');
      await E(holder).await(new Promise(() => {}));
      globalThis.holder = holder;
    })()`);
    await extension.stopServiceWorker();
    const after = await extension.inConsole<unknown>(`(async () => {
      const isNewRealm = !('holder' in globalThis);
      const holder = await E(kernel).root('holder');
      await E(holder).call('ping');
      const [first, second, third, ...rest] = await E(holder).listOutcomes();
      return { isNewRealm, outcomes: [first, ...[second, third].sort(), ...rest] };
    })()`);
    expect(after).toEqual({
      isNewRealm: true,
      // Told together: which of the two is heard first depends on what each passes through.
      outcomes: [
        'ping gave pong',
        ...[
          'slow was rejected: Error',
          'the promise was rejected: Error',
        ].sort(),
        'ping was rejected: Error',
      ],
    });
  });
});
