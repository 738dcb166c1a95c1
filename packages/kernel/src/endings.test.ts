import { describe, expect, it } from 'vitest';
import { makeMemoryImage, type MemoryImage } from './adapters/memory.ts';
import { makeWitness } from './testing/commits.ts';
import { findInconsistencies } from './testing/recount.ts';
import { makeRig, RAW_BUNDLE, realClock } from './testing/rig.ts';
import {
  answerStart,
  dataOf,
  end,
  fulfil,
  heardBy,
  makeStage,
  reject,
  send,
  settle,
  subscribe,
  vatOf,
  vref,
  type Stage,
} from './testing/stage.ts';
import type { Delivery, Kref, VatId } from '@cooperage/protocol';
import type { Clock } from './ports.ts';
import type { State } from './store/state.ts';
import type { Deed, RawVat } from './testing/raw-vats.ts';

const COUNT = 30;
const many = (prefix: string, from: number): string[] =>
  Array.from({ length: COUNT }, (_, index) => `${prefix}${from + index}`);

/** A clock that does what is to be done soon when it is told to. */
const makeStepClock = () => {
  const due: (() => void)[] = [];
  let isHeld = false;
  const clock: Clock = {
    ...realClock,
    soon: callback =>
      isHeld ? void due.push(callback) : realClock.soon(callback),
  };
  return {
    clock,
    hold: () => {
      isHeld = true;
    },
    /** Does the first of what is due; false when there is nothing. */
    step: async (): Promise<boolean> => {
      const next = due.shift();
      next?.();
      await settle();
      return next !== undefined;
    },
    release: () => {
      isHeld = false;
      due.splice(0).forEach(realClock.soon);
    },
  };
};

/** Messages are held open, all else is answered at once. */
const behave = (delivery: Delivery): Deed | undefined =>
  delivery[0] === 'notify' ? {} : answerStart(delivery);

const textOf = (value: unknown): string => String(JSON.stringify(value));

/**
 * `big` decides many promises for which `bob` waits, exports many objects that bob holds,
 * imports as many of his, has a store, and messages wait for it.
 */
const makeBig = async (
  options: Parameters<typeof makeStage>[1] = {},
): Promise<Stage> => {
  const stage = await makeStage(['big', 'bob'], {
    clearedPerCrank: 7,
    collectMilliseconds: Infinity,
    behave,
    ...options,
  });
  const [big, bob] = [stage.root('big'), stage.root('bob')];
  await stage.say(send(big, 'meet', [bob]));
  await stage.finishWith('big', {
    syscalls: [
      send('o-50', 'take', [...many('o+', 100), ...many('p+', 100)]),
      ...many('p+', 100).map(subscribe),
    ],
    changes: many('key', 0).map(key => [key, 'value']),
  });
  await stage.finish('bob', ...many('p-', 50 + COUNT).map(subscribe));
  await stage.say(send(bob, 'meet', [big]));
  await stage.finish('bob', send('o-110', 'take', many('o+', 100)));
  await stage.finish('big');
  await stage.say(
    send(big, 'busy', [], 'p+1'),
    ...many('p+', 2).map(result => send(big, 'wait', [], result)),
    ...many('p+', 1).map(subscribe),
  );
  return stage;
};

/** What a kernel over the image has when all is cleared away. */
const reopen = async (image: MemoryImage) => {
  const rig = makeRig(delivery => answerStart(delivery) ?? {}, {
    image: makeMemoryImage(image),
    collectMilliseconds: Infinity,
    clearedPerCrank: 7,
  });
  await rig.kernel.idle();
  const client = await rig.connect();
  await client.rpc.call('collect', {});
  client.rpc.close();
  await rig.kernel.idle();
  const { state } = rig.kernel;
  const found = {
    vats: [...state.vats.values()].map(({ name }) => name),
    clusters: [...state.clusters.values()].map(({ name }) => name),
    endings: state.endings.size,
    changes: state.vatChanges.size,
    files: rig.image.vats.size,
    objects: state.objects.size,
    promises: state.promises.size,
    references: state.clists.size,
    queue: state.queue.size,
    problems: findInconsistencies(state),
  };
  await rig.kernel.stop();
  return found;
};

