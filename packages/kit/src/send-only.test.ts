import './before-lockdown.ts';
import '@cooperage/client/lockdown';
import { E } from '@endo/far';
import { expect, it } from 'vitest';
import { useRigs } from './testing/rigs.ts';

const rigs = useRigs();

const SOURCE = `imports => {
  const { E, Far } = imports['@endo/far'];
  const { HandledPromise } = imports['@endo/eventual-send'];
  const heard = [];
  return {
    buildRootObject: () => Far('Root', {
      note: what => { heard.push(what); },
      fail: () => { throw Error('on purpose'); },
      heard: () => heard.join(),
      sendOnlyTo: async (presence, promise) => {
        E.sendOnly(presence).note('presence');
        E.sendOnly(promise).note('promise');
        E.sendOnly(presence).fail();
        HandledPromise.applyMethodSendOnly(presence, 'note', ['static']);
        return [
          E.sendOnly(presence).note('last'),
          new HandledPromise(() => {}) instanceof Promise,
          Object.isFrozen(HandledPromise),
        ];
      },
    }),
  };
}`;

const bundle = {
  text: JSON.stringify({
    moduleFormat: 'cooperageScript',
    source: SOURCE,
    imports: ['@endo/far', '@endo/eventual-send'],
  }),
};

type Root = {
  sendOnlyTo(presence: unknown, promise: unknown): Promise<unknown>;
  heard(): Promise<string>;
};

it('sends the messages of a vat that wants no answer, and nobody hears of their failure', async () => {
  const rig = await rigs.start({ storage: 'memory' });
  const { kernel } = rig.console;
  await E(kernel).launch({
    name: 'two',
    bootstrap: 'one',
    vats: { one: { bundle }, other: { bundle } },
  });
  const [one, other] = (await Promise.all(
    ['one', 'other'].map(vat => E(kernel).root('two', vat)),
  )) as [Root, Root];
  const later = new Promise(
    resolve =>
      void E(one)
        .heard()
        .then(() => resolve(other)),
  );
  expect(await E(one).sendOnlyTo(other, later)).toEqual([
    undefined,
    true,
    true,
  ]);
  await E(kernel).collect();
  expect((await E(other).heard()).split(',').sort()).toEqual([
    'last',
    'presence',
    'promise',
    'static',
  ]);
  expect(
    rig.logs.filter(({ level }) => level === 'warn' || level === 'error'),
  ).toEqual([]);
});
