import { makeVatId, type LogEntry } from '@cooperage/protocol';
import { describe, expect, it } from 'vitest';
import { makeNews } from './news.ts';
import { makeManualClock } from './testing/manual-clock.ts';
import { makeRig } from './testing/rig.ts';
import { makeStage, send, settle } from './testing/stage.ts';

const entry = (number: number): LogEntry => ({
  at: number,
  vat: null,
  label: 'kernel',
  level: 'log',
  text: `line ${number}`,
});

const makeScene = () => {
  const { clock, advance } = makeManualClock();
  const logged: LogEntry[] = [];
  const { kernel } = makeRig();
  const news = makeNews({
    clock,
    log: each => logged.push(each),
    status: kernel.status,
    ride: look => look(),
    isCommitted: () => true,
  });
  /** What one listener hears: the texts of each log notification, and `state`. */
  const listen = () => {
    const heard: (string[] | 'state')[] = [];
    const stop = news.watch((name, params) =>
      heard.push(
        'entries' in params ? params.entries.map(({ text }) => text) : 'state',
      ),
    );
    return { heard, stop };
  };
  return { news, advance, logged, listen };
};

describe('news for people', () => {
  it('come by their names, the trace only to who wants it, and the lines that are missing are told as a warning of the kernel’s', () => {
    const { news, advance } = makeScene();
    const told: string[] = [];
    const traced: string[] = [];
    let first: unknown;
    news.watch(name => told.push(name));
    news.watch((name, params) => {
      traced.push(name);
      first ??= 'entries' in params ? params.entries[0] : undefined;
    }, true);
    for (let number = 1; number <= 201; number += 1) {
      news.write(entry(number));
    }
    news.trace(() => ({ type: 'lost', at: 1, vat: makeVatId(1), reason: '' }));
    advance(50);
    expect(told).toEqual(['log', 'state']);
    expect(traced).toEqual(['log', 'state', 'trace']);
    expect(first).toMatchObject({ vat: null, label: 'kernel', level: 'warn' });
    const late: string[] = [];
    news.watch(name => late.push(name));
    expect(late).toEqual(['log']);
  });

  it('are gathered: lines and state of 50 ms come at once', () => {
    const { news, advance, listen } = makeScene();
    const { heard } = listen();
    news.write(entry(1));
    news.stir();
    news.write(entry(2));
    advance(49);
    expect(heard).toEqual([]);
    advance(1);
    expect(heard).toEqual([['line 1', 'line 2'], 'state']);
    advance(1_000);
    expect(heard.length).toBe(2);
  });

  it('tell each listener each line once, whenever it came', () => {
    const { news, advance, listen } = makeScene();
    const early = listen();
    news.write(entry(1));
    const late = listen();
    news.write(entry(2));
    advance(50);
    expect([early.heard, late.heard]).toEqual([
      [['line 1'], ['line 2']],
      [['line 1'], ['line 2']],
    ]);
    early.stop();
    late.stop();
    news.write(entry(3));
    expect(listen().heard).toEqual([['line 1', 'line 2', 'line 3']]);
  });

  it('are bounded: of a flood the last 200 lines are told, and how many are missing (invariant 11)', () => {
    const { news, advance, listen, logged } = makeScene();
    const { heard } = listen();
    for (let number = 1; number <= 100_000; number += 1) {
      news.write(entry(number));
    }
    advance(50);
    expect(heard.length).toBe(1);
    expect(heard[0]?.slice(0, 2)).toEqual([
      '99800 lines of log came too fast to be told',
      'line 99801',
    ]);
    expect([heard[0]?.length, logged.length]).toEqual([201, 100_000]);
  });
});

const EPOCH = 1_000;