describe('a large vat that ends', () => {
  it('is dead to everybody at once, goes in bounded cranks, and others work between any two of them (invariants 6, 7, 11)', async () => {
    const { clock, hold, step, release } = makeStepClock();
    let most = 0;
    let left = Infinity;
    const stage = await makeBig({
      clock,
      afterCrank: state => {
        for (const { endpoint } of state.endings.values()) {
          const now =
            state.clistByEndpoint.count(endpoint) +
            state.queueByName.count(endpoint) +
            state.changesByVat.count(endpoint);
          most = left < Infinity ? Math.max(most, left - now) : 0;
          left = now;
        }
      },
    });
    const big = stage.root('big');
    const worker = stage.vat('big');
    hold();
    const asked = stage.client.rpc.call('terminate', {
      cluster: 'demo',
      vat: 'big',
    });
    await settle();
    const { state } = stage.rig.kernel;
    expect(worker.isKilled).toBe(true);
    expect(state.endings.size).toBe(1);
    expect(
      stage.rig.kernel.status().clusters[0]?.vats.map(({ name }) => name),
    ).toEqual(['boot', 'bob']);
    stage.client.send(send(big, 'late', [], 'p+900'), subscribe('p+900'));
    stage.client.send(send(stage.root('bob'), 'work'));
    let steps = 0;
    let worked = 0;
    for (; state.endings.size > 0; steps += 1) {
      expect(await step()).toBe(true);
      if (stage.vat('bob').isBusy) {
        worked += 1;
        await stage.finish('bob');
        await stage.say(send(stage.root('bob'), 'work'));
      }
    }
    expect(steps).toBeGreaterThan(20);
    expect(worked).toBeGreaterThan(20);
    expect(most).toBe(7);
    release();
    await asked;
    await settle();
    const told = heardBy(stage);
    expect(told).toHaveLength(COUNT + 1);
    expect(new Set(told.map(([promise]) => promise)).size).toBe(COUNT + 1);
    expect(told.every(([, isRejected]) => isRejected)).toBe(true);
    expect(textOf(told.find(([promise]) => promise === 'p+900'))).toContain(
      'is gone',
    );
    if (stage.vat('bob').isBusy) {
      await stage.finish('bob');
    }
    await end(stage);
    expect(state.endings.size).toBe(0);
  });

  it('leaves no file: that goes last, and no other does', async () => {
    const { clock, hold, step, release } = makeStepClock();
    const stage = await makeStage(['alice', 'bob'], {
      clock,
      clearedPerCrank: 1,
      foldMilliseconds: 0,
    });
    const files = stage.rig.image.vats;
    const [alice, bob] = [stage.vat('alice').id, stage.vat('bob').id];
    await stage.say(
      send(stage.root('alice'), 'write', ['o+1', 'o+2']),
      send(stage.root('bob'), 'write'),
    );
    for (const name of ['alice', 'bob']) {
      await stage.finishWith(name, { changes: [['key', 'value']] });
    }
    while (files.size < 2) {
      await settle();
    }
    hold();
    const asked = stage.client.rpc.call('terminate', {
      cluster: 'demo',
      vat: 'alice',
    });
    await settle();
    let steps = 0;
    for (; stage.rig.kernel.state.endings.size > 0; steps += 1) {
      expect([...files.keys()].sort()).toEqual([alice, bob]);
      expect(await step()).toBe(true);
    }
    expect(steps).toBeGreaterThan(1);
    release();
    await asked;
    expect([...files.keys()]).toEqual([bob]);
    await end(stage);
  });

  it('leaves its cluster’s name free while it is cleared away', async () => {
    const { clock, hold, release } = makeStepClock();
    const stage = await makeBig({ clock });
    hold();
    const asked = stage.client.rpc.call('terminate', { cluster: 'demo' });
    await settle();
    const { state } = stage.rig.kernel;
    expect(state.endings.size).toBeGreaterThan(0);
    expect(stage.rig.kernel.status().clusters).toEqual([]);
    const launched = stage.rig.launch('demo', ['boot', 'carol']);
    await settle();
    expect(state.endings.size).toBeGreaterThan(0);
    release();
    await Promise.all([asked, launched]);
    await stage.rig.kernel.idle();
    expect(state.endings.size).toBe(0);
    expect(
      stage.rig.kernel
        .status()
        .clusters.map(({ name, vats }) => [name, vats.length]),
    ).toEqual([['demo', 2]]);
    await end(stage);
  });

  it.each([
    ['vat', { cluster: 'demo', vat: 'big' }, ['boot', 'bob']],
    ['cluster', { cluster: 'demo' }, []],
  ])(
    'as one %s: a crash before or after any commit of it leaves all of it or nothing, and what is left is cleared away in the next run (invariants 2, 6, 10)',
    async (_what, params, left) => {
      const image = makeMemoryImage();
      const { images, wrap } = makeWitness();
      const stage = await makeBig({ image, wrap: wrap(image) });
      await stage.rig.kernel.state.store.commit();
      images.length = 0;
      const before = await reopen(image);
      await stage.client.rpc.call('terminate', params);
      await stage.rig.kernel.idle();
      stage.client.rpc.close();
      await stage.rig.kernel.idle();
      const after = await reopen(image);
      expect(after).toMatchObject({
        vats: left,
        endings: 0,
        changes: 0,
        queue: 0,
        files: left.length === 0 ? 0 : expect.anything(),
        problems: [],
      });
      const seen = { whole: 0, gone: 0, cut: 0 };
      expect(images.length).toBeGreaterThan(20);
      for (const crashed of images) {
        const isCut = (crashed.tables.get('endings')?.size ?? 0) > 0;
        const found = await reopen(crashed);
        const isGone = !found.vats.includes('big');
        seen[isCut ? 'cut' : isGone ? 'gone' : 'whole'] += 1;
        expect(found).toEqual(isGone ? after : before);
      }
      expect(seen.whole).toBeGreaterThan(0);
      expect(seen.cut).toBeGreaterThan(10);
      expect(seen.gone).toBeGreaterThan(0);
      await end(stage);
    },
  );

  it('takes turns with others that have ended: they are not cleared away behind it', async () => {
    const { clock, hold, step, release } = makeStepClock();
    const stage = await makeBig({ clock });
    const { state } = stage.rig.kernel;
    const { id } = stage.vat('big');
    await stage.say(
      send(stage.root('bob'), 'wait', [], 'p+900'),
      subscribe('p+900'),
    );
    await stage.finish('bob');
    hold();
    const ends = ['big', 'bob'].map(vat =>
      stage.client.rpc.call('terminate', { cluster: 'demo', vat }),
    );
    await settle();
    expect(state.endings.size).toBe(2);
    while (!heardBy(stage).some(([promise]) => promise === 'p+900')) {
      expect(await step()).toBe(true);
    }
    expect(state.changesByVat.count(id)).toBe(COUNT);
    release();
    await Promise.all(ends);
    await stage.rig.kernel.idle();
    expect(state.endings.size).toBe(0);
    await end(stage);
  });

  it('goes the same way when it ends itself, and when a fault ends it', async () => {
    for (const way of ['exit', 'fault'] as const) {
      const stage = await makeBig({
        rules: { onFault: 'terminate' },
      });
      const steps: number[] = [];
      await stage.finish(
        'big',
        way === 'exit' ? ['exit', false, dataOf('enough')] : subscribe('p-999'),
      );
      steps.push(stage.rig.kernel.state.endings.size);
      await stage.rig.kernel.idle();
      expect(stage.rig.kernel.state.endings.size).toBe(0);
      expect(
        stage.rig.kernel.status().clusters[0]?.vats.map(({ name }) => name),
      ).toEqual(['boot', 'bob']);
      expect(stage.rig.image.vats.size).toBeLessThanOrEqual(2);
      await end(stage);
    }
  });
});

