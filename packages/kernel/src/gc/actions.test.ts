import { describe, expect, it } from 'vitest';
import { makeMemoryImage } from '../adapters/memory.ts';
import {
  drop,
  end,
  makeGcStage,
  retire,
  retireOwn,
  rowsOf,
  type GcStage,
} from '../testing/gc-stage.ts';
import { makeRig } from '../testing/rig.ts';
import {
  answerStart,
  dataOf,
  fulfil,
  send,
  settle,
  vref,
} from '../testing/stage.ts';

/** alice has given her object o+7 to bob, who calls it o-51. */
const BOBS = 'o-51';
const setScene = async (...others: string[]) => {
  const stage = await makeGcStage(['alice', 'bob', ...others]);
  const before = rowsOf(stage);
  return { stage, before };
};
/** Bob has let go of alice's object, and while she is told so she sends it to him once more. */
const exportAgainDuring = async (
  kind: 'dropExports' | 'retireExports',
): Promise<GcStage> => {
  const { stage } = await setScene();
  await stage.give('alice', 'bob', 'o+7');
  await stage.act('bob', drop(BOBS), retire(BOBS));
  stage.hold('alice', kind);
  const { ended } = await stage.begin();
  await stage.finish('alice', send(stage.ref('alice', 'bob'), 'x', ['o+7']));
  await stage.finish('bob');
  await ended;
  return stage;
};
const nameOfNewest = (stage: GcStage, name: string): string => {
  const { id } = stage.vat(name);
  const imports = stage.rig.kernel.state.clistByEndpoint
    .values(id)
    .filter(row => row.vref.startsWith('o-'))
    .map(row => Number(row.vref.slice(2)));
  return `o-${Math.max(...imports)}`;
};

