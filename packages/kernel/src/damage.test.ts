import type { StoreChange, VatId } from '@cooperage/protocol';
import { describe, expect, it } from 'vitest';
import {
  makeMemoryImage,
  openMemoryKernelDb,
  openMemoryVatStores,
} from './adapters/memory.ts';
import { makeFileImages, openNodeStorage } from './adapters/sqlite-wasm.ts';
import type { Clock, KernelDb, VatStores } from './ports.ts';
import { makeManualClock } from './testing/manual-clock.ts';
import { makeRig, type Rig } from './testing/rig.ts';
import {
  answerStart,
  dataOf,
  end,
  fulfil,
  makeStage,
  send,
  settle,
  subscribe,
  vatOf,
  type Stage,
} from './testing/stage.ts';

/** A disk that can be opened again and again, and whose vats' files can be spoilt. */
type Disk = {
  open(): Promise<{ db: KernelDb; stores: VatStores }>;
  damage(vat: VatId): void;
};

const makeMemoryDisk = (): Disk => {
  const image = makeMemoryImage();
  return {
    open: async () => ({
      db: openMemoryKernelDb(image),
      stores: openMemoryVatStores(image),
    }),
    damage: vat => {
      image.vats.set(vat, { fold: 0, rows: new Map(), damage: 'spoilt' });
    },
  };
};

const makeSqliteDisk = (): Disk => {
  const image = makeFileImages();
  return {
    open: () => openNodeStorage(image),
    damage: vat => {
      image.set(`vat-${vat}.sqlite`, new Uint8Array(8192).fill(7));
    },
  };
};

const CHANGES: readonly StoreChange[] = [['key', 'value']];

/** Alice and bob have written into their stores; what alice has is spoilt. */
const spoil = async (
  disk: Disk,
  { isFolded, critical = false }: { isFolded: boolean; critical?: boolean },
): Promise<VatId> => {
  const { clock } = makeManualClock();
  const storage = await disk.open();
  const stage = await makeStage(['alice', 'bob'], {
    clock,
    rules: { critical },
    wrap: platform => ({ ...platform, ...storage }),
  });
  for (const name of ['alice', 'bob']) {
    await stage.say(send(stage.root(name), 'write'));
    await stage.finishWith(name, { changes: CHANGES });
  }
  const alice = stage.vat('alice').id;
  if (isFolded) {
    await end(stage);
  } else {
    stage.rig.kernel.state.store.commit();
  }
  disk.damage(alice);
  return alice;
};

const answerAll: Parameters<typeof makeRig>[0] = delivery => {
  const usual = answerStart(delivery);
  if (usual !== undefined || delivery[0] !== 'message') {
    return usual ?? {};
  }
  const { result } = delivery[2];
  return result ? { syscalls: [fulfil(result, dataOf('done'))] } : {};
};

const startAgain = async (
  disk: Disk,
  clock?: Clock,
  onFold: (vat: VatId) => void = () => {},
): Promise<Rig> => {
  const { db, stores } = await disk.open();
  const rig = makeRig(answerAll, {
    ...(clock && { clock }),
    collectMilliseconds: Infinity,
    wrap: platform => ({
      ...platform,
      db,
      stores: {
        ...stores,
        fold: (vat, ...all) => {
          onFold(vat);
          stores.fold(vat, ...all);
        },
      },
    }),
  });
  await settle();
  return rig;
};

const statesIn = ({ kernel }: Rig): unknown =>
  Object.fromEntries(
    kernel
      .status()
      .clusters.flatMap(({ vats }) => vats)
      .map(({ name, state }) => [name, state]),
  );
const reasonOf = (rig: Rig, name: string): string | undefined =>
  vatOf({ rig }, name)?.reason;