describe('a session with much that ends', () => {
  it('is cleared away in steps too, and a crash between them leaves nothing of it (invariants 6, 11)', async () => {
    const image = makeMemoryImage();
    const { images, wrap } = makeWitness();
    const stage = await makeStage(['bob'], {
      image,
      wrap: wrap(image),
      clearedPerCrank: 7,
      collectMilliseconds: Infinity,
      behave,
    });
    const other = await stage.rig.connect();
    const { vref } = Object(
      await other.rpc.call('reference', { cluster: 'demo', vat: 'bob' }),
    );
    await stage.rig.kernel.idle();
    const { state } = stage.rig.kernel;
    const references = state.clists.size;
    other.send(
      send(String(vref), 'take', [...many('o+', 100), ...many('p+', 100)]),
    );
    await settle();
    await stage.finish('bob', ...many('p-', 50 + COUNT).map(subscribe));
    images.length = 0;
    other.rpc.close();
    await settle();
    await stage.rig.kernel.idle();
    expect(state.endings.size).toBe(0);
    expect(images.length).toBeGreaterThan(10);
    for (const crashed of images) {
      expect(await reopen(crashed)).toMatchObject({ endings: 0, problems: [] });
    }
    if (stage.vat('bob').isBusy) {
      await stage.finish('bob');
    }
    await stage.client.rpc.call('collect', {});
    expect(state.clists.size).toBeLessThan(references + COUNT);
    await end(stage);
  });
});

it('sessions of an earlier run end together: what one was to decide comes to no other (invariant 7)', async () => {
  const image = makeMemoryImage();
  const stage = await makeStage(['bob'], {
    image,
    clearedPerCrank: 7,
    collectMilliseconds: Infinity,
    behave,
  });
  const other = await stage.rig.connect();
  const reference = { cluster: 'demo', vat: 'bob' };
  const { vref } = Object(await other.rpc.call('reference', reference));
  await stage.say(send(stage.root('bob'), 'take', many('p+', 100)));
  await stage.finish('bob');
  other.send(send(String(vref), 'meet', ['o+1']));
  await settle();
  await stage.finish('bob', send(`o-${50 + COUNT}`, 'take', many('p-', 50)));
  const [, , message] = other.deliveries[0] ?? [];
  other.send(...Object(message).methargs.slots.map(subscribe));
  await settle();
  await stage.rig.kernel.state.store.commit();
  expect(image.tables.get('sessions')?.size).toBe(2);
  expect(await reopen(image)).toMatchObject({ endings: 0, problems: [] });
  await end(stage);
});

/** The most messages that a crank took off all queues since `start`, and in how many it took any. */
const makeMeter = () => {
  let left: number | undefined;
  const seen = { most: 0, cranks: 0 };
  return {
    seen,
    start: () => {
      left = Infinity;
    },
    afterCrank: ({ queue }: State): void => {
      if (left === undefined) {
        return;
      }
      const now = [...queue.values()].filter(
        ({ kind }) => kind === 'message',
      ).length;
      const taken = left === Infinity ? 0 : left - now;
      seen.most = Math.max(seen.most, taken);
      seen.cranks += taken > 0 ? 1 : 0;
      left = now;
    },
  };
};

/** A stage of cranks that clear away seven rows, and what the client was told so far. */
const makeMetered = async (options: Parameters<typeof makeStage>[1] = {}) => {
  const { seen, start, afterCrank } = makeMeter();
  const stage = await makeStage(['alice', 'bob'], {
    clearedPerCrank: 7,
    collectMilliseconds: Infinity,
    behave,
    afterCrank,
    ...options,
  });
  return {
    ...stage,
    seen,
    /** Measures from here on. */
    start: async () => {
      start();
      await stage.say(send(stage.root('bob'), 'mark'));
      await stage.finish('bob');
    },
    rejected: () =>
      heardBy(stage)
        .filter(([, isRejected]) => isRejected)
        .map(([promise, , data]) => [promise, textOf(data)] as const),
  };
};

/** Alice gives the client her `o+5`; gives what the client calls it. */
const giveOne = async (stage: Stage): Promise<string> => {
  await stage.say(
    send(stage.root('alice'), 'give', [], P(500)),
    subscribe(P(500)),
  );
  await stage.finish(
    'alice',
    fulfil('p-50', { body: '#"$0"', slots: [vref('o+5')] }),
  );
  return heardBy(stage)[0]?.[2].slots[0] ?? '';
};

/** A message for alice, many to its answer, and one more. */
const poison = async (stage: Stage): Promise<void> => {
  const alice = stage.root('alice');
  await stage.say(
    send(alice, 'poison', [], P(1)),
    ...many('p+', 100).map(result => send(P(1), 'x', [], result)),
    ...[P(1), ...many('p+', 100)].map(subscribe),
    send(alice, 'next'),
  );
};
const loseTwice = async (stage: Stage, name = 'alice'): Promise<void> => {
  for (let tries = 0; tries < 2; tries += 1) {
    stage.vat(name).lose('its thread ended');
    await settle();
  }
};

