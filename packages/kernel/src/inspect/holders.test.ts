import { describe, expect, it } from 'vitest';
import type { Kref } from '@cooperage/protocol';
import {
  dataOf,
  end,
  fulfil,
  makeStage,
  send,
  subscribe,
} from '../testing/stage.ts';
import { makeHolders, showHolder } from './holders.ts';
import { makeMentions } from './mentions.ts';
import { findLife } from './why-alive.ts';

/** A message is in flight to alice, and another waits for its answer. */
const setScene = async () => {
  const stage = await makeStage(['alice', 'bob']);
  const { state } = stage.rig.kernel;
  const bob = stage.root('bob');
  await stage.say(
    send(stage.root('alice'), 'ask', [bob], 'p+1'),
    send('p+1', 'more', [bob, 'o+9'], 'p+2'),
    subscribe('p+2'),
  );
  return {
    ...stage,
    state,
    holdersOf: (kref: string) => {
      const mentions = makeMentions(state);
      return makeHolders(state)
        .of(kref as Kref)
        .map(holder => showHolder(holder, mentions));
    },
    lifeOf: (kref: string, mostRows?: number) =>
      findLife(state, kref as Kref, {
        holders: makeHolders(state, mostRows),
        mentions: makeMentions(state),
      }),
  };
};

const alice = { endpoint: 'v2', name: 'demo.alice' };
const bob = { endpoint: 'v3', name: 'demo.bob' };
const boot = { endpoint: 'v1', name: 'demo.boot' };
const client = { endpoint: 's3', name: 'test' };
const answer = { kref: 'kp2', iface: null, name: null };
const imported = (endpoint: object, vref: string) => ({
  by: 'clist',
  endpoint,
  vref,
  isExport: vref.includes('+'),
  reachable: true,
});

describe('who holds what', () => {
  it('is told of c-lists, roots, inboxes, parked messages and names', async () => {
    const stage = await setScene();
    await stage.client.rpc.call('keep', {
      name: 'friend',
      vref: stage.root('bob'),
    });
    expect(['ko3', 'ko4', 'kp2', 'kp3'].map(stage.holdersOf)).toEqual([
      [
        imported(boot, 'o-51'),
        imported(client, 'o-3'),
        { by: 'home', name: 'friend' },
        { by: 'root', vat: bob },
        { by: 'inbox', endpoint: alice, as: 'argument' },
        { by: 'parked', promise: answer, as: 'argument' },
      ],
      [{ by: 'parked', promise: answer, as: 'argument' }],
      [imported(client, 'p+1'), { by: 'inbox', endpoint: alice, as: 'result' }],
      [
        imported(client, 'p+2'),
        { by: 'parked', promise: answer, as: 'result' },
      ],
    ]);
    const roots = [...makeHolders(stage.state).heldByRoots()];
    expect(roots.sort()).toEqual(['ko1', 'ko2', 'ko3', 'kp2']);
    await stage.finish('alice');
    await end(stage);
  });

  it('is told of the target of a message, and of a notify', async () => {
    const stage = await setScene();
    await stage.say(
      send(stage.root('bob'), 'wait'),
      send(stage.root('bob'), 'go'),
    );
    const [, , { result }] = Object(stage.flight('alice'));
    await stage.finish('alice', subscribe(result));
    expect(stage.holdersOf('ko3')).toEqual([
      imported(boot, 'o-51'),
      imported(client, 'o-3'),
      imported(alice, 'o-50'),
      { by: 'root', vat: bob },
      { by: 'parked', promise: answer, as: 'argument' },
      { by: 'inbox', endpoint: bob, as: 'target' },
      { by: 'inbox', endpoint: bob, as: 'target' },
    ]);
    await end(stage);
  });

  it('is unknown as far as the rows are too many to be looked at', async () => {
    const stage = await setScene();
    const { unseen } = makeHolders(stage.state, 0);
    const { home, clusters, vats, retiring, queue, promises } = stage.state;
    expect(unseen).toBe(
      [home, clusters, vats, retiring, queue, promises].reduce(
        (sum, { size }) => sum + size,
        0,
      ),
    );
    expect(
      [1, unseen - 1, unseen, unseen + 1].map(
        most => makeHolders(stage.state, most).unseen,
      ),
    ).toEqual([unseen - 1, 1, 0, 0]);
    expect(stage.lifeOf('ko4', 0)).toEqual({ state: 'unknown', unseen });
    expect(stage.lifeOf('ko4', unseen)).toMatchObject({ state: 'held' });
    await stage.finish('alice');
    await end(stage);
  });
});

describe('why something is alive', () => {
  it('is a chain over what waits, from the nearest that says most', async () => {
    const stage = await setScene();
    const purse = { kref: 'ko4', iface: null, name: null };
    const nearest = () =>
      Object(stage.lifeOf('ko3')).chain.map(Object)[0].holder;
    expect(stage.lifeOf('ko4')).toEqual({
      state: 'held',
      chain: [
        { holder: imported(client, 'p+1'), held: answer },
        {
          holder: { by: 'parked', promise: answer, as: 'argument' },
          held: purse,
        },
      ],
      mayBeFor: null,
    });
    expect(nearest()).toEqual({ by: 'root', vat: bob });
    const keep = { name: 'friend', vref: stage.root('bob') };
    await stage.client.rpc.call('keep', keep);
    expect(nearest()).toEqual({ by: 'home', name: 'friend' });
    const [, , { result }] = Object(stage.flight('alice'));
    await stage.finish('alice', fulfil(result, dataOf('$0', 'o-50')));
    await end(stage);
  });
});
