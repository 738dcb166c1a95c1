import { CooperageError, type Delivery } from '@cooperage/protocol';
import { describe, expect, it } from 'vitest';
import { makeMemoryImage } from './adapters/memory.ts';
import { makeManualClock } from './testing/manual-clock.ts';
import type { Behavior } from './testing/raw-vats.ts';
import { makeRig, RAW_BUNDLE, realClock } from './testing/rig.ts';
import {
  answerStart,
  dataOf,
  fulfil,
  makeStage,
  send,
  settle,
  subscribe,
} from './testing/stage.ts';

const setScene = async (behave?: Behavior) => {
  const image = makeMemoryImage();
  const { clock, advance } = makeManualClock();
  let isBroken = false;
  let isDefect = false;
  const stage = await makeStage(['alice', 'bob'], {
    image,
    clock,
    ...(behave && { behave }),
    afterCrank: () => {
      if (isDefect) {
        throw Error('a defect');
      }
    },
    wrap: platform => ({
      ...platform,
      stores: {
        ...platform.stores,
        fold: (...all) => {
          if (isBroken) {
            throw new CooperageError('STORAGE_FAILED', 'the disk is full');
          }
          platform.stores.fold(...all);
        },
      },
    }),
  });
  const { kernel } = stage.rig;
  const stop = async () => {
    let isOver = false;
    const stopped = kernel.stop().finally(() => {
      isOver = true;
    });
    await settle();
    return { stopped, isOver: () => isOver };
  };
  const breakDisk = (): void => {
    isBroken = true;
  };
  const breakKernel = (): void => {
    isDefect = true;
  };
  return { stage, image, advance, kernel, stop, breakDisk, breakKernel };
};

const methodOf = (delivery: Delivery): string =>
  delivery[0] === 'message'
    ? JSON.parse(delivery[2].methargs.body.slice(1))[0]
    : delivery[0];

/** The messages that a kernel over the image delivers to the vat first, and how often each was tried before. */
const goOn = async (
  image: ReturnType<typeof makeMemoryImage>,
  name: string,
): Promise<unknown> => {
  const rig = makeRig(answerStart, { image });
  await settle();
  const { id, deliveries } = rig.vats.get(name);
  const items = rig.kernel.state.queueByName.values(id);
  const told = {
    deliveries: deliveries.map(methodOf),
    tries: items.map(({ tries }) => tries),
  };
  rig.vats.all.filter(({ isBusy }) => isBusy).forEach(vat => vat.finish());
  await rig.kernel.stop();
  return told;
};

describe('a kernel that is told to stop', () => {
  it('waits a tenth of a second for a vat that spins; the next run makes the same delivery, and no try is counted', async () => {
    const { stage, image, advance, kernel, stop } = await setScene();
    await stage.say(
      send(stage.root('alice'), 'spin'),
      send(stage.root('alice'), 'second'),
    );
    const { stopped, isOver } = await stop();
    advance(99);
    await settle();
    expect(isOver()).toBe(false);
    advance(1);
    await stopped;
    expect(kernel.status().state).toBe('stopped');
    expect(stage.rig.vats.all.every(({ isKilled }) => isKilled)).toBe(true);
    expect(await goOn(image, 'alice')).toEqual({
      deliveries: ['startVat', 'spin'],
      tries: [0, 0],
    });
  });

  it('lets what is in flight end meanwhile and leave, delivers nothing more to vats, and waits no longer', async () => {
    const { stage, image, stop } = await setScene();
    await stage.say(
      send(stage.root('alice'), 'first', [], 'p+1'),
      subscribe('p+1'),
      send(stage.root('alice'), 'second'),
    );
    const { stopped, isOver } = await stop();
    await stage.say(send(stage.root('bob'), 'late'));
    expect([isOver(), stage.vat('bob').isBusy]).toEqual([false, false]);
    const { result } = Object(stage.flight('alice'))[2];
    await stage.finishWith('alice', {
      syscalls: [fulfil(result, dataOf('done'))],
      changes: [['k', 'v']],
    });
    await stopped;
    expect(stage.client.deliveries).toMatchObject([
      ['notify', [['p+1', false, dataOf('done')]]],
    ]);
    expect([...image.vats.values()].map(({ rows }) => rows.get('k'))).toContain(
      'v',
    );
    expect(await goOn(makeMemoryImage(image), 'bob')).toEqual({
      deliveries: ['startVat', 'late'],
      tries: [0],
    });
    expect(await goOn(image, 'alice')).toEqual({
      deliveries: ['startVat', 'second'],
      tries: [0],
    });
  });

  it('begins nothing of an upgrade whose code comes meanwhile', async () => {
    const { stage, stop } = await setScene();
    await stage.say(send(stage.root('bob'), 'spin'));
    const alice = stage.vat('alice');
    const stopping = stop();
    const upgraded = stage.client.rpc
      .call('upgrade', {
        cluster: 'demo',
        vat: 'alice',
        bundle: { text: RAW_BUNDLE },
      })
      .catch(({ code }) => code);
    const { stopped } = await stopping;
    await settle();
    expect(stage.rig.vats.get('alice')).toBe(alice);
    expect(alice.deliveries.map(([kind]) => kind)).toEqual(['startVat']);
    await stage.finish('bob');
    await stopped;
    expect(await upgraded).toBe('KERNEL_STOPPED');
  });

  it('stops two vats that send to each other for ever', async () => {
    let strokes = 0;
    const { stage, image, stop } = await setScene((delivery, vat) => {
      if (
        delivery[0] !== 'message' ||
        !['serve', 'stroke'].includes(methodOf(delivery))
      ) {
        return answerStart(delivery);
      }
      strokes += 1;
      const [other = ''] = delivery[2].methargs.slots;
      const stroke = send(other, 'stroke', ['o+0']);
      realClock.soon(() => vat.finish({ syscalls: [stroke] })); // in a turn of its own
      return undefined;
    });
    await stage.say(send(stage.root('alice'), 'serve', [stage.root('bob')]));
    const { stopped } = await stop();
    await stopped;
    expect(strokes).toBeGreaterThan(1);
    // The last stroke waits for the one whose turn it is.
    expect(await goOn(image, strokes % 2 === 0 ? 'alice' : 'bob')).toEqual({
      deliveries: ['startVat', 'stroke'],
      tries: [0],
    });
  });

  it('rejects at once when it fails meanwhile, whoever spins', async () => {
    const { stage, stop, breakKernel } = await setScene();
    await stage.say(
      send(stage.root('alice'), 'spin'),
      send(stage.root('bob'), 'go'),
    );
    const { stopped } = await stop();
    const refused = expect(stopped).rejects.toMatchObject({
      code: 'KERNEL_FAILED',
      message: 'The kernel has failed: a defect',
    });
    breakKernel();
    await stage.finish('bob');
    await refused;
  });

  it('rejects when the last fold fails, and is not said to have stopped', async () => {
    const { stage, kernel, breakDisk } = await setScene();
    await stage.say(send(stage.root('alice'), 'go'));
    await stage.finishWith('alice', { changes: [['k', 'v']] });
    breakDisk();
    const stopping = kernel.stop();
    await expect(stopping).rejects.toMatchObject({
      code: 'KERNEL_FAILED',
      message: 'The kernel has failed: the disk is full',
    });
    expect(await kernel.ended).toMatchObject({ state: 'storage-failed' });
    expect(kernel.stop()).toBe(stopping);
  });
});