/** The cases of `dueTo` in actions.ts and of worklist.ts, by their numbers. */
describe('an exporter', () => {
  it('is told to drop, and then to retire, what nobody holds or remembers (1, 2)', async () => {
    const { stage, before } = await setScene();
    await stage.give('alice', 'bob', 'o+7');
    expect(nameOfNewest(stage, 'bob')).toBe(BOBS);
    await stage.act('bob', drop(BOBS), retire(BOBS));
    expect(stage.told('alice')).toEqual([]);
    await stage.collect();
    expect(stage.told('alice')).toEqual([
      ['dropExports', ['o+7']],
      ['retireExports', ['o+7']],
    ]);
    expect(rowsOf(stage)).toEqual(before);
    await end(stage);
  });

  it('is told nothing while one of three importers holds its object, nor while a name in home does', async () => {
    const { stage, before } = await setScene('carol', 'dave');
    for (const name of ['bob', 'carol', 'dave']) {
      await stage.give('alice', name, 'o+7');
    }
    const letGo = async (name: string): Promise<void> => {
      const newest = nameOfNewest(stage, name);
      await stage.act(name, drop(newest), retire(newest));
      await stage.collect();
    };
    await letGo('carol');
    await letGo('dave');
    expect(stage.told('alice')).toEqual([]);
    const { kref } = stage.rig.kernel.state.clistByVref.get(
      stage.vat('alice').id,
      'o+7',
    )!;
    const { vref: name } = Object(
      await stage.client.rpc.call('reference', { kref }),
    );
    await stage.client.rpc.call('keep', { name: 'kept', vref: name });
    await stage.say(['dropImports', [name]]);
    await letGo('bob');
    expect(stage.told('alice')).toEqual([]);
    await stage.client.rpc.call('forget', { name: 'kept' });
    await stage.collect();
    expect(stage.told('alice')).toHaveLength(2);
    expect(rowsOf(stage)).toEqual(before);
    await end(stage);
  });

  it('is told only to drop what somebody remembers, and sends it again under its name on both sides (1)', async () => {
    const { stage } = await setScene();
    await stage.give('alice', 'bob', 'o+7');
    const remembered = rowsOf(stage);
    await stage.act('bob', drop(BOBS));
    await stage.collect();
    expect(stage.told('alice')).toEqual([['dropExports', ['o+7']]]);
    await stage.collect();
    await stage.give('alice', 'bob', 'o+7');
    expect(nameOfNewest(stage, 'bob')).toBe(BOBS);
    expect(rowsOf(stage)).toEqual(remembered);
    await stage.act('bob', send(BOBS, 'hello'));
    expect(stage.flight('alice').slice(0, 2)).toEqual(['message', 'o+7']);
    await stage.finish('alice');
    await stage.act('bob', drop(BOBS), retire(BOBS));
    await stage.collect();
    expect(stage.told('alice')).toEqual([
      ['dropExports', ['o+7']],
      ['dropExports', ['o+7']],
      ['retireExports', ['o+7']],
    ]);
    await end(stage);
  });

  it('is told nothing when it exports its object again before it was told (1)', async () => {
    const { stage } = await setScene();
    await stage.give('alice', 'bob', 'o+7');
    await stage.act('bob', drop(BOBS), retire(BOBS));
    await stage.give('alice', 'bob', 'o+7');
    await stage.collect();
    expect(stage.told('alice')).toEqual([]);
    expect(nameOfNewest(stage, 'bob')).toBe('o-52');
    await end(stage);
  });

  it('is not told to retire what it exports again in the crank that tells it to drop (2)', async () => {
    const stage = await exportAgainDuring('dropExports');
    expect(stage.told('alice')).toEqual([['dropExports', ['o+7']]]);
    await stage.act('bob', send('o-52', 'hello'));
    expect(stage.flight('alice').slice(0, 2)).toEqual(['message', 'o+7']);
    await stage.finish('alice');
    await stage.act('bob', drop('o-52'), retire('o-52'));
    stage.hold('alice');
    await stage.collect();
    expect(stage.told('alice')).toHaveLength(3);
    await end(stage);
  });

  it('exports as something new what it names again in the crank that tells it to retire', async () => {
    const stage = await exportAgainDuring('retireExports');
    await stage.act('bob', send('o-52', 'hello'));
    expect(stage.flight('alice').slice(0, 2)).toEqual(['message', 'o+7']);
    await stage.finish('alice');
    await end(stage);
  });

  it('is told of what it has exported to nobody: the message came to nothing', async () => {
    const { stage, before } = await setScene();
    const carol = await stage.launch('other', 'carol');
    await stage.say(send(stage.root('alice'), 'take', [carol]));
    await stage.finish('alice');
    await stage.client.rpc.call('terminate', { cluster: 'other' });
    await stage.act('alice', send('o-51', 'x', ['o+7']));
    await stage.collect();
    expect(stage.told('alice')).toEqual([
      ['dropExports', ['o+7']],
      ['retireExports', ['o+7']],
    ]);
    await stage.give('alice', 'bob', 'o+8');
    await stage.act('bob', drop(BOBS));
    await stage.collect();
    await stage.act('alice', send('o-51', 'x', ['o+8']));
    await stage.collect();
    expect(stage.told('alice').slice(2)).toEqual([
      ['dropExports', ['o+8']],
      ['dropExports', ['o+8']],
    ]);
    await stage.act('bob', retire(BOBS));
    await stage.act('alice', drop('o-51'), retire('o-51'));
    await stage.say(['dropImports', [vref(carol)]]);
    await stage.collect();
    expect(rowsOf(stage)).toEqual(before);
    await end(stage);
  });

  it('may retire itself what it was told to drop: who remembers it is told, and nothing is left (3)', async () => {
    const { stage, before } = await setScene('carol');
    await stage.give('alice', 'bob', 'o+7');
    await stage.give('alice', 'carol', 'o+7');
    const bobs = nameOfNewest(stage, 'bob');
    const carols = nameOfNewest(stage, 'carol');
    await stage.act('bob', drop(bobs));
    await stage.act('carol', drop(carols));
    await stage.collect();
    await stage.act('alice', retireOwn('o+7'));
    await stage.collect();
    expect(stage.told('bob')).toEqual([['retireImports', [bobs]]]);
    expect(stage.told('carol')).toEqual([['retireImports', [carols]]]);
    expect(stage.told('alice')).toEqual([['dropExports', ['o+7']]]);
    expect(rowsOf(stage)).toEqual(before);
    await end(stage);
  });

  it('that loses its heap is told nothing of what only the heap knew', async () => {
    const { stage, before } = await setScene();
    await stage.give('alice', 'bob', 'o+7');
    await stage.act('bob', drop(BOBS), retire(BOBS));
    await stage.client.rpc.call('restart', { cluster: 'demo', vat: 'alice' });
    await stage.collect();
    expect(stage.told('alice')).toEqual([]);
    expect(rowsOf(stage)).toEqual(before);
    await end(stage);
  });

  it('that is lost while it is told of a durable object is told again in its next life', async () => {
    const { stage } = await setScene();
    await stage.give('alice', 'bob', 'o+d10/1');
    await stage.act('bob', drop(BOBS), retire(BOBS));
    stage.hold('alice', 'dropExports');
    const { ended } = await stage.begin();
    stage.vat('alice').lose('the test says so');
    await ended;
    stage.hold('alice');
    await stage.collect();
    expect(stage.told('alice')).toEqual([
      ['dropExports', ['o+d10/1']],
      ['retireExports', ['o+d10/1']],
    ]);
    await end(stage);
  });

  it('is told after a crash what was due before it', async () => {
    const { stage } = await setScene();
    await stage.give('alice', 'bob', 'o+d10/1', 'o+d10/2');
    await stage.act('bob', drop('o-51', 'o-52'), retire('o-52'));
    await stage.rig.kernel.idle();
    const image = makeMemoryImage(stage.rig.image);
    const next = makeRig(answerStart, {
      image,
      collectMilliseconds: Infinity,
    });
    const client = await next.connect();
    await client.rpc.call('collect', {});
    expect(next.vats.get('alice').deliveries.slice(1)).toEqual([
      ['dropExports', ['o+d10/1', 'o+d10/2']],
      ['retireExports', ['o+d10/2']],
      ['bringOutYourDead'],
    ]);
    // Bob is only asked what his dead heap alone held.
    expect(next.vats.get('bob').deliveries.map(([kind]) => kind)).toEqual([
      'startVat',
    ]);
    await next.kernel.stop();
    await end(stage);
  });

  it('is told of drops and of retirements apart, also when both are due at once', async () => {
    const { stage } = await setScene();
    await stage.give('alice', 'bob', 'o+7', 'o+8', 'o+9');
    await stage.act('bob', drop('o-52'));
    await stage.collect();
    await stage.act('bob', retire('o-52'), drop('o-51', 'o-53'));
    await stage.collect();
    expect(stage.told('alice')[0]).toEqual(['dropExports', ['o+8']]);
    expect(stage.told('alice').slice(1).sort()).toEqual([
      ['dropExports', ['o+7', 'o+9']],
      ['retireExports', ['o+8']],
    ]);
    await end(stage);
  });

  it('is told of many objects in deliveries of a bounded length', async () => {
    const stage = await makeGcStage(['alice', 'bob'], {
      actionsPerDelivery: 10,
    });
    const own = Array.from({ length: 25 }, (_, nth) => `o+${nth + 1}`);
    const theirs = own.map((_, nth) => `o-${nth + 51}`);
    await stage.give('alice', 'bob', ...own);
    await stage.act('bob', drop(...theirs), retire(...theirs));
    await stage.collect();
    expect(
      stage.told('alice').map(([kind, vrefs]) => [kind, Object(vrefs).length]),
    ).toEqual(
      expect.arrayContaining([
        ['dropExports', 10],
        ['dropExports', 5],
        ['retireExports', 10],
        ['retireExports', 5],
      ]),
    );
    expect(stage.told('alice')).toHaveLength(6);
    await end(stage);
  });
});