/** One message to a vat while another keeps the kernel at work, with a reader who is told of it or not. */
const watchMessage = async (params: { trace?: boolean } | undefined) => {
  const { clock, advance } = makeManualClock();
  const stage = await makeStage(['alice', 'bob'], {
    clock,
    epochMilliseconds: EPOCH,
    collectMilliseconds: Infinity,
    foldMilliseconds: 2 ** 30,
  });
  const { kernel } = stage.rig;
  const reader = await stage.rig.connect('read');
  if (params) {
    await reader.rpc.call('subscribe', params);
  }
  await stage.say(send(stage.root('bob'), 'stay'));
  advance(EPOCH);
  await settle();
  reader.told.length = 0;
  const before = kernel.status().commits;
  await stage.say(send(stage.root('alice'), 'go'));
  await stage.finishWith('alice', { changes: [['k', 'v']] });
  let answers = 0;
  void reader.rpc.call('status', {}).then(() => {
    answers += 1;
  });
  advance(EPOCH - 1);
  await settle();
  const early = [reader.told.length, answers, kernel.status().commits - before];
  advance(1);
  await settle();
  const commits = kernel.status().commits - before;
  const told = reader.told.map(({ method }) => method);
  const types = reader.told.flatMap(({ params }) =>
    (Object(params).events ?? []).map(({ type }: { type: string }) => type),
  );
  await stage.finish('bob');
  await kernel.stop();
  return { early, answers, commits, told, types };
};

describe('state and trace', () => {
  it('are told once to a client that subscribes again', async () => {
    const { clock, advance } = makeManualClock();
    const stage = await makeStage(['alice'], { clock });
    const { rpc, told } = stage.client;
    await rpc.call('subscribe', {});
    await rpc.call('subscribe', {});
    advance(50);
    await settle();
    told.length = 0;
    await rpc.call('pause', { cluster: 'demo', vat: 'alice' });
    advance(50);
    await settle();
    expect(told.map(({ method }) => method)).toEqual(['state']);
    await stage.rig.kernel.stop();
  });

  it('ride with the epoch: nothing of them is told before its commit, and none commits for them (invariant 10)', async () => {
    const common = { early: [0, 0, 0], answers: 1, commits: 1 };
    expect(await watchMessage({ trace: true })).toEqual({
      ...common,
      told: ['state', 'trace'],
      types: ['deliver', 'done'],
    });
    expect(await watchMessage({})).toEqual({
      ...common,
      told: ['state'],
      types: [],
    });
    expect(await watchMessage(undefined)).toEqual({
      ...common,
      told: [],
      types: [],
    });
  });

  it('tell nothing of what a failed kernel has not committed', () => {
    const { clock, advance } = makeManualClock();
    const riders: (() => void)[] = [];
    const heard: string[] = [];
    const news = makeNews({
      clock,
      log: () => {},
      status: makeRig().kernel.status,
      ride: look => riders.push(look),
      isCommitted: () => false,
    });
    news.watch(name => heard.push(name), true);
    const vat = makeVatId(1);
    news.trace(() => ({ type: 'lost', at: 0, vat, reason: 'a fault' }));
    advance(50);
    expect(heard).toEqual([]);
    riders.forEach(look => look());
    expect(heard).toEqual(['state']);
  });

  it('do not pile up for a reader who is stopped; it is told how things are when it goes on (invariant 11)', async () => {
    const { clock, advance } = makeManualClock();
    const stage = await makeStage(['alice'], { clock });
    const reader = await stage.rig.connect('read');
    await reader.rpc.call('subscribe', { trace: true });
    const fence = reader.fence();
    for (let nth = 0; nth < 10; nth += 1) {
      await stage.say(send(stage.root('alice'), 'go'));
      await stage.finish('alice');
      advance(50);
      await settle();
    }
    const { cranks } = stage.rig.kernel.status();
    const onTheWay = reader.pair.held();
    fence.release();
    await settle();
    const states = reader.told.filter(({ method }) => method === 'state');
    expect(states.at(-1)?.params).toMatchObject({ cranks });
    const events = reader.told.flatMap(
      ({ params }) => Object(params).events ?? [],
    );
    expect(events).toHaveLength(20);
    expect(onTheWay).toBeLessThan(7); // three, and a question behind each
    await stage.rig.kernel.stop();
  });
});
