import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { makeManualClock } from '../testing/manual-clock.ts';
import { makeRig, RAW_BUNDLE } from '../testing/rig.ts';
import { answerStart, makeStage, send, settle } from '../testing/stage.ts';
import { setDeadline } from './deadline.ts';

const HOUR = 3_600_000;

const setScene = (milliseconds: number) => {
  const { clock, advance } = makeManualClock();
  let expirations = 0;
  const cancel = setDeadline(clock, milliseconds, () => {
    expirations += 1;
  });
  return { advance, cancel, expirations: () => expirations };
};

describe('a deadline', () => {
  it('passes once, when its time is up', async () => {
    const { advance, expirations } = setScene(5_000);
    advance(4_999);
    await settle();
    expect(expirations()).toBe(0);
    advance(1);
    await settle();
    expect(expirations()).toBe(1);
    advance(HOUR);
    await settle();
    expect(expirations()).toBe(1);
  });

  it('lets an answer that has arrived at its end be heard first', async () => {
    const { advance, cancel, expirations } = setScene(5_000);
    advance(5_000);
    cancel();
    await settle();
    expect(expirations()).toBe(0);
  });

  it.each([
    [5_000, 1_000],
    [1_000, 350],
  ])(
    'of %i ms waits again for a slice whose timer comes later than a slice, or than a quarter of a second, and for no other',
    async (milliseconds, most) => {
      const { advance, expirations } = setScene(milliseconds);
      advance(most + 1, { late: true });
      for (let slices = 0; slices < 10; slices += 1) {
        await settle();
        expect(expirations()).toBe(0);
        advance(most, { late: true });
      }
      await settle();
      expect(expirations()).toBe(1);
    },
  );

  it('is not passed by a machine that slept, however long', async () => {
    const { advance, expirations } = setScene(5_000);
    advance(4_900);
    advance(8 * HOUR, { late: true });
    await settle();
    expect(expirations()).toBe(0);
    advance(500);
    await settle();
    expect(expirations()).toBe(1);
  });

  it('is passed by no sum of stalls, only by time in which its thread was there', async () => {
    const span = fc.oneof(
      fc.record({
        milliseconds: fc.integer({ min: 1, max: 300 }),
        late: fc.constant(false),
      }),
      fc.record({
        milliseconds: fc.integer({ min: 1, max: 60_000 }),
        late: fc.constant(true),
      }),
    );
    await fc.assert(
      fc.asyncProperty(
        fc.integer({ min: 1_000, max: 20_000 }),
        fc.array(span, { minLength: 12, maxLength: 40 }),
        async (milliseconds, spans) => {
          const { advance, expirations } = setScene(milliseconds);
          // A stall that is too short to be told from a busy thread takes one slice at most.
          const most = Math.max(milliseconds / 10, 250);
          let responsive = 0;
          for (const { milliseconds: each, late } of spans) {
            advance(each, { late });
            const isStall = late && each > most + milliseconds / 10;
            responsive += isStall ? 0 : each;
          }
          await settle();
          expect(expirations() > 0 && responsive < 0.9 * milliseconds).toBe(
            false,
          );
        },
      ),
    );
  });
});

describe('nobody is ended for what is not its own', () => {
  it('when the kernel’s thread stalls, the machine sleeps, or a debugger holds the kernel', async () => {
    const { clock, advance } = makeManualClock();
    const stage = await makeStage(['alice', 'bob'], { clock });
    await stage.say(
      send(stage.root('alice'), 'work'),
      send(stage.root('bob'), 'work'),
    );
    for (let stalls = 0; stalls < 10; stalls += 1) {
      for (const milliseconds of [6_000, 60_000, 8 * HOUR]) {
        advance(milliseconds, { late: true });
        await settle();
      }
    }
    for (const name of ['alice', 'bob']) {
      expect(stage.vat(name)).toMatchObject({ isBusy: true, incarnation: 1 });
      await stage.finish(name);
    }
    await stage.rig.kernel.stop();
  });

  it('when fifty vats start at once, and each of their workers takes long', async () => {
    const { clock, advance } = makeManualClock();
    const held: (() => void)[] = [];
    const rig = makeRig(answerStart, {
      clock,
      isChecked: false,
      wrap: platform => ({
        ...platform,
        vats: {
          launch: async (id, label) => {
            await new Promise<void>(resolve => {
              held.push(resolve);
            });
            return platform.vats.launch(id, label);
          },
        },
      }),
    });
    const client = await rig.connect();
    const names = Array.from({ length: 50 }, (_, index) => `v${index}`);
    const launched = client.rpc.call('launch', {
      config: {
        name: 'crowd',
        bootstrap: 'v0',
        vats: Object.fromEntries(
          names.map(name => [name, { bundle: { text: RAW_BUNDLE } }]),
        ),
      },
    });
    await settle();
    let batches = 0;
    while (held.length > 0) {
      batches += 1;
      advance(15_000);
      await settle();
      held.splice(0).forEach(start => start());
      await settle();
    }
    await launched;
    // Together they took far longer than any of them may.
    expect(batches * 15_000).toBeGreaterThan(5 * 20_000);
    expect(rig.vats.all.map(({ isKilled }) => isKilled)).toEqual(
      names.map(() => false),
    );
    await rig.kernel.stop();
  });
});
