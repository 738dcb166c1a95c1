import { describe, expect, it } from 'vitest';
import { makeManualClock } from './testing/manual-clock.ts';
import {
  answerStart,
  end,
  makeStage,
  send,
  settle,
  type Stage,
} from './testing/stage.ts';

const SLOW = ['s1', 's2', 's3', 's4', 's5'];

/**
 * Two vats that have answered within a millisecond, `one` and `honest`, beside
 * five whose deliveries take 15 ms. `hold` gives `one` something that lasts; then
 * all others get work. Tells how long `honest` waits for its turn, and how many
 * of the slow have had theirs meanwhile.
 */
const runBeside = async (
  quickMilliseconds: number,
  hold: (stage: Stage, held: Set<string>) => Promise<void>,
) => {
  const { clock, advance } = makeManualClock();
  const held = new Set<string>();
  const stage = await makeStage(['one', 'honest', ...SLOW], {
    clock,
    parallel: 2,
    quickMilliseconds,
    isChecked: false,
    behave: (delivery, { label }) =>
      held.has(label) ? undefined : answerStart(delivery),
  });
  const sendWork = (name: string) => send(stage.root(name), 'work');
  for (const name of ['one', 'honest', ...SLOW]) {
    await stage.say(sendWork(name));
    advance(SLOW.includes(name) ? 15 : 1);
    await stage.finish(name);
  }
  await hold(stage, held);
  advance(1);
  for (let nth = 0; nth < 60; nth += 1) {
    await stage.say(...SLOW.map(sendWork));
  }
  await stage.say(sendWork('honest'));
  const began = new Map<string, number>();
  const since = clock.now();
  let landed = 0;
  while (clock.now() - since < 500 && !stage.vat('honest').isBusy) {
    const busy = SLOW.filter(name => stage.vat(name).isBusy);
    busy.forEach(name => began.set(name, began.get(name) ?? clock.now()));
    advance(5);
    for (const name of busy) {
      if (clock.now() - (began.get(name) ?? 0) >= 15) {
        began.delete(name);
        await stage.finish(name);
        landed += 1;
      }
    }
  }
  const waited = clock.now() - since;
  expect(stage.vat('one').isBusy).toBe(true); // until the end
  await stage.client.rpc.call('terminate', { cluster: 'demo' });
  await end(stage);
  return { waited, landed };
};

describe.each([0, 8])(
  'a quick vat, with a place for the quick or without (%i ms),',
  quickMilliseconds => {
    it('waits for none that was quick and spins', async () => {
      const { waited, landed } = await runBeside(
        quickMilliseconds,
        async stage => stage.say(send(stage.root('one'), 'spin')),
      );
      expect(landed).toBeLessThanOrEqual(6);
      expect(waited).toBeLessThan(50);
    });

    it('waits for none that was quick and starts', async () => {
      const { landed, waited } = await runBeside(
        quickMilliseconds,
        async (stage, held) => {
          held.add('one');
          const vat = { cluster: 'demo', vat: 'one' };
          await stage.client.rpc.call('restart', vat);
          await settle();
          await stage.say(send(stage.root('one'), 'work'));
          expect(stage.flight('one')[0]).toBe('startVat');
        },
      );
      expect(landed).toBeLessThanOrEqual(6);
      expect(waited).toBeLessThan(50);
    });
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