describe.each([
  ['memory', makeMemoryDisk],
  ['SQLite', makeSqliteDisk],
] as const)('a vat whose file can’t be used (%s)', (_, makeDisk) => {
  it('fails with the reason when it is to start; its messages reject, the others go on, and it can be ended', async () => {
    const disk = makeDisk();
    const alice = await spoil(disk, { isFolded: true });
    const rig = await startAgain(disk);
    const client = await rig.connect();
    for (const [vat, result] of [
      ['alice', 'p+1'],
      ['bob', 'p+2'],
    ] as const) {
      const { vref } = Object(
        await client.rpc.call('reference', { cluster: 'demo', vat }),
      );
      client.send(send(vref, 'hello', [], result), subscribe(result));
    }
    await rig.kernel.idle();
    await settle();
    expect(client.deliveries).toEqual(
      expect.arrayContaining([
        [
          'notify',
          [
            [
              'p+1',
              true,
              expect.objectContaining({
                body: expect.stringContaining(`the store of ${alice}`),
              }),
            ],
          ],
        ],
        ['notify', [['p+2', false, dataOf('done')]]],
      ]),
    );
    expect(statesIn(rig)).toMatchObject({ alice: 'failed', bob: 'running' });
    expect(reasonOf(rig, 'alice')).toContain(`the store of ${alice}`);
    await expect(
      client.rpc.call('inspect', { cluster: 'demo', vat: 'alice' }),
    ).resolves.toMatchObject({ vat: { store: { bytes: 0 } } });

    await client.rpc.call('restart', { cluster: 'demo', vat: 'alice' });
    await rig.kernel.idle();
    expect(statesIn(rig)).toMatchObject({ alice: 'failed' });
    await client.rpc.call('terminate', { cluster: 'demo', vat: 'alice' });
    await rig.kernel.stop();
    const { stores } = await disk.open();
    expect(stores.list()).not.toContain(alice);
  });

  it('fails at the kernel’s start when changes wait to be written into it, which then wait no more; the others’ are written', async () => {
    const disk = makeDisk();
    const alice = await spoil(disk, { isFolded: false });
    for (const _run of [1, 2]) {
      const { clock, advance } = makeManualClock();
      const tried: VatId[] = [];
      let turns = 0;
      const soon: Clock['soon'] = callback => {
        turns += 1;
        clock.soon(callback);
      };
      const rig = await startAgain(disk, { ...clock, soon }, vat =>
        tried.push(vat),
      );
      advance(60_000); // long enough to rest
      await settle();
      const turnsThen = turns;
      await settle();
      expect(turns).toBe(turnsThen); // nothing is tried again and again
      expect(tried.filter(vat => vat === alice)).toHaveLength(1);
      expect(statesIn(rig)).toMatchObject({ alice: 'failed', bob: 'asleep' });
      expect(reasonOf(rig, 'alice')).toContain(`the store of ${alice}`);
      // None of bob's; alice's are kept for whoever can mend the file.
      expect(
        [...rig.kernel.state.vatChanges.values()].map(({ vat }) => vat),
      ).toEqual([alice]);
      expect(rig.logs).toContainEqual(
        expect.objectContaining({ vat: alice, level: 'error' }),
      );
      await rig.kernel.stop();
    }
  });

  it('that is critical stops the kernel, which comes up when it is started again', async () => {
    const disk = makeDisk();
    const alice = await spoil(disk, { isFolded: false, critical: true });
    const first = await startAgain(disk);
    const { state, reason } = await first.kernel.ended;
    expect(state).toBe('critical-failed');
    expect(reason).toContain(`the store of ${alice}`);
    await first.kernel.stop();

    const second = await startAgain(disk);
    expect(statesIn(second)).toMatchObject({
      alice: 'suspended',
      bob: 'asleep',
    });
    await second.kernel.stop();
  });

  it('is not upgraded, and its upgrade says why', async () => {
    const disk = makeDisk();
    const alice = await spoil(disk, { isFolded: true });
    const rig = await startAgain(disk);
    const client = await rig.connect();
    await expect(
      client.rpc.call('upgrade', {
        cluster: 'demo',
        vat: 'alice',
        bundle: { text: JSON.stringify({ moduleFormat: 'cooperageScript' }) },
      }),
    ).rejects.toMatchObject({
      code: 'UPGRADE_FAILED',
      message: expect.stringContaining(`the store of ${alice}`),
    });
    expect(rig.kernel.status().state).toBe('running');
    await rig.kernel.stop();
  });

  it('is noticed when all that it held is gone', async () => {
    const disk = makeDisk();
    const alice = await spoil(disk, { isFolded: true });
    const { db, stores } = await disk.open();
    stores.delete(alice);
    db.close();
    stores.close();
    const rig = await startAgain(disk);
    const client = await rig.connect();
    await client.rpc.call('restart', { cluster: 'demo', vat: 'alice' });
    await rig.kernel.idle();
    expect(reasonOf(rig, 'alice')).toContain(`the store of ${alice} is gone`);
    await rig.kernel.stop();
  });
});

