import { expect, it } from 'vitest';
import { makeManualClock } from './testing/manual-clock.ts';
import { answerStart, end, makeStage, send, settle } from './testing/stage.ts';

/**
 * 'spinner' answered once within 8 ms, and is now at work for long (20 ms < t < its deadline of 5 s).
 * 'honest' always answers at once. Five ordinary vats have deliveries of 15 ms one after the other.
 */
const besideSpinner = async (quickMilliseconds: number) => {
  const { clock, advance } = makeManualClock();
  const slow = ['s1', 's2', 's3', 's4', 's5'];
  const stage = await makeStage(['spinner', 'honest', ...slow], {
    clock,
    parallel: 2,
    quickMilliseconds,
    isChecked: false,
  });
  const work = async (name: string, milliseconds: number) => {
    await stage.say(send(stage.root(name), 'work'));
    advance(milliseconds);
    await stage.finish(name);
  };
  await work('spinner', 1);
  await work('honest', 1);
  for (const name of slow) {
    await work(name, 15);
  }
  await stage.say(send(stage.root('spinner'), 'spin'));
  advance(1);
  for (let nth = 0; nth < 60; nth += 1) {
    await stage.say(...slow.map(name => send(stage.root(name), 'work')));
  }
  await stage.say(send(stage.root('honest'), 'work'));
  const began = new Map<string, number>();
  let landed = 0;
  for (let rounds = 0; rounds < 400; rounds += 1) {
    if (stage.vat('honest').isBusy) {
      break;
    }
    const busy = slow.filter(name => stage.vat(name).isBusy);
    busy.forEach(name => {
      if (!began.has(name)) {
        began.set(name, clock.now());
      }
    });
    advance(5);
    for (const name of busy) {
      if (clock.now() - (began.get(name) ?? 0) >= 15) {
        began.delete(name);
        await stage.finish(name);
        landed += 1;
      }
    }
  }
  const isSpinning = stage.vat('spinner').isBusy;
  await stage.client.rpc.call('terminate', { cluster: 'demo' });
  await end(stage);
  return { landed, isSpinning };
};

it.each([0, 8])(
  'a spinner that was quick keeps no other quick vat waiting, with or without a place for the quick (%i ms)',
  async quickMilliseconds => {
    const found = await besideSpinner(quickMilliseconds);
    expect(found.isSpinning).toBe(true);
    expect(found.landed).toBeLessThanOrEqual(6);
  },
);

/** No vat is hostile: 'restarted' was quick, and now its startVat takes half a second. */
const besideStart = async (quickMilliseconds: number) => {
  const { clock, advance } = makeManualClock();
  const slow = ['s1', 's2', 's3', 's4', 's5'];
  const held = new Set<string>();
  const stage = await makeStage(['restarted', 'honest', ...slow], {
    clock,
    parallel: 2,
    quickMilliseconds,
    isChecked: false,
    behave: (delivery, { label }) =>
      held.has(label) ? undefined : answerStart(delivery),
  });
  const work = async (name: string, milliseconds: number) => {
    await stage.say(send(stage.root(name), 'work'));
    advance(milliseconds);
    await stage.finish(name);
  };
  await work('restarted', 1);
  await work('honest', 1);
  for (const name of slow) {
    await work(name, 15);
  }
  held.add('restarted');
  await stage.client.rpc.call('restart', { cluster: 'demo', vat: 'restarted' });
  await settle();
  await stage.say(send(stage.root('restarted'), 'work'));
  expect(stage.flight('restarted')[0]).toBe('startVat');
  for (let nth = 0; nth < 40; nth += 1) {
    await stage.say(...slow.map(name => send(stage.root(name), 'work')));
  }
  await stage.say(send(stage.root('honest'), 'work'));
  const began = new Map<string, number>();
  const since = clock.now();
  while (clock.now() - since < 500 && !stage.vat('honest').isBusy) {
    const busy = slow.filter(name => stage.vat(name).isBusy);
    busy.forEach(name => {
      if (!began.has(name)) {
        began.set(name, clock.now());
      }
    });
    advance(5);
    for (const name of busy) {
      if (clock.now() - (began.get(name) ?? 0) >= 15) {
        began.delete(name);
        await stage.finish(name);
      }
    }
  }
  const waited = clock.now() - since;
  await stage.client.rpc.call('terminate', { cluster: 'demo' });
  await end(stage);
  return waited;
};

it.each([0, 8])(
  'nor does the start of a vat that was (%i ms)',
  async quickMilliseconds => {
    expect(await besideStart(quickMilliseconds)).toBeLessThan(50);
  },
);

it('a vat whose every delivery passes its deadline is not held to be quick for the rest of its life', async () => {
  const { clock, advance } = makeManualClock();
  const slow = ['s1', 's2', 's3'];
  const stage = await makeStage(['spinner', ...slow], {
    clock,
    parallel: 2,
    quickMilliseconds: 8,
    isChecked: false,
    rules: { onFault: 'restart' },
  });
  const work = async (name: string, milliseconds: number) => {
    await stage.say(send(stage.root(name), 'work'));
    advance(milliseconds);
    await stage.finish(name);
  };
  await work('spinner', 1); // the only one that it ever answers
  for (const name of slow) {
    await work(name, 15);
  }
  let abandoned = 0;
  for (let messages = 0; messages < 6; messages += 1) {
    await stage.say(send(stage.root('spinner'), 'spin'));
    for (let tries = 0; tries < 3; tries += 1) {
      expect(stage.flight('spinner')[0]).toBe('message');
      advance(5_000);
      await settle();
      await settle();
      abandoned += 1;
    }
  }
  expect(abandoned).toBe(18);
  await stage.say(send(stage.root('spinner'), 'spin'));
  expect(stage.flight('spinner')[0]).toBe('message');
  await stage.say(...slow.map(name => send(stage.root(name), 'work')));
  const busy = slow.filter(name => stage.vat(name).isBusy);
  await stage.client.rpc.call('terminate', { cluster: 'demo' });
  await end(stage);
  // two places: the spinner has one, and no vat that is quick is in flight
  expect(busy).toHaveLength(1);
});