describe('an orphan', () => {
  const setOrphan = async () => {
    const scene = await setScene();
    const { stage } = scene;
    await stage.give('alice', 'bob', 'o+7');
    await stage.act('alice', ['abandonExports', [vref('o+7')]]);
    return scene;
  };

  it('that somebody holds stays, and messages to it reject (4)', async () => {
    const { stage } = await setOrphan();
    await stage.collect();
    expect([stage.told('alice'), stage.told('bob')]).toEqual([[], []]);
    await stage.act('bob', send(BOBS, 'hello', [], 'p+1'), [
      'subscribe',
      vref('p+1'),
    ]);
    expect(stage.flight('bob')).toEqual([
      'notify',
      [['p+1', true, expect.anything()]],
    ]);
    await stage.finish('bob');
    await end(stage);
  });

  it('that is dropped is retired from who remembers it, and gone (3)', async () => {
    const { stage, before } = await setOrphan();
    await stage.act('bob', drop(BOBS));
    await stage.collect();
    expect(stage.told('bob')).toEqual([['retireImports', [BOBS]]]);
    expect(rowsOf(stage)).toEqual(before);
    await end(stage);
  });

  it('that is dropped and retired is gone at once, and nobody is told (2)', async () => {
    const { stage, before } = await setOrphan();
    await stage.act('bob', drop(BOBS), retire(BOBS));
    expect(rowsOf(stage)).toEqual(before);
    await stage.collect();
    expect([stage.told('alice'), stage.told('bob')]).toEqual([[], []]);
    await end(stage);
  });

  it('that was only remembered when its vat ended is retired from who remembers it (3)', async () => {
    const { stage, before } = await setScene();
    const carol = await stage.launch('other', 'carol');
    await stage.say(send(carol, 'take', [stage.root('bob')]));
    await stage.finish('carol', send('o-50', 'take', ['o+7']));
    await stage.finish('bob', drop(BOBS));
    await stage.client.rpc.call('terminate', { cluster: 'other' });
    await stage.say(['dropImports', [vref(carol)]]);
    await stage.collect();
    expect(stage.told('bob')).toEqual([['retireImports', [BOBS]]]);
    expect(rowsOf(stage)).toEqual(before);
    await end(stage);
  });

  it('whose end is on its way to who remembers it can’t be had again by its kref', async () => {
    const { stage } = await setOrphan();
    const [{ kref } = { kref: '' }] = [
      ...stage.rig.kernel.state.objects.values(),
    ].filter(({ owner }) => owner === null);
    const ask = () => stage.client.rpc.call('reference', { kref });
    await stage.act('bob', drop(BOBS));
    stage.hold('bob', 'retireImports');
    const { ended } = await stage.begin();
    await expect(ask()).rejects.toMatchObject({ code: 'OBJECT_UNKNOWN' });
    await stage.finish('bob');
    await ended;
    await expect(ask()).rejects.toMatchObject({ code: 'OBJECT_UNKNOWN' });
    await end(stage);
  });

  it('that its last holder retires in the crank that reaps it is retired once', async () => {
    const { stage, before } = await setOrphan();
    await stage.act('bob', drop(BOBS));
    stage.hold('bob', 'bringOutYourDead');
    const { ended } = await stage.begin();
    // What is due is told first; the reap comes after it.
    await stage.finish('bob');
    await ended;
    expect(stage.told('bob')).toEqual([['retireImports', [BOBS]]]);
    expect(rowsOf(stage)).toEqual(before);
    await end(stage);
  });
});