it('a vat whose file is spoilt while the kernel rests fails then, and those who wait for it hear of it at once', async () => {
  const { clock, advance } = makeManualClock();
  const stage = await makeStage(['alice'], {
    clock,
    collectMilliseconds: Infinity,
  });
  await stage.say(send(stage.root('alice'), 'write', [], 'p+1'));
  await stage.say(subscribe('p+1'));
  await stage.finishWith('alice', { changes: CHANGES });
  stage.rig.image.vats.set(stage.vat('alice').id, {
    fold: 0,
    rows: new Map(),
    damage: 'spoilt',
  });
  advance(1_000);
  await settle();
  expect(statesIn(stage.rig)).toMatchObject({ alice: 'failed' });
  const body = expect.stringMatching(/vat lost its heap: .*spoilt/);
  expect(stage.client.deliveries).toMatchObject([
    ['notify', [['p+1', true, { body }]]],
  ]);
  await end(stage);
});

it('a vat that can’t run for another reason keeps that one when its file is found to be spoilt', async () => {
  const { clock, advance } = makeManualClock();
  const stage = await makeStage(['alice'], {
    clock,
    collectMilliseconds: Infinity,
    begin: (label, nth) => (label === 'alice' && nth > 1 ? 'refused' : 'ready'),
  });
  await stage.say(send(stage.root('alice'), 'write'));
  await stage.finishWith('alice', { changes: CHANGES });
  const { id } = stage.vat('alice');
  await stage.client.rpc.call('restart', { cluster: 'demo', vat: 'alice' });
  await settle();
  const before = vatOf(stage);
  expect(before).toMatchObject({ state: 'failed' });
  stage.rig.image.vats.set(id, {
    fold: 0,
    rows: new Map(),
    damage: 'spoilt',
  });
  advance(1_000);
  await settle();
  expect(stage.rig.logs.at(-1)).toMatchObject({
    vat: id,
    level: 'error',
    text: expect.stringContaining('spoilt'),
  });
  expect(vatOf(stage)).toEqual(before);
  await end(stage);
});