/** However many turns its worker takes to start. */
const whenBusy = ({ rig }: Stage, name: string): Promise<void> =>
  expect
    .poll(() => rig.vats.all.findLast(vat => vat.label === name)?.isBusy, {
      timeout: 60_000,
    })
    .toBe(true);

const P = (nth: number): string => `p+${nth}`;

describe('messages that no vat can take', () => {
  it('reject in bounded cranks when they wait for an answer of a vat that ends, or for an answer to one of them (invariants 7, 11)', async () => {
    const stage = await makeMetered();
    const { say, start, seen, rejected } = stage;
    await say(send(stage.root('alice'), 'ask', [], P(1)), subscribe(P(1)));
    await stage.finish('alice');
    const numbers = Array.from({ length: COUNT }, (_, index) => index);
    const wide = numbers.map(nth => [P(1), P(100 + nth)] as const);
    const wider = numbers.map(nth => [P(100), P(200 + nth)] as const);
    const deep = numbers.map(
      nth => [P(nth === 0 ? 101 : 299 + nth), P(300 + nth)] as const,
    );
    const all = [...wide, ...wider, ...deep];
    await say(
      ...all.map(([target, result]) => send(target, 'x', [], result)),
      ...all.map(([, result]) => subscribe(result)),
    );
    await start();
    await stage.client.rpc.call('terminate', { cluster: 'demo', vat: 'alice' });
    await stage.rig.kernel.idle();
    await settle();
    expect(rejected()).toHaveLength(1 + all.length);
    expect(new Set(rejected().map(([promise]) => promise)).size).toBe(
      1 + all.length,
    );
    expect(
      rejected().every(([, text]) => text.includes('alice was terminated')),
    ).toBe(true);
    expect(seen.most).toBeLessThanOrEqual(7);
    expect(seen.cranks).toBeGreaterThan(12);
    await end(stage);
  });

  it('reject in bounded cranks when their vat’s code can’t run, also after a crash amid them (invariants 7, 11)', async () => {
    const image = makeMemoryImage();
    const { images, wrap } = makeWitness();
    const begin = (label: string, nth: number) =>
      label === 'alice' && nth > 1 ? { failed: 'no module' } : 'ready';
    const stage = await makeMetered({ image, wrap: wrap(image), begin });
    const alice = stage.root('alice');
    await stage.say(
      ...many('p+', 1).map(result => send(alice, 'wait', [], result)),
      ...many('p+', 1).map(subscribe),
    );
    await stage.start();
    images.length = 0;
    stage.vat('alice').lose('its thread ended');
    await stage.rig.kernel.idle();
    await settle();
    expect(stage.rejected()).toHaveLength(COUNT);
    expect(
      stage.rejected().every(([, text]) => text.includes('no module')),
    ).toBe(true);
    expect(stage.seen.most).toBeLessThanOrEqual(7);
    await end(stage);
    let cut = 0;
    for (const crashed of images) {
      const again = makeRig(() => ({}), {
        image: makeMemoryImage(crashed),
        begin: label => (label === 'alice' ? { failed: 'no module' } : 'ready'),
      });
      const { state } = again.kernel;
      const [failed] = [...state.vats.values()].filter(
        ({ failure }) => failure !== null,
      );
      cut += failed && state.messages.count(failed.id) > 0 ? 1 : 0;
      await again.kernel.idle();
      expect(state.queue.size).toBe(0);
      await again.kernel.stop();
    }
    expect(cut).toBeGreaterThan(0);
  });

  it.each([
    ['by a restart', 'restart', {}],
    ['by an upgrade', 'upgrade', { bundle: { text: RAW_BUNDLE } }],
  ])(
    'reject in bounded cranks with all that was sent to their answers when their vat can run again, %s, before each of that is refused (invariants 5, 11)',
    async (_, method, more) => {
      const { clock, hold, step, release } = makeStepClock();
      const stage = await makeMetered({
        clock,
        longMilliseconds: 1e9,
        begin: (label, nth) =>
          label === 'alice' && nth === 2 ? { failed: 'no module' } : 'ready',
      });
      const { state } = stage.rig.kernel;
      await stage.say(
        send(stage.root('alice'), 'get', [], P(1)),
        send(P(1), 'get', [], P(2)),
        ...many('p+', 100).map(result => send(P(2), 'x', [], result)),
        ...[P(1), P(2), ...many('p+', 100)].map(subscribe),
        send(stage.root('alice'), 'next'),
      );
      hold();
      stage.vat('alice').lose('its thread ended');
      await settle();
      const isFailed = () =>
        [...state.vats.values()].some(({ failure }) => failure !== null);
      while (!isFailed() && (await step()));
      expect([isFailed(), state.queue.size]).toEqual([true, 3 + COUNT]);
      const order = { cluster: 'demo', vat: 'alice', ...more };
      const ordered = stage.client.rpc.call(method, order);
      await settle();
      release();
      await ordered;
      await expect
        .poll(() => stage.rejected().length, { timeout: 60_000 })
        .toBe(2 + COUNT);
      await whenBusy(stage, 'alice');
      expect(stage.rejected().map(([promise]) => promise)).toEqual(
        expect.arrayContaining([P(1), P(2), ...many('p+', 100)]),
      );
      expect(stage.seen.most).toBeLessThanOrEqual(7);
      expect(textOf(stage.flight('alice'))).toContain('next');
      await stage.finish('alice');
      await end(stage);
    },
  );

  it('reject in bounded cranks when they wait for an answer that is given up, also while the vat is suspended, and after a crash amid them (invariants 7, 11)', async () => {
    const image = makeMemoryImage();
    const { images, wrap } = makeWitness();
    const stage = await makeMetered({ image, wrap: wrap(image) });
    const alice = stage.root('alice');
    await stage.say(
      send(alice, 'poison', [], P(1)),
      ...many('p+', 100).map(result => send(P(1), 'x', [], result)),
      ...[P(1), ...many('p+', 100)].map(subscribe),
    );
    await stage.start();
    for (let tries = 0; tries < 3; tries += 1) {
      images.length = 0;
      await stage.finish('alice', subscribe('p-99'));
      if (tries < 2) {
        await stage.client.rpc.call('resume', { cluster: 'demo' });
        await settle();
      }
    }
    await stage.rig.kernel.idle();
    await settle();
    expect(stage.rejected()).toHaveLength(1 + COUNT);
    expect(
      stage.rejected().every(([, text]) => text.includes('after 3 tries: ')),
    ).toBe(true);
    expect(stage.seen.most).toBeLessThanOrEqual(7);
    await end(stage);
    let cut = 0;
    for (const crashed of images) {
      const again = makeRig(() => ({}), { image: makeMemoryImage(crashed) });
      const { state } = again.kernel;
      if ([...state.queue.values()].some(({ tries }) => tries === 3)) {
        cut += 1;
        await again.kernel.idle();
        expect(state.queue.size).toBe(0);
        expect(again.vats.all).toEqual([]);
      }
      await again.kernel.stop();
    }
    expect(cut).toBeGreaterThan(0);
  });

  it('and are given up are not delivered again, however much waits for their answer, and the next one is', async () => {
    const stage = await makeMetered();
    const { state } = stage.rig.kernel;
    await poison(stage);
    await stage.start();
    await loseTwice(stage);
    await stage.finish('alice', subscribe('p-99'));
    const isCut = [...state.queue.values()].some(({ tries }) => tries === 3);
    await stage.client.rpc.call('resume', { cluster: 'demo' });
    await settle();
    await settle();
    expect([isCut, stage.rejected().length]).toEqual([true, 1 + COUNT]);
    expect(textOf(stage.flight('alice'))).toContain('next');
    expect(stage.seen.most).toBeLessThanOrEqual(7);
    await stage.finish('alice');
    await end(stage);
  });

  it('and are given up are refused in steps, each in a turn of its own, when their vat may run again meanwhile (invariant 11)', async () => {
    const { clock, hold, release } = makeStepClock();
    const stage = await makeMetered({ clock, longMilliseconds: 1e9 });
    const { state } = stage.rig.kernel;
    await poison(stage);
    await loseTwice(stage);
    hold();
    await stage.finish('alice', subscribe('p-99'));
    const left = state.queue.size;
    expect(left).toBeGreaterThan(14);
    await stage.client.rpc.call('resume', { cluster: 'demo' });
    await settle();
    expect(state.queue.size).toBe(left);
    release();
    await expect
      .poll(() => stage.rejected().length, { timeout: 60_000 })
      .toBe(1 + COUNT);
    await whenBusy(stage, 'alice');
    expect(textOf(stage.flight('alice'))).toContain('next');
    await stage.finish('alice');
    await end(stage);
  });

  it('and are given up are refused in turn with those of others, whoever has more of them', async () => {
    const { clock, hold, step, release } = makeStepClock();
    const stage = await makeMetered({ clock, longMilliseconds: 1e9 });
    const few = many('p+', 500).slice(0, 10);
    await poison(stage);
    await stage.say(
      send(stage.root('bob'), 'poison', [], P(499)),
      ...few.map(result => send(P(499), 'x', [], result)),
      ...[P(499), ...few].map(subscribe),
    );
    await loseTwice(stage);
    await loseTwice(stage, 'bob');
    hold();
    await stage.finish('alice', subscribe('p-99'));
    await stage.finish('bob', subscribe('p-99'));
    const rejectedOf = (...names: readonly string[]): number =>
      stage.rejected().filter(([promise]) => names.includes(promise)).length;
    while (rejectedOf(P(499), ...few) < 1 + few.length) {
      expect(await step()).toBe(true);
    }
    expect(rejectedOf(...many('p+', 100))).toBeLessThan(COUNT - 7);
    release();
    await expect
      .poll(() => rejectedOf(P(1), ...many('p+', 100)), { timeout: 60_000 })
      .toBe(1 + COUNT);
    await end(stage);
  });

  it('reject in bounded cranks when their vat has lost what they are for, and the others wait on (invariants 7, 11)', async () => {
    const stage = await makeMetered();
    const alice = stage.root('alice');
    const lost = await giveOne(stage);
    await stage.say(
      send(alice, 'busy'),
      ...many('p+', 1).flatMap(result => [
        send(lost, 'wait', [], result),
        subscribe(result),
        send(alice, 'wait'),
      ]),
    );
    await stage.start();
    stage.vat('alice').say({ type: 'nonsense' });
    await stage.rig.kernel.idle();
    await settle();
    expect(stage.rejected().map(([promise]) => promise)).toEqual(many('p+', 1));
    expect(stage.seen.most).toBeLessThanOrEqual(7);
    expect(stage.seen.cranks).toBeGreaterThan(3);
    expect(vatOf(stage)).toMatchObject({
      state: 'suspended',
      waiting: 1 + COUNT,
    });
    await end(stage);
  });
});

