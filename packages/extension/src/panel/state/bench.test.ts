import { expect, test } from 'vitest';
import { effect, type ReadonlySignal } from '@preact/signals';
import {
  encodeError,
  encodeReference,
  makeClusterId,
  makeKref,
  makeVatId,
  type CapData,
  type ClusterStatus,
  encodeDisconnection,
  type KernelStatus,
  type Vref,
} from '@cooperage/protocol';
import { makeBench, type BenchPorts } from './bench.ts';
import { makeFakeKernel, type FakeKernel } from '../testing/fake-kernel.ts';
import { makeRpcOpener } from './rpc-link.ts';
import { checkDraft } from './results.ts';

const demo: ClusterStatus = {
  id: makeClusterId(1),
  name: 'demo',
  bootstrap: 'bob',
  services: [],
  vats: [
    {
      id: makeVatId(1),
      name: 'bob',
      state: 'running',
      incarnation: 1,
      bundleHash: '',
      root: makeKref('object', 7),
      waiting: 0,
    },
  ],
};

/** The value of a signal as soon as it is as wanted. */
const until = <Value>(
  source: ReadonlySignal<Value>,
  isWanted: (value: Value) => boolean,
): Promise<Value> =>
  new Promise(resolve => {
    const stop = effect(() => {
      const { value } = source;
      if (isWanted(value)) {
        resolve(value);
        queueMicrotask(() => stop());
      }
    });
  });

const bodyOf = (json: unknown): CapData => ({
  body: `#${JSON.stringify(json)}`,
  slots: [],
});

/** A bench over a fake kernel; waits between tries end when `skip` is called. */
const setUp = async (kernel: FakeKernel, ports: Partial<BenchPorts> = {}) => {
  const waits: number[] = [];
  const bench = makeBench({
    open: makeRpcOpener(kernel.connect),
    later: milliseconds => {
      waits.push(milliseconds);
      let skip = (): void => {};
      const done = new Promise<void>(resolve => {
        skip = resolve;
      });
      return { done, skip };
    },
    now: () => 0,
    fetchText: async () => '[]',
    compileModule: async () => ({ ok: true, bundleText: '{}' }),
    samplesUrl: 'https://cooperage.example/samples.json',
    ...ports,
  });
  return { bench, waits };
};

const opened = async (kernel: FakeKernel, ports?: Partial<BenchPorts>) => {
  const set = await setUp(kernel, ports);
  await until(set.bench.connection.phase, ({ at }) => at === 'open');
  return set;
};

const sendAndWait = async (
  bench: Awaited<ReturnType<typeof opened>>['bench'],
  argsText = '',
) => {
  await bench.results.send(
    { target: 'demo.bob', method: 'hello', argsText },
    argsText === '' ? [] : JSON.parse(argsText),
  );
  return bench.results.results.value[0];
};

test('shows the status that subscribe answers and each state after it', async () => {
  const kernel = makeFakeKernel();
  const { bench } = await opened(kernel);
  kernel.setStatus({ clusters: [demo] });
  const status = await until(
    bench.connection.status,
    found => (found?.clusters.length ?? 0) > 0,
  );
  expect({ status, calls: kernel.calls }).toEqual({
    status: {
      state: 'running',
      version: 1,
      clusters: [demo],
      launches: [],
      home: [],
      sessions: 1,
      cranks: 0,
      commits: 0,
      sql: { statements: 0, rows: 0, bytes: 0 },
    } satisfies KernelStatus,
    calls: [['subscribe', {}]],
  });
});

test('says why the kernel is unreachable, waits longer each time, and comes back', async () => {
  const kernel = makeFakeKernel();
  kernel.setUnreachable('the offscreen document does not answer');
  const { bench, waits } = await setUp(kernel);
  const lost = await until(bench.connection.phase, ({ at }) => at === 'lost');
  expect(lost).toEqual({
    at: 'lost',
    reason: 'the offscreen document does not answer',
  });
  await Promise.resolve();
  kernel.setUnreachable(undefined);
  bench.connection.retryNow();
  await until(bench.connection.phase, ({ at }) => at === 'open');
  kernel.setUnreachable('gone');
  await until(bench.connection.phase, ({ at }) => at === 'lost');
  await Promise.resolve();
  expect(waits).toEqual([1000, 200]);
});

test('keeps the last status while the connection is lost, and lets nobody act', async () => {
  const kernel = makeFakeKernel({ status: { clusters: [demo] } });
  const { bench } = await opened(kernel);
  kernel.setUnreachable('gone');
  await until(bench.connection.phase, ({ at }) => at === 'lost');
  const acted = await bench.actions.control('k', 'done', 'terminate', {
    cluster: 'demo',
  });
  expect({
    acted,
    names: bench.connection.status.value?.clusters.map(({ name }) => name),
    canAct: bench.canAct.value,
    problem: bench.actions.states.value.get('k'),
  }).toEqual({
    acted: false,
    names: ['demo'],
    canAct: false,
    problem: {
      state: 'failed',
      problem: 'the kernel can’t be reached just now',
    },
  });
});