describe('a vat whose file is spoilt amid its upgrade', () => {
  const HELLO = 'p+9';

  const spoilFile = ({ rig }: Stage, vat: VatId): void => {
    rig.image.vats.set(vat, { fold: 0, rows: new Map(), damage: 'spoilt' });
  };

  /** Begins an upgrade of alice; gives what became of it, at the end. */
  const upgrade = ({ client }: Stage): Promise<unknown> =>
    client.rpc
      .call('upgrade', {
        cluster: 'demo',
        vat: 'alice',
        bundle: { text: JSON.stringify({ moduleFormat: 'cooperageScript' }) },
      })
      .catch(({ code, message }) => ({ code, message }));

  /** Alice and bob have each a change in their files; the new code of alice starts unless her file can't be read for it. */
  const startUpgrade = async ({
    isSpoiltFirst,
  }: {
    isSpoiltFirst: boolean;
  }) => {
    const { clock, advance } = makeManualClock();
    const stage = await makeStage(['alice', 'bob'], {
      clock,
      collectMilliseconds: Infinity,
      behave: (delivery, { label, incarnation }) =>
        delivery[0] === 'startVat' && label === 'alice' && incarnation > 1
          ? undefined
          : answerStart(delivery),
    });
    const { vats } = stage.rig;
    for (const name of ['alice', 'bob']) {
      await stage.say(send(stage.root(name), 'write'));
      await stage.finishWith(name, { changes: CHANGES });
    }
    const rest = async (): Promise<void> => {
      advance(60_000);
      await settle();
    };
    await rest();
    const { id } = stage.vat('alice');
    if (isSpoiltFirst) {
      spoilFile(stage, id);
    }
    const upgraded = upgrade(stage);
    await settle();
    const [old, young] = vats.all.filter(({ label }) => label === 'alice');
    if (!old || !young) {
      throw Error('the upgrade has not come so far');
    }
    if (!isSpoiltFirst) {
      expect(young.isBusy).toBe(true);
      spoilFile(stage, id);
    }
    return { stage, rest, upgraded, old, young, id };
  };

  type Scene = Awaited<ReturnType<typeof startUpgrade>>;

  /** Alice has failed for her file alone: who waits for her hears of it; bob goes on, and so does the next run. */
  const insistFailedAlone = async ({ stage, id }: Scene): Promise<void> => {
    const { rig, client } = stage;
    expect(statesIn(rig)).toMatchObject({ alice: 'failed', bob: 'running' });
    expect(reasonOf(rig, 'alice')).toContain(`the store of ${id}`);
    await stage.say(
      send(stage.root('alice'), 'hello', [], HELLO),
      subscribe(HELLO),
      send(stage.root('bob'), 'write'),
    );
    expect(JSON.stringify(client.deliveries.at(-1))).toContain(
      `the store of ${id}`,
    );
    await stage.finishWith('bob', { changes: [['more', 'value']] });
    const bob = stage.vat('bob').id;
    await end(stage);
    expect(rig.image.vats.get(bob)?.rows).toEqual(
      new Map([
        ['key', 'value'],
        ['more', 'value'],
      ]),
    );
    const next = makeRig(answerAll, { image: rig.image });
    expect(statesIn(next)).toMatchObject({ alice: 'failed', bob: 'asleep' });
    await next.kernel.stop();
  };

  it('is not upgraded when it is to be read for the new code; its heap goes on until the next change is to be written', async () => {
    const scene = await startUpgrade({ isSpoiltFirst: true });
    const { stage, rest, upgraded, old, young, id } = scene;
    expect(await upgraded).toEqual({
      code: 'UPGRADE_FAILED',
      message: expect.stringContaining(`the store of ${id}`),
    });
    expect([old.isKilled, young.isKilled]).toEqual([false, true]);
    await stage.say(send(stage.root('alice'), 'write'));
    expect(old.isBusy).toBe(true);
    await stage.finishWith('alice', { changes: CHANGES });
    await rest();
    await insistFailedAlone(scene);
  });

  it('goes on with its old heap when the new code fails', async () => {
    const scene = await startUpgrade({ isSpoiltFirst: false });
    const { stage, rest, upgraded, old, young } = scene;
    young.finish({ outcome: { ok: false, problem: 'it throws' } });
    expect(await upgraded).toEqual({
      code: 'UPGRADE_FAILED',
      message: 'Vat alice was not upgraded: it throws',
    });
    await stage.say(send(stage.root('alice'), 'write'));
    expect(old.isBusy).toBe(true);
    await stage.finishWith('alice', { changes: CHANGES });
    await rest();
    await insistFailedAlone(scene);
  });

  it('is upgraded when the new code had read it before, and fails when the next change is to be written', async () => {
    const scene = await startUpgrade({ isSpoiltFirst: false });
    const { stage, rest, upgraded, old, young } = scene;
    young.finish({ changes: [['key', 'other']] });
    expect(await upgraded).toEqual({ incarnation: 2 });
    expect([old.isKilled, young.isKilled]).toEqual([true, false]);
    expect(statesIn(stage.rig)).toMatchObject({ alice: 'running' });
    await rest();
    await insistFailedAlone(scene);
  });

  it('fails for its file alone when that is found while the old heap is reaped', async () => {
    const stage = await makeStage(['alice'], {
      foldChanges: 1,
      collectMilliseconds: Infinity,
      behave: delivery =>
        delivery[0] === 'bringOutYourDead' ? undefined : answerStart(delivery),
    });
    const { id } = stage.vat('alice');
    await stage.say(send(stage.root('alice'), 'write'));
    await stage.finishWith('alice', { changes: CHANGES });
    await stage.say(send(stage.root('alice'), 'write'));
    const upgraded = upgrade(stage);
    await settle();
    spoilFile(stage, id);
    await stage.finishWith('alice', { changes: [['more', 'value']] });
    expect(await upgraded).toMatchObject({ code: 'UPGRADE_FAILED' });
    expect(stage.rig.kernel.state.vats.get(id)).toMatchObject({
      asleep: 1,
      failure: expect.stringContaining(`the store of ${id}`),
      suspension: null,
    });
    await end(stage);
  });

  it('fails for its file when its old heap is lost and the new code fails', async () => {
    const scene = await startUpgrade({ isSpoiltFirst: false });
    const { stage, upgraded, old, young } = scene;
    old.lose('its thread ended');
    await settle();
    young.finish({ outcome: { ok: false, problem: 'it throws' } });
    expect(await upgraded).toEqual({
      code: 'UPGRADE_FAILED',
      message: expect.stringContaining(
        'it throws; its heap was lost meanwhile',
      ),
    });
    expect(statesIn(stage.rig)).toMatchObject({ alice: 'suspended' });
    await stage.client.rpc.call('resume', { cluster: 'demo', vat: 'alice' });
    await settle();
    await insistFailedAlone(scene);
  });
});