/** Messages parked on promises. */
const parkedIn = ({ queue }: State): number =>
  [...queue.values()].filter(row => row.queue === row.target).length;

/** How much less the figure became in one crank at most, and in how many it did. */
const makeFallMeter = (figure: (state: State) => number) => {
  let last = 0;
  const seen = { most: 0, cranks: 0 };
  return {
    seen,
    afterCrank: (state: State): void => {
      const fallen = last - figure(state);
      seen.most = Math.max(seen.most, fallen);
      seen.cranks += fallen > 0 ? 1 : 0;
      last -= fallen;
    },
  };
};

const methodsTo = (stage: Stage, name: string): string[] =>
  stage
    .vat(name)
    .deliveries.flatMap(delivery =>
      delivery[0] === 'message'
        ? [String(JSON.parse(delivery[2].methargs.body.slice(1))[0])]
        : [],
    );

const numbered = Array.from({ length: COUNT }, (_, nth) => `m${nth}`);

describe('what waits with a promise whose answer is known', () => {
  /** `alice` is to answer the client with `bob`, and much waits for that. */
  const makeParked = async (options: Parameters<typeof makeStage>[1] = {}) => {
    const { seen, afterCrank } = makeFallMeter(parkedIn);
    const stage = await makeStage(['alice', 'bob', 'carol'], {
      clearedPerCrank: 7,
      collectMilliseconds: Infinity,
      afterCrank,
      ...options,
      behave: delivery =>
        delivery[0] === 'message' &&
        /^#\["(m\d+|late|direct)"/.test(delivery[2].methargs.body)
          ? {}
          : behave(delivery),
    });
    await stage.say(send(stage.root('alice'), 'meet', [stage.root('bob')]));
    await stage.finish('alice');
    await stage.say(
      send(stage.root('alice'), 'ask', [], P(1)),
      subscribe(P(1)),
      ...numbered.map((method, nth) => send(P(1), method, [], P(100 + nth))),
      subscribe(P(100)),
    );
    return { ...stage, seen };
  };

  it('goes its way in bounded cranks, in order, before anybody is told, and what comes meanwhile is behind it (invariants 9, 11)', async () => {
    const { clock, hold, step, release } = makeStepClock();
    const stage = await makeParked({ clock });
    hold();
    await stage.finish('alice', fulfil('p-51', dataOf('$0', 'o-50')));
    const told = () =>
      heardBy(stage).filter(([promise]) => promise === P(1)).length;
    await step();
    const [promise] = [...stage.rig.kernel.state.promises.values()].filter(
      row => row.state === 'fulfilling',
    );
    const kref = promise?.kref ?? ('' as Kref);
    let looked: unknown;
    let steps = 0;
    void stage.client.rpc
      .call('inspect', { kref })
      .then(answer => (looked = answer));
    // A commit may be due that the answer waits for.
    for (await settle(); looked === undefined; steps += 1) {
      expect(await step()).toBe(true);
    }
    expect(told()).toBe(0);
    expect(looked).toMatchObject({ state: 'unresolved' });
    await stage.say(send(P(1), 'late'));
    for (; told() === 0; steps += 1) {
      expect(await step()).toBe(true);
    }
    release();
    await stage.say(send(stage.root('bob'), 'direct'));
    await stage.rig.kernel.idle();
    expect(methodsTo(stage, 'bob')).toEqual([...numbered, 'late', 'direct']);
    expect(stage.seen.most).toBe(7);
    expect(steps).toBeGreaterThan(3);
    await end(stage);
  });

  it('is collected when the last who held it has gone amid that, although what it names leads back to it (invariant 12)', async () => {
    const { clock, hold, step, release } = makeStepClock();
    const stage = await makeStage(['alice'], {
      clock,
      clearedPerCrank: 7,
      collectMilliseconds: Infinity,
      behave,
    });
    const { state } = stage.rig.kernel;
    const before = state.promises.size;
    await stage.say(
      send(stage.root('alice'), 'ask', [], P(1)),
      send(stage.root('alice'), 'ask', [], P(2)),
      ...numbered.map(method => send(P(1), method)),
    );
    await stage.finish('alice');
    hold();
    const each = (slot: string) => ({ body: '#"&0"', slots: [vref(slot)] });
    await stage.finish('alice', [
      'resolve',
      [
        [vref('p-50'), false, each('p-51')],
        [vref('p-51'), false, each('p-50')],
      ],
    ]);
    const isUnderWay = () =>
      [...state.promises.values()].some(row => row.state === 'fulfilling');
    expect(isUnderWay()).toBe(true);
    stage.client.rpc.close();
    while (state.sessions.size > 0) {
      await settle();
    }
    expect(isUnderWay()).toBe(true);
    while (isUnderWay()) {
      expect(await step()).toBe(true);
    }
    release();
    await stage.rig.kernel.idle();
    expect(state.promises.size).toBe(before);
    await stage.rig.kernel.stop();
  });

  it('lets the answers of others go their way in between', async () => {
    const { clock, hold, step, release } = makeStepClock();
    const stage = await makeParked({ clock });
    const two = numbered.slice(0, 8);
    await stage.finish('alice');
    await stage.say(
      send(stage.root('alice'), 'ask', [], P(2)),
      ...two.map(method => send(P(2), method)),
    );
    hold();
    await stage.finish(
      'alice',
      fulfil('p-51', dataOf('$0', 'o-50')),
      fulfil('p-52', dataOf('$0', 'o-50')),
    );
    const underWay = () =>
      [...stage.rig.kernel.state.promises.values()].filter(
        row => row.state === 'fulfilling',
      ).length;
    expect(underWay()).toBe(2);
    while (underWay() === 2) {
      expect(await step()).toBe(true);
    }
    expect(parkedIn(stage.rig.kernel.state)).toBeGreaterThan(8);
    release();
    await stage.rig.kernel.idle();
    await end(stage);
  });

  it('rejects in bounded cranks when that is what the answer is (invariants 7, 11)', async () => {
    const stage = await makeParked();
    await stage.finish('alice', reject('p-51', dataOf('no')));
    await stage.rig.kernel.idle();
    await settle();
    expect(
      heardBy(stage).map(([promise, isRejected]) => [promise, isRejected]),
    ).toEqual(
      expect.arrayContaining([
        [P(1), true],
        [P(100), true],
      ]),
    );
    expect(parkedIn(stage.rig.kernel.state)).toBe(0);
    expect(stage.seen.most).toBe(7);
    expect(stage.seen.cranks).toBeGreaterThan(3);
    await end(stage);
  });

  it('goes its way in the next run, each once, after a crash amid that (invariants 2, 10)', async () => {
    const image = makeMemoryImage();
    const { images, wrap } = makeWitness();
    const stage = await makeParked({ image, wrap: wrap(image), parallel: 1 });
    await stage.rig.kernel.state.store.commit();
    images.length = 0;
    await stage.finish('alice', fulfil('p-51', dataOf('$0', 'o-50')));
    await stage.rig.kernel.idle();
    await end(stage);
    let cut = 0;
    for (const crashed of images) {
      const delivered: string[] = [];
      const rig = makeRig(
        delivery => {
          const body =
            delivery[0] === 'message' ? delivery[2].methargs.body : '';
          const [, method] = /^#\["(m\d+)"/.exec(body) ?? [];
          if (method !== undefined) {
            delivered.push(method);
          }
          return answerStart(delivery) ?? {};
        },
        { image: makeMemoryImage(crashed), clearedPerCrank: 7 },
      );
      const { state } = rig.kernel;
      const isCut = [...state.promises.values()].some(
        row => row.state === 'fulfilling',
      );
      cut += isCut ? 1 : 0;
      await rig.kernel.idle();
      if (isCut) {
        expect(delivered).toEqual(numbered.slice(-delivered.length));
        expect(parkedIn(state)).toBe(0);
      }
      expect(findInconsistencies(state)).toEqual([]);
      await rig.kernel.stop();
    }
    expect(cut).toBeGreaterThan(2);
  });
});