test('sends a message as one batch of send and subscribe, with references as slots', async () => {
  const kernel = makeFakeKernel({
    status: {
      clusters: [demo],
      home: [{ name: 'purse', kref: makeKref('object', 9) }],
    },
    onSend: () => ({ isRejected: false, data: bodyOf('hi') }),
  });
  const { bench } = await opened(kernel);
  const result = await sendAndWait(bench, '[1, {"@ref": "purse"}, "#x"]');
  expect({ outcome: result?.outcome, batches: kernel.batches }).toEqual({
    outcome: { state: 'fulfilled', value: { kind: 'string', text: 'hi' } },
    batches: [
      {
        seen: 0,
        syscalls: [
          [
            'send',
            'o-7',
            {
              methargs: { body: '#["hello",[1,"$0","!#x"]]', slots: ['o-9'] },
              result: 'p+1',
            },
          ],
          ['subscribe', 'p+1'],
        ],
      },
    ],
  });
});

test('shows a rejection with its error', async () => {
  const kernel = makeFakeKernel({
    status: { clusters: [demo] },
    onSend: () => ({
      isRejected: true,
      data: encodeError<Vref>('RangeError', 'too much'),
    }),
  });
  const { bench } = await opened(kernel);
  expect((await sendAndWait(bench))?.outcome).toEqual({
    state: 'rejected',
    value: {
      kind: 'error',
      name: 'RangeError',
      message: 'too much',
      fields: [],
    },
  });
});

test('reads the loss of a heap as a sentence', async () => {
  const kernel = makeFakeKernel({
    status: { clusters: [demo] },
    onSend: () => ({
      isRejected: true,
      data: encodeDisconnection<Vref>('restarted by a person', 3),
    }),
  });
  const { bench } = await opened(kernel);
  expect((await sendAndWait(bench))?.outcome).toEqual({
    state: 'rejected',
    value: {
      kind: 'error',
      name: 'vatUpgraded',
      message: 'the vat began anew before it answered: restarted by a person',
      fields: [
        { name: 'incarnationNumber', value: { kind: 'number', text: '3' } },
      ],
    },
  });
});

test('calls an object by its interface, or by the name that a person has for it', async () => {
  const { bench } = await opened(
    makeFakeKernel({ status: { clusters: [demo] } }),
  );
  const root = makeKref('object', 7);
  const stranger = makeKref('object', 99);
  expect([
    bench.titleOf(root, 'Bob'),
    bench.titleOf(root, 'Remotable'),
    bench.titleOf(stranger, 'Remotable'),
    bench.titleOf(undefined, 'Remotable'),
  ]).toEqual(['Bob', 'demo.bob', 'object', 'object']);
});

test('follows a promise inside a result to what it comes to', async () => {
  const kernel = makeFakeKernel({
    status: { clusters: [demo] },
    onSend: () => ({
      isRejected: false,
      data: { body: '#["&0"]', slots: ['p-12' as Vref] },
    }),
  });
  const { bench } = await opened(kernel);
  await sendAndWait(bench);
  await until(bench.results.results, ([first]) => first?.promises.size === 1);
  kernel.deliver(['notify', [['p-12' as Vref, false, bodyOf(5)]]]);
  const [result] = await until(
    bench.results.results,
    ([first]) => first?.promises.get('p-12' as Vref)?.state === 'fulfilled',
  );
  expect({
    promise: result?.promises.get('p-12' as Vref),
    last: kernel.batches.at(-1)?.syscalls,
  }).toEqual({
    promise: { state: 'fulfilled', value: { kind: 'number', text: '5' } },
    last: [['subscribe', 'p-12']],
  });
});

test('offers an object out of a result as a target, and keeps it under a name', async () => {
  const kernel = makeFakeKernel({
    status: { clusters: [demo] },
    onSend: () => ({
      isRejected: false,
      data: encodeReference('o-20' as Vref, 'Alleged: Purse'),
    }),
  });
  const { bench } = await opened(kernel);
  await sendAndWait(bench);
  const kref = makeKref('object', 20);
  const isKept = await bench.keep(kref, 'purse');
  await until(bench.connection.status, found => found?.home.length === 1);
  expect({ isKept, targets: bench.targets.value }).toEqual({
    isKept: true,
    targets: [
      { name: 'demo.bob', detail: 'ko7', group: 'roots', kref: 'ko7' },
      { name: 'purse', detail: 'ko20', group: 'home', kref: 'ko20' },
      { name: 'ko20', detail: 'Purse', group: 'results', kref: 'ko20' },
    ],
  });
});