describe('a client', () => {
  it('is told to drop and retire what it exported, and its end releases what it held', async () => {
    const { stage, before } = await setScene();
    await stage.say(send(stage.root('bob'), 'take', ['o+1']));
    await stage.finish('bob');
    await stage.act('bob', drop(BOBS));
    await stage.collect();
    expect(stage.client.deliveries).toEqual([['dropExports', ['o+1']]]);
    await stage.say(send(stage.root('bob'), 'take', ['o+1']));
    await stage.finish('bob');
    await stage.act('bob', drop(BOBS), retire(BOBS));
    await stage.collect();
    expect(stage.client.deliveries.slice(1)).toEqual([
      ['dropExports', ['o+1']],
      ['retireExports', ['o+1']],
    ]);
    expect(rowsOf(stage)).toEqual(before);
    const other = await stage.rig.connect();
    await other.rpc.call('reference', { cluster: 'demo', vat: 'alice' });
    other.rpc.close();
    await settle();
    expect(rowsOf(stage)).toEqual(before);
    await end(stage);
  });

  it('may retire what it was told to drop, also when the kernel has just said so itself', async () => {
    const { stage, before } = await setScene();
    await stage.say(send(stage.root('bob'), 'take', ['o+1']));
    await stage.finish('bob');
    await stage.act('bob', drop(BOBS));
    await stage.collect();
    await stage.say(retireOwn('o+1'));
    await stage.collect();
    expect(stage.told('bob')).toEqual([['retireImports', [BOBS]]]);
    expect(rowsOf(stage)).toEqual(before);
    await stage.say(send(stage.root('bob'), 'take', ['o+2']));
    await stage.finish('bob');
    await stage.act('bob', drop('o-52'), retire('o-52'));
    const fence = stage.client.fence();
    await stage.rig.connect().then(async ({ rpc }) => {
      await rpc.call('collect', {});
      rpc.close();
    });
    stage.client.send(retireOwn('o+2'));
    fence.release();
    await settle();
    expect(stage.client.deliveries).toEqual([
      ['dropExports', ['o+1']],
      ['dropExports', ['o+2']],
      ['retireExports', ['o+2']],
    ]);
    expect(stage.client.told).toEqual([]);
    expect(rowsOf(stage)).toEqual(before);
    await end(stage);
  });

  it('that retires what others may reach breaks the protocol', async () => {
    const { stage } = await setScene();
    await stage.say(send(stage.root('bob'), 'take', ['o+1']));
    await stage.finish('bob');
    await stage.say(retireOwn('o+1'));
    expect(stage.client.told).toMatchObject([
      { method: 'sessionEnded', params: { code: 'SESSION_CLOSED' } },
    ]);
    await end(stage);
  });
});

describe('data of a promise', () => {
  it('holds what it names until nobody holds the promise', async () => {
    const { stage, before } = await setScene();
    await stage.say(send(stage.root('alice'), 'ask', [], 'p+1'));
    await stage.finish('alice', fulfil('p-51', dataOf(['$0'], 'o+7')));
    await stage.collect();
    expect(stage.told('alice')).toEqual([]);
    await stage.say(['subscribe', vref('p+1')]);
    const [, [, , data] = []] = Object(
      stage.client.deliveries.find(([kind]) => kind === 'notify'),
    )[1];
    expect(data).toBeUndefined();
    const [[, , { slots }]] = Object(stage.client.deliveries.at(-1))[1];
    await stage.say(['dropImports', slots]);
    await stage.collect();
    expect(stage.told('alice')).toEqual([
      ['dropExports', ['o+7']],
      ['retireExports', ['o+7']],
    ]);
    expect(rowsOf(stage)).toEqual(before);
    await end(stage);
  });
});