describe('a large heap that is lost', () => {
  const entriesOf = (state: State): number => {
    const big = [...state.vats.values()].find(({ name }) => name === 'big');
    return big ? state.clistByEndpoint.count(big.id) : 0;
  };

  it('is cleared away in bounded cranks, and the vat starts again when it is (invariants 7, 11)', async () => {
    const { clock, hold, step, release } = makeStepClock();
    const { seen, afterCrank } = makeFallMeter(entriesOf);
    const stage = await makeBig({ clock, afterCrank });
    const { state } = stage.rig.kernel;
    const before = entriesOf(state);
    seen.most = 0;
    seen.cranks = 0;
    hold();
    stage.vat('big').lose('its thread ended');
    await settle();
    const starts = () =>
      stage.rig.vats.all.filter(({ label }) => label === 'big').length;
    let steps = 0;
    for (; starts() === 1; steps += 1) {
      expect(await step()).toBe(true);
    }
    expect(before - entriesOf(state)).toBeGreaterThanOrEqual(COUNT);
    expect(findInconsistencies(state)).toEqual([]);
    expect(steps).toBeGreaterThan(6);
    expect(seen.most).toBeLessThanOrEqual(7);
    const [row] = [...state.vats.values()].filter(({ name }) => name === 'big');
    expect(row && state.promisesByDecider.count(row.id)).toBe(0);
    release();
    await stage.rig.kernel.stop();
  });

  it('is cleared away, and then the vat starts for a collection that was asked for meanwhile', async () => {
    const { clock, hold, release } = makeStepClock();
    const stage = await makeStage(['big', 'bob'], {
      clearedPerCrank: 7,
      collectMilliseconds: Infinity,
      longMilliseconds: 1e9,
      behave,
      clock,
    });
    await stage.say(send(stage.root('big'), 'meet', [stage.root('bob')]));
    await stage.finish('big', send('o-50', 'take', many('o+', 100)));
    await stage.finish('bob');
    hold();
    stage.vat('big').lose('its thread ended');
    await settle();
    expect(entriesOf(stage.rig.kernel.state)).toBeGreaterThan(7);
    const collected = stage.client.rpc.call('collect', {});
    await settle();
    release();
    await collected;
    expect(stage.vat('big').deliveries[0]?.[0]).toBe('startVat');
    await end(stage);
  });

  /** Answers no start of an upgrade of big. */
  const holdUpgrades = (delivery: Delivery, vat: RawVat): Deed | undefined =>
    delivery[0] === 'startVat' && vat.label === 'big' && vat.incarnation > 1
      ? undefined
      : behave(delivery);

  /** The new code of big starts beside the old, and is not done. */
  const startUpgrade = async (stage: Stage) => {
    const upgraded = stage.client.rpc.call('upgrade', {
      cluster: 'demo',
      vat: 'big',
      bundle: {
        text: JSON.stringify({ moduleFormat: 'cooperageScript', v: 2 }),
      },
    });
    await settle();
    await stage.finish('big');
    await whenBusy(stage, 'big');
    const young = stage.rig.vats.all.findLast(({ label }) => label === 'big');
    if (young?.incarnation !== 2) {
      throw Error('the upgrade has not come so far');
    }
    return { upgraded, young };
  };

  it('is cleared away in bounded cranks when an upgrade has replaced it, and then the new one gets what waits (invariants 7, 11)', async () => {
    const { clock, hold, step, release } = makeStepClock();
    const { seen, afterCrank } = makeFallMeter(entriesOf);
    const stage = await makeBig({ clock, afterCrank, behave: holdUpgrades });
    const { state } = stage.rig.kernel;
    const { upgraded, young } = await startUpgrade(stage);
    const before = entriesOf(state);
    seen.most = 0;
    hold();
    young.finish({ syscalls: [send('o-50', 'begun')] });
    await settle();
    expect(state.vats.get(young.id)).toMatchObject({
      incarnation: 2,
      asleep: 0,
    });
    expect(before - entriesOf(state)).toBeLessThanOrEqual(7);
    let steps = 0;
    for (; !young.isBusy; steps += 1) {
      expect(await step()).toBe(true);
    }
    expect(before - entriesOf(state)).toBeGreaterThanOrEqual(COUNT);
    expect(steps).toBeGreaterThan(6);
    expect(seen.most).toBeLessThanOrEqual(7);
    expect(state.promisesByDecider.count(young.id)).toBe(0);
    expect(textOf(young.deliveries.at(-1))).toContain('wait');
    release();
    expect(await upgraded).toEqual({ incarnation: 2 });
    expect(heardBy(stage).every(([, isRejected]) => isRejected)).toBe(true);
    await stage.rig.kernel.stop();
  });

  it.each(['restart', 'upgrade'] as const)(
    'is cleared away by the next run after a crash amid that, when it was lost by a %s (invariants 2, 7, 10)',
    async how => {
      const image = makeMemoryImage();
      const { images, wrap } = makeWitness();
      const stage = await makeBig({
        image,
        wrap: wrap(image),
        deliveryMilliseconds: 1e9,
        behave: holdUpgrades,
      });
      if (how === 'upgrade') {
        const { young } = await startUpgrade(stage);
        await stage.rig.kernel.state.store.commit();
        images.length = 0;
        young.finish();
      } else {
        await stage.rig.kernel.state.store.commit();
        images.length = 0;
        const { rpc } = stage.client;
        await rpc.call('restart', { cluster: 'demo', vat: 'big' });
      }
      const before = await reopen(image);
      const isBack = () =>
        stage.rig.vats.all.some(
          ({ label, isKilled, isBusy, incarnation }) =>
            label === 'big' && !isKilled && isBusy && incarnation > 1,
        );
      while (!isBack()) {
        await settle();
      }
      await stage.rig.kernel.state.store.commit();
      expect(images.length).toBeGreaterThan(8);
      const entries = new Set<unknown>();
      for (const crashed of images) {
        entries.add(crashed.tables.get('clists')?.size);
        expect(await reopen(crashed)).toEqual(before);
      }
      expect(entries.size).toBeGreaterThan(5);
      await end(stage);
    },
  );
});