test('fails what is pending when the session ends, and opens another for the next message', async () => {
  const kernel = makeFakeKernel({ status: { clusters: [demo] } });
  const { bench } = await opened(kernel);
  const first = sendAndWait(bench);
  await until(bench.results.results, list => list.length === 1);
  const second = sendAndWait(bench).then(result => result?.outcome);
  while (kernel.batches.length < 1) {
    await new Promise<void>(resolve => queueMicrotask(resolve));
  }
  kernel.endSession('too many messages');
  await first;
  expect(await second).toEqual({
    state: 'failed',
    problem: 'too many messages',
  });
  void sendAndWait(bench);
  while (kernel.calls.filter(([name]) => name === 'sessionOpen').length < 2) {
    await new Promise<void>(resolve => queueMicrotask(resolve));
  }
});

test('rejects a message that comes in, since the panel has no objects', async () => {
  const kernel = makeFakeKernel();
  await opened(kernel);
  kernel.deliver([
    'message',
    'o+5' as Vref,
    { methargs: bodyOf(['x', []]), result: 'p-4' as Vref },
  ]);
  while (kernel.batches.length < 1) {
    await new Promise<void>(resolve => queueMicrotask(resolve));
  }
  expect(kernel.batches[0]).toEqual({
    seen: 1,
    syscalls: [
      [
        'resolve',
        [
          [
            'p-4',
            true,
            encodeError(
              'TypeError',
              'the panel has no objects to send messages to',
            ),
          ],
        ],
      ],
    ],
  });
});

test('remembers drafts and results when the page is opened again', async () => {
  const kept = new Map<string, string>();
  const memory = {
    read: (key: string) => kept.get(key),
    write: (key: string, text: string) => void kept.set(key, text),
  };
  const kernel = makeFakeKernel({
    status: { clusters: [demo] },
    onSend: () => ({
      isRejected: false,
      data: { body: '#{"far":"&0","at":5}', slots: ['p-12' as Vref] },
    }),
  });
  const first = await setUp(kernel, { memory });
  await until(first.bench.connection.phase, ({ at }) => at === 'open');
  const before = await sendAndWait(first.bench);
  first.bench.source.value = 'export {}';
  first.bench.draft.value = { target: 'x', method: 'y', argsText: '[1]' };
  const { bench } = await setUp(kernel, { memory });
  const lost = {
    state: 'failed',
    problem: 'the panel was closed before the answer came',
  };
  expect([
    bench.source.value,
    bench.draft.value,
    bench.results.results.value,
  ]).toEqual([
    'export {}',
    { target: 'x', method: 'y', argsText: '[1]' },
    [{ ...before, promises: new Map([['p-12', lost]]) }],
  ]);
});

test('begins anew when its memory is no longer readable', async () => {
  const memory = { read: () => '[{"id":1},', write: () => {} };
  const { bench } = await setUp(makeFakeKernel(), { memory });
  expect([bench.results.results.value, bench.draft.value]).toEqual([
    [],
    { target: '', method: '', argsText: '' },
  ]);
});

test('collects log lines', async () => {
  const kernel = makeFakeKernel();
  const { bench } = await opened(kernel);
  kernel.log([
    { at: 1, vat: makeVatId(1), label: 'demo.bob', level: 'warn', text: 'hm' },
  ]);
  expect(
    await until(bench.logs.entries, entries => entries.length > 0),
  ).toMatchObject([{ number: 1, text: 'hm' }]);
});

test('finds every problem of a message before it is sent, each with its place', () => {
  expect([
    checkDraft(
      { target: 'x', method: ' ', argsText: '[1,\n {"@ref": "eve"}]' },
      undefined,
    ),
    checkDraft({ target: 'ko7', method: 'm', argsText: '{}' }, undefined),
    checkDraft({ target: 'ko7', method: 'm', argsText: '' }, undefined),
  ]).toEqual([
    {
      ok: false,
      problems: {
        target: '"x" is no kref (ko7), no name in home, and no cluster.vat',
        method: 'name a method',
        args: {
          problem:
            '"eve" is no kref (ko7), no name in home, and no cluster.vat',
          line: 2,
          column: 11,
          index: 14,
        },
      },
    },
    {
      ok: false,
      problems: {
        args: {
          problem: 'arguments are a list: put them between [ and ]',
          line: 1,
          column: 1,
          index: 0,
        },
      },
    },
    { ok: true, args: [] },
  ]);
});
