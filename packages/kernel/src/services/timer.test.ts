import { describe, expect, it } from 'vitest';
import type { Delivery, Json } from '@cooperage/protocol';
import { makeMemoryImage } from '../adapters/memory.ts';
import { until } from '../testing/admin-stage.ts';
import { makeWitness } from '../testing/commits.ts';
import { makeManualClock } from '../testing/manual-clock.ts';
import type { Behavior } from '../testing/raw-vats.ts';
import { makeRig, type Rig } from '../testing/rig.ts';
import {
  answerStart,
  dataOf,
  settle,
  subscribe,
  vref,
} from '../testing/stage.ts';
import { call, makeServiceStage, referTo } from '../testing/service-stage.ts';
import { FULL_MILLISECONDS, MOST_A_SECOND, MOST_TIMERS } from './timer.ts';

const START = 1_000_000;

const makeTimerStage = async (
  isChecked = true,
  {
    services = ['timer'],
    ...options
  }: NonNullable<Parameters<typeof makeServiceStage>[2]> = {},
) => {
  const time = makeManualClock();
  const stage = await makeServiceStage(['bob'], services, {
    isChecked,
    clock: time.clock,
    ...{ collectMilliseconds: Infinity, ...options },
  });
  const timer = await stage.refer('timer');
  return {
    ...stage,
    timer,
    waits: time.waits,
    pass: async (milliseconds: number): Promise<void> => {
      time.advance(milliseconds);
      await settle();
    },
    /** As when the machine has slept: timers come at the end. */
    sleep: async (milliseconds: number): Promise<void> => {
      time.advance(milliseconds, { late: true });
      await settle();
    },
  };
};

const fulfilled = (value: unknown) => ({
  isRejected: false,
  value,
  slots: [],
});