describe('a session that ends', () => {
  it('is told nothing more, not even what was due to it before', async () => {
    const stage = await makeStage(['alice'], { collectMilliseconds: Infinity });
    await stage.say(send(stage.root('alice'), 'take', ['o+5']));
    await stage.finish('alice', ['dropImports', [vref('o-50')]]);
    stage.client.rpc.close();
    const other = await stage.rig.connect();
    await other.rpc.call('collect', {});
    await end(stage);
  });
});

describe('promises that a vat was to decide and waits for itself', () => {
  it('reject in the next run as of the heap that was lost, after a crash amid that (invariants 2, 7)', async () => {
    const image = makeMemoryImage();
    const { images, wrap } = makeWitness();
    const options = { clearedPerCrank: 7, collectMilliseconds: Infinity };
    const stage = await makeStage(['alice'], {
      ...options,
      behave,
      image,
      wrap: wrap(image),
      epochCranks: 1,
    });
    await stage.say(send(stage.root('alice'), 'promise'));
    await stage.finish('alice', ...many('p+', 1).map(subscribe));
    stage.rig.kernel.state.store.commit();
    images.length = 0;
    await stage.client.rpc.call('restart', { cluster: 'demo', vat: 'alice' });
    await stage.rig.kernel.idle();
    await end(stage);
    const left = new Set<number>();
    for (const crashed of images) {
      const rig = makeRig(() => ({}), {
        ...options,
        image: makeMemoryImage(crashed),
      });
      left.add(rig.kernel.state.promisesByDecider.count('v2' as VatId));
      await rig.kernel.idle();
      const told = textOf(rig.vats.all.map(({ deliveries }) => deliveries));
      const ends = told.matchAll(/incarnationNumber\\+":(\d+)/g);
      expect(new Set([...ends].map(([, number]) => number))).toEqual(
        new Set(told.includes('vatUpgraded') ? ['1'] : []),
      );
      expect(rig.kernel.state.promises.size).toBe(0);
      await rig.kernel.stop();
    }
    expect(left.size).toBeGreaterThan(3);
  });
});

describe('messages for an object that its vat has given up', () => {
  it('reject in bounded cranks, and the others are delivered (invariants 7, 11)', async () => {
    const { clock, hold, release } = makeStepClock();
    const stage = await makeMetered({ clock });
    const alice = stage.root('alice');
    const lost = await giveOne(stage);
    await stage.say(
      send(alice, 'busy'),
      ...many('p+', 1).flatMap(result => [
        send(lost, 'wait', [], result),
        subscribe(result),
      ]),
      send(alice, 'next'),
    );
    await stage.start();
    hold();
    await stage.finish('alice', ['abandonExports', [vref('o+5')]]);
    const left = stage.rig.kernel.state.queue.size;
    expect(left).toBeGreaterThan(COUNT - 7);
    release();
    while (!stage.vat('alice').isBusy || stage.rejected().length < COUNT) {
      await settle();
    }
    expect(textOf(stage.flight('alice'))).toContain('next');
    expect(stage.rejected().map(([promise]) => promise)).toEqual(many('p+', 1));
    expect(stage.seen.most).toBeLessThanOrEqual(7);
    expect(stage.seen.cranks).toBeGreaterThan(3);
    await stage.finish('alice');
    await end(stage);
  });
});