describe('the timer service', () => {
  it('tells the time, and fulfills promises when theirs has come', async () => {
    const { ask, told, pass, timer, rig } = await makeTimerStage();
    const now = await ask(timer, 'now');
    const soon = await ask(timer, 'delay', [50]);
    const later = await ask(timer, 'wakeAt', [START + 70]);
    const past = await ask(timer, 'wakeAt', [5]);
    await pass(0);
    expect([now, past, soon, later].map(told)).toEqual([
      fulfilled(START),
      fulfilled(START),
      undefined,
      undefined,
    ]);
    await pass(49);
    expect(told(soon)).toBe(undefined);
    await pass(1);
    expect(told(soon)).toEqual(fulfilled(START + 50));
    await pass(1_000);
    expect(told(later)).toEqual(fulfilled(START + 70));
    expect(rig.kernel.state.timers.size).toBe(0);
  });

  it('takes times that a clock can tell, and says which it does not', async () => {
    const { ask, told, timer, root, rig } = await makeTimerStage();
    const problemOf = async (
      method: string,
      args: readonly Json[],
    ): Promise<unknown> => {
      const slots = method === 'repeat' ? [root('bob')] : [];
      return told(await ask(timer, method, args, ...slots))?.value;
    };
    const error = (text: string, name: string) => ({ '#error': text, name });
    const range = (what: string, least = 0) =>
      error(
        `${what} is from ${least} to 8640000000000000 milliseconds`,
        'RangeError',
      );
    const type = (what: string) =>
      error(`${what} is a number of milliseconds`, 'TypeError');
    expect([
      await problemOf('wakeAt', ['soon']),
      await problemOf('wakeAt', [8.64e15 + 2]),
      await problemOf('delay', [8.64e15]),
      await problemOf('delay', [-1]),
      await problemOf('delay', []),
      await problemOf('repeat', [9, '$0']),
      await problemOf('repeat', [10, '$0', -1]),
      await problemOf('repeat', [10, 7]),
      await problemOf('wakeAt', [5, 7]),
    ]).toEqual([
      type('a time'),
      range('a time'),
      range('a time'),
      range('a delay'),
      type('a delay'),
      range('a period', 10),
      range('the first time'),
      error('a handler is an object', 'TypeError'),
      error('a handler is an object', 'TypeError'),
    ]);
    expect(rig.kernel.state.timers.size).toBe(0);
    await ask(timer, 'wakeAt', [8.64e15]);
    await ask(timer, 'wakeAt', [`+${START + 7}`]);
    await ask(timer, 'repeat', [10, '$0', START + 5], root('bob'));
    await ask(timer, 'repeat', [10.5, '$0'], root('bob'));
    expect(
      [...rig.kernel.state.timers.values()].map(({ time }) => time),
    ).toEqual([8.64e15, START + 7, START + 5, START + 11]);
  });

  it('waits for nothing of which nobody is told, nor once its kernel has stopped', async () => {
    const { say, ask, timer, rig, waits } = await makeTimerStage();
    await say(call(timer, 'delay', [50]));
    expect(rig.kernel.state.timers.size).toBe(0);
    await ask(timer, 'delay', [12_345]);
    expect(waits()).toContain(12_345);
    await rig.kernel.stop();
    expect(waits()).not.toContain(12_345);
  });

  it('tells a handler once, and one that is canceled not at all', async () => {
    const { ask, told, pass, timer, root, flight, finish, rig } =
      await makeTimerStage();
    const kept = await ask(timer, 'wakeAt', [START + 10, '$0'], root('bob'));
    const gone = await ask(timer, 'wakeAt', [START + 10, '$0'], root('bob'));
    const [alarm = ''] = told(gone)?.slots ?? [];
    const first = await ask(alarm, 'cancel');
    const second = await ask(alarm, 'cancel');
    await pass(10);
    expect(flight('bob')).toEqual([
      'message',
      'o+0',
      { methargs: dataOf(['wake', [START + 10]]), result: null },
    ]);
    await finish('bob');
    await pass(1_000);
    const [fired = ''] = told(kept)?.slots ?? [];
    const tooLate = await ask(fired, 'cancel');
    expect({
      answers: [first, second, tooLate].map(told),
      bob: rig.vats.get('bob').deliveries.length,
      timers: rig.kernel.state.timers.size,
    }).toEqual({
      answers: [true, false, false].map(fulfilled),
      bob: 2,
      timers: 0,
    });
  });

  it('tells a handler whose inbox was full once there is room, and does so once', async () => {
    const { ask, pass, timer, root, flight, finish, rig } =
      await makeTimerStage(true, { allowance: { inboxMessages: 4 } });
    for (const milliseconds of [10, 20, 30]) {
      await ask(timer, 'wakeAt', [START + milliseconds, '$0'], root('bob'));
    }
    // One sender may have half of an inbox.
    await pass(40);
    expect(rig.kernel.state.timers.size).toBe(1);
    await pass(FULL_MILLISECONDS);
    expect(rig.kernel.state.timers.size).toBe(1);
    await finish('bob');
    await finish('bob');
    await pass(FULL_MILLISECONDS);
    expect(rig.kernel.state.timers.size).toBe(0);
    expect(flight('bob')).toMatchObject([
      'message',
      'o+0',
      { methargs: { body: expect.stringMatching(/^#\["wake"/) } },
    ]);
    await finish('bob');
    await pass(10 * FULL_MILLISECONDS);
    expect(rig.vats.get('bob').isBusy).toBe(false);
  });

  it('repeats, leaves out times that were missed, and piles nothing up for a slow vat', async () => {
    const { ask, pass, timer, root, flight, finish, rig } =
      await makeTimerStage();
    await ask(timer, 'repeat', [100, '$0'], root('bob'));
    await pass(100);
    expect(flight('bob')).toMatchObject([
      'message',
      'o+0',
      { methargs: dataOf(['wake', [START + 100]]) },
    ]);
    await pass(1_000);
    expect(rig.kernel.state.messages.count(rig.vats.get('bob').id)).toBe(1);
    await finish('bob');
    await pass(100);
    expect(flight('bob')).toMatchObject([
      'message',
      'o+0',
      { methargs: dataOf(['wake', [START + 1_200]]) },
    ]);
  });

  it('rings once for all the times that a machine has slept through, and keeps its step', async () => {
    const { ask, sleep, timer, root, flight, finish, rig } =
      await makeTimerStage();
    const times = () =>
      [...rig.kernel.state.timers.values()].map(({ time }) => time - START);
    await ask(timer, 'repeat', [100, '$0'], root('bob'));
    for (const [milliseconds, told, next] of [
      [1_050, 1_050, 1_100],
      [50, 1_100, 1_200],
      [199, 1_299, 1_300],
    ] as const) {
      await sleep(milliseconds);
      expect(flight('bob')).toMatchObject([
        'message',
        'o+0',
        { methargs: dataOf(['wake', [START + told]]) },
      ]);
      await finish('bob');
      expect(times()).toEqual([next]);
    }
    expect(rig.vats.get('bob').deliveries.length).toBe(4);
  });

  it('forgets a time for which nobody is left to hear of it', async () => {
    const { ask, pass, timer, rig, client, launch } = await makeTimerStage();
    const guest = await launch('other', 'guest');
    await ask(timer, 'repeat', [100, '$0'], guest);
    await ask(timer, 'wakeAt', [START * 2, '$0'], guest);
    await ask(timer, 'wakeAt', [START * 2]);
    await client.rpc.call('terminate', { cluster: 'other' });
    expect([...rig.kernel.state.timers.values()]).toMatchObject([
      { handler: null },
    ]);
    await pass(500);
    expect(rig.kernel.status().state).toBe('running');
  });

  it('refuses a handler that hears of no time, and forgets one that was let in before that', async () => {
    const { ask, told, pass, timer, root, rig } = await makeTimerStage(false);
    const refused = told(await ask(timer, 'repeat', [100, '$0'], timer));
    expect(refused).toMatchObject({ isRejected: true });
    expect(JSON.stringify(refused?.value)).toMatch(
      /none of the kernel’s own hears of a time/,
    );
    await ask(timer, 'repeat', [100, '$0'], root('bob'));
    const { state } = rig.kernel;
    const [row] = [...state.timers.values()];
    state.store.begin();
    state.timers.put({ ...row!, handler: row!.timer });
    state.store.keep();
    await pass(100);
    expect(state.timers.size).toBe(0);
  });

  it('forgets what a session waits for when it ends, and what a vat hears of goes on', async () => {
    const { pass, rig, root, timer, ask, flight } = await makeTimerStage();
    const guest = await rig.connect();
    const theirs = await referTo(rig, guest, 'timer');
    await ask(timer, 'wakeAt', [START + 50, '$0'], root('bob'));
    const bob: string = Object(
      await guest.rpc.call('reference', { cluster: 'demo', vat: 'bob' }),
    ).vref;
    const says = (...args: Parameters<typeof call>) => {
      guest.send(call(...args), subscribe(String(args[3])));
    };
    says(theirs, 'delay', [10], 'p+1');
    says(theirs, 'wakeAt', [START + 10, '$0'], 'p+2', 'o+5');
    says(theirs, 'repeat', [10, '$0'], 'p+3', 'o+5');
    // Bob is told after the guest has gone, and has the promise of one delay.
    says(theirs, 'repeat', [50, '$0'], 'p+4', bob);
    says(theirs, 'delay', [60], 'p+5');
    guest.send(call(bob, 'take', ['&0'], null, 'p+5'));
    await settle();
    expect(rig.kernel.state.timers.size).toBe(6);
    await guest.rpc.call('sessionClose', {});
    expect(
      [...rig.kernel.state.timers.values()].map(({ time, period }) => [
        time - START,
        period,
      ]),
    ).toEqual([
      [50, null],
      [50, 50],
      [60, null],
    ]);
    await pass(20);
    expect(flight('bob')).toMatchObject([
      'message',
      'o+0',
      { methargs: { body: '#["take",["&0"]]' } },
    ]);
  });

  it.each<[string, readonly Json[], RegExp]>([
    ['delay', [], /TypeError.*a delay is a number of milliseconds/],
    ['delay', ['5'], /a delay is a number/],
    ['delay', [-1], /RangeError.*a delay is from 0/],
    ['delay', ['#NaN'], /RangeError/],
    ['wakeAt', ['#Infinity'], /RangeError/],
    ['wakeAt', [5, { wake: 1 }], /a handler is an object/],
    ['repeat', [1, '$0'], /a period is from 10/],
    ['repeat', [100], /a handler is an object/],
    ['tick', [], /timer has no method .*tick.*it has now, delay, wakeAt/],
    ['constructor', [], /no method/],
    ['delay', ['$7'], /reference that is not there/],
  ])(
    'refuses %s with %j, and changes nothing',
    async (method, args, problem) => {
      const { ask, told, timer, root, rig } = await makeTimerStage();
      const before = rig.kernel.state.objects.size;
      const answer = told(await ask(timer, method, args, root('bob')));
      expect(answer).toMatchObject({ isRejected: true });
      expect(Object.values(Object(answer?.value)).reverse().join(': ')).toMatch(
        problem,
      );
      expect({
        timers: rig.kernel.state.timers.size,
        objects: rig.kernel.state.objects.size,
      }).toEqual({ timers: 0, objects: before });
    },
  );

  it('lets one timer object wait for so many times and no more', async () => {
    const { ask, told, timer, say, rig, pass } = await makeTimerStage(false);
    const many = Array.from({ length: MOST_TIMERS }, (_, index) =>
      call(timer, 'delay', [10], `p+${index + 10}`),
    );
    await say(...many);
    await rig.kernel.idle();
    const refused = await ask(timer, 'delay', [10]);
    await pass(10);
    await pass(0);
    await rig.kernel.idle();
    await settle();
    expect(told(refused)).toMatchObject({
      isRejected: true,
      value: {
        '#error':
          '1000 times are waited for, and no more may: cancel some, or wait',
        name: 'RangeError',
      },
    });
    expect(rig.kernel.state.timers.size).toBe(0);
  });

  it('rings so often in a second for one timer object and no more, whatever the grants of its cluster are called', async () => {
    const { ask, told, timer, say, rig, root } = await makeTimerStage(false, {
      services: ['timer', { service: 'timer', as: 'clock' }],
    });
    const { timers, serviceObjects, repeatsPerSecond } = rig.kernel.state;
    expect(
      [...serviceObjects.values()].filter(({ kind }) => kind === 'timer'),
    ).toHaveLength(1);
    const most = MOST_A_SECOND / 100;
    const bob = root('bob');
    await say(
      ...Array.from({ length: most - 1 }, (_, index) =>
        call(timer, 'repeat', [10, '$0'], `p+${index + 100}`, bob),
      ),
    );
    // Fifteen milliseconds count as what comes 67 times a second.
    const last = await ask(timer, 'repeat', [15, '$0'], bob);
    const refused = await ask(timer, 'repeat', [30, '$0'], bob);
    const single = await ask(timer, 'wakeAt', [START * 2, '$0'], bob);
    const [alarm = ''] = told(last)?.slots ?? [];
    await ask(alarm, 'cancel');
    const taken = await ask(timer, 'repeat', [10, '$0'], bob);
    expect(
      [refused, single, taken].map(each => told(each)?.isRejected),
    ).toEqual([true, false, false]);
    expect(JSON.stringify(told(refused))).toContain(
      'its alarms would come 1001 times a second, more than 1000',
    );
    const [{ timer: kref } = Object(undefined)] = timers.values();
    expect([repeatsPerSecond.of(kref), timers.size]).toEqual([
      MOST_A_SECOND,
      most + 1,
    ]);
  });

  it('counts no times that nobody waits for any more, as after the loss of a heap', async () => {
    const { ask, told, timer, say, rig, pass } = await makeTimerStage(false);
    const names = Array.from(
      { length: MOST_TIMERS },
      (_, index) => `p+${index + 10}`,
    );
    await say(...names.map(name => call(timer, 'delay', [10], name)));
    await rig.kernel.idle();
    await say(['forgetPromises', names.map(vref)]);
    const taken = await ask(timer, 'delay', [10]);
    await rig.kernel.idle();
    expect(rig.kernel.state.timers.size).toBe(1);
    await pass(10);
    expect(told(taken)).toEqual(fulfilled(START + 10));
  });

  it('keeps no rows of times that nobody waits for over a collection, asked for or not', async () => {
    const { ask, told, timer, say, rig, pass, client, root, finish, vat } =
      await makeTimerStage(true, { collectMilliseconds: 500 });
    const rows = () => {
      const { timers, promises, objects, serviceObjects } = rig.kernel.state;
      return [timers.size, promises.size, objects.size, serviceObjects.size];
    };
    const leave = async (first: number): Promise<void> => {
      const [one, two] = [`p+${first}`, `p+${first + 1}`];
      await say(
        call(timer, 'delay', [1e9], one),
        call(timer, 'delay', [2e9], two),
      );
      await say(['forgetPromises', [one, two].map(vref)]);
    };
    const before = rows();
    await leave(100);
    expect(rig.kernel.state.timers.size).toBe(2);
    await client.rpc.call('collect', {});
    expect(rows()).toEqual(before);
    await leave(200);
    expect(rig.kernel.state.timers.size).toBe(2);
    await pass(1_000);
    await pass(1_000);
    expect(rows()).toEqual(before);
    // A handler that goes with its heap, and one that stays.
    await say(call(root('bob'), 'give', [], 'p+300'), subscribe('p+300'));
    await finish('bob', [
      'resolve',
      [[vref('p-50'), false, dataOf(['$0', '$1'], 'o+9', 'o+d1/1')]],
    ]);
    const [gone = '', durable = ''] = told('p+300')?.slots ?? [];
    for (const handler of [gone, durable]) {
      await ask(timer, 'repeat', [1e9, '$0'], handler);
    }
    const worker = vat('bob');
    await client.rpc.call('restart', { cluster: 'demo', vat: 'bob' });
    expect([worker.isKilled, rig.kernel.state.timers.size]).toEqual([true, 2]);
    await client.rpc.call('collect', {});
    expect(rig.kernel.state.timers.size).toBe(1);
    // The rest is still told in its time.
    await pass(1e9);
    await until(() => vat('bob').isBusy);
    await finish('bob');
    await pass(1e9);
    await until(() => vat('bob').isBusy);
    await finish('bob');
    await rig.kernel.stop();
  });
});

const isWake = (delivery: Delivery): boolean =>
  delivery[0] === 'message' && delivery[2].methargs.body.startsWith('#["wake"');

/** Notes each wake in its store. */
const noteWakes: Behavior = (delivery, vat) =>
  isWake(delivery)
    ? { changes: [[`wake ${vat.incarnation}.${vat.crank}`, '']] }
    : (answerStart(delivery) ?? {});

/** What a kernel over the image knows of wakes: heard of, on their way, to come. */
const wakesOf = ({ kernel, image }: Rig) => {
  const isNote = (key: string): boolean => key.startsWith('wake');
  const folded = [...image.vats.values()].flatMap(({ rows }) => [
    ...rows.keys(),
  ]);
  const { vatChanges, queue, timers } = kernel.state;
  const noted = [...vatChanges.values()].map(({ key }) => key);
  return {
    heard: new Set([...folded, ...noted].filter(isNote)).size,
    waiting:
      [...queue.values()].filter(({ body }) => body.startsWith('#["wake"'))
        .length + timers.size,
  };
};

describe('a timer and a crash', () => {
  it('come to one wake for each time that was committed, wherever the crash is (2, 10)', async () => {
    const { images, wrap } = makeWitness();
    const image = makeMemoryImage();
    const time = makeManualClock();
    const options = { clock: time.clock, collectMilliseconds: Infinity };
    const rig = makeRig(noteWakes, {
      ...options,
      image,
      services: ['timer'],
      epochCranks: 1,
      wrap: wrap(image),
    });
    await rig.launch('demo', ['boot', 'bob']);
    const client = await rig.connect();
    const bob: string = Object(
      await client.rpc.call('reference', { cluster: 'demo', vat: 'bob' }),
    ).vref;
    const timer = await referTo(rig, client, 'timer');
    for (let index = 1; index <= 5; index += 1) {
      const at = START + index * 10;
      client.send(call(timer, 'wakeAt', [at, '$0'], null, bob));
      await settle();
      time.advance(15);
      await settle();
    }
    time.advance(1_000);
    await rig.kernel.idle();
    expect(wakesOf(rig)).toEqual({ heard: 5, waiting: 0 });
    const outcomes = new Set<string>();
    for (const each of images) {
      const later = makeRig(noteWakes, { ...options, image: each });
      const before = wakesOf(later);
      time.advance(1_000);
      await settle();
      await later.kernel.idle();
      outcomes.add(`${before.heard} and ${before.waiting}`);
      expect(wakesOf(later)).toEqual({
        heard: before.heard + before.waiting,
        waiting: 0,
      });
      await later.kernel.stop();
    }
    expect([...outcomes]).toEqual(
      expect.arrayContaining(['0 and 1', '1 and 0', '5 and 0']),
    );
  });
});
