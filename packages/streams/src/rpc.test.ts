import { MessageChannel } from 'node:worker_threads';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { AbortError, RemoteError, StreamClosedError } from './errors.ts';
import { makeMessagePortStream } from './message-port.ts';
import { makeRpc, type RpcOptions } from './rpc.ts';
import type { RpcContext } from './rpc-serving.ts';
import { makeStreamPair } from './stream-pair.ts';

const connect = (near: RpcOptions, far: RpcOptions) => {
  const pair = makeStreamPair();
  return {
    ...pair,
    near: makeRpc(pair.left, near),
    far: makeRpc(pair.right, far),
  };
};

/** A call that is held open until it is let go. */
const makeGate = () => {
  let open: (value: unknown) => void = () => {};
  let enter: (context: RpcContext) => void = () => {};
  const opened = new Promise<unknown>(resolve => {
    open = resolve;
  });
  const entered = new Promise<RpcContext>(resolve => {
    enter = resolve;
  });
  const method = (_params: unknown, context: RpcContext): Promise<unknown> => {
    enter(context);
    return opened;
  };
  return { method, entered, open: (value?: unknown) => open(value) };
};

const add = (params: unknown): number => {
  if (!Array.isArray(params)) throw new TypeError('not a list');
  return params.reduce<number>((sum, item) => sum + Number(item), 0);
};

describe('calls', () => {
  it('answers with what the method returns or its promise resolves to, both ways', async () => {
    const { near, far } = connect(
      { methods: { name: () => 'near' } },
      { methods: { add, later: async params => ({ params }) } },
    );
    expect(
      await Promise.all([
        near.call('add', [1, 2, 3]),
        near.call('later', 7n),
        near.call('later'),
        far.call('name'),
      ]),
    ).toEqual([6, { params: 7n }, { params: undefined }, 'near']);
  });

  it('rejects with name, message, code and data of what the method throws, and no stack of the other realm', async () => {
    const { near } = connect(
      {},
      {
        methods: {
          fail: () => {
            throw Object.assign(new RangeError('too far'), {
              code: 'E_FAR',
              data: { limit: 3 },
            });
          },
          reject: () => Promise.reject(new Error('later')),
          odd: () => {
            throw 'a text';
          },
          worse: () => {
            throw Object.assign(new Error('bad data'), { data: () => {} });
          },
        },
      },
    );
    const thrown = await near.call('fail').catch((error: unknown) => error);
    expect(thrown).toBeInstanceOf(RemoteError);
    expect(thrown).toMatchObject({
      name: 'RangeError',
      message: 'too far',
      code: 'E_FAR',
      data: { limit: 3 },
    });
    await expect(near.call('reject')).rejects.toMatchObject({
      message: 'later',
      code: 'RPC_REMOTE',
    });
    await expect(near.call('odd')).rejects.toMatchObject({ message: 'a text' });
    await expect(near.call('worse')).rejects.toMatchObject({
      message: 'bad data',
      data: undefined,
    });
    await expect(near.call('fail')).rejects.toThrow('too far');
  });

  it.each([
    '__proto__',
    'constructor',
    'toString',
    'hasOwnProperty',
    'nothing',
  ])('knows no method %s', async name => {
    const { near } = connect({}, { methods: { add } });
    await expect(near.call(name, [])).rejects.toMatchObject({
      code: 'RPC_UNKNOWN_METHOD',
      message: `there is no method '${name}'`,
    });
    expect(await near.call('add', [1])).toBe(1);
  });

  it('sends the calls of one turn, and their answers, in one post each', async () => {
    const { near, posts } = connect({}, { methods: { add } });
    const calls = Array.from({ length: 20 }, (_, n) =>
      near.call('add', [n, 1]),
    );
    expect(await Promise.all(calls)).toEqual(calls.map((_, n) => n + 1));
    expect(posts()).toEqual({ left: 1, right: 1 });
  });

  it('transfers buffers with params and with results', async () => {
    const { near } = connect(
      {},
      {
        methods: {
          grow: (params, { transfer }) => {
            if (!(params instanceof ArrayBuffer))
              throw new TypeError('no buffer');
            const larger = new ArrayBuffer(params.byteLength * 2);
            transfer([larger]);
            return larger;
          },
        },
      },
    );
    const buffer = new ArrayBuffer(8);
    const result = await near.call('grow', buffer, { transfer: [buffer] });
    expect(result).toEqual(new ArrayBuffer(16));
    expect(buffer.byteLength).toBe(0);
  });

  it('carries a message port', async () => {
    const { port1, port2 } = new MessageChannel();
    const ports = new MessageChannel();
    makeRpc(makeMessagePortStream(port1), {
      methods: { take: port => Object.getPrototypeOf(port)?.constructor?.name },
    });
    const near = makeRpc(makeMessagePortStream(port2));
    expect(
      await near.call('take', ports.port1, { transfer: [ports.port1] }),
    ).toBe('MessagePort');
    near.close();
    ports.port2.close();
  });

  it('rejects what waits when the stream closes, on both sides, and fires the signals of what is served', async () => {
    const gate = makeGate();
    const { near, far } = connect({}, { methods: { wait: gate.method } });
    const waiting = near.call('wait');
    const { signal } = await gate.entered;
    far.close(new Error('going home'));
    await expect(waiting).rejects.toThrow(StreamClosedError);
    await expect(waiting).rejects.toThrow(
      /before wait was answered.*going home/,
    );
    expect(signal.aborted).toBe(true);
    await expect(near.call('wait')).rejects.toThrow(StreamClosedError);
    gate.open('too late');
    expect((await near.closed)?.message).toMatch(/going home/);
  });

  it('rejects what waits when the other side vanishes', async () => {
    const { near, cut } = connect({}, { methods: { wait: makeGate().method } });
    const waiting = near.call('wait');
    cut();
    await expect(waiting).rejects.toThrow(/the wire was cut/);
  });

  it('tells its owner of the end after what was pending has been settled', async () => {
    const told: unknown[] = [];
    const { near, far } = connect(
      { onClose: reason => told.push(reason?.message) },
      {},
    );
    far.close(new Error('enough'));
    await near.closed;
    expect(told).toEqual([expect.stringMatching(/enough/)]);
  });
});

describe('abort', () => {
  it('rejects the call, fires the signal of the other side, and drops its late answer', async () => {
    const gate = makeGate();
    const { near } = connect({}, { methods: { wait: gate.method, add } });
    const abort = new AbortController();
    const waiting = near.call('wait', undefined, { signal: abort.signal });
    const { signal } = await gate.entered;
    const heard = new Promise<void>(resolve =>
      signal.addEventListener('abort', resolve),
    );
    abort.abort(new Error('bored'));
    await expect(waiting).rejects.toThrow(AbortError);
    await expect(waiting).rejects.toMatchObject({
      cause: { message: 'bored' },
    });
    await heard;
    gate.open('late');
    expect(await near.call('add', [1])).toBe(1);
  });

  it('does not send a call whose signal has fired', async () => {
    const { near, posts } = connect({}, { methods: { add } });
    const call = near.call('add', [1], { signal: AbortSignal.abort() });
    await expect(call).rejects.toThrow(AbortError);
    expect(posts().left).toBe(0);
  });

  it('shows an abort to a method that reads its signal late', async () => {
    const gate = makeGate();
    const { near } = connect({}, { methods: { wait: gate.method, add } });
    const abort = new AbortController();
    const waiting = near.call('wait', undefined, { signal: abort.signal });
    const context = await gate.entered;
    abort.abort();
    await expect(waiting).rejects.toThrow(AbortError);
    await near.call('add', []);
    expect(context.signal.aborted).toBe(true);
  });

  it('ignores an abort after the answer', async () => {
    const { near } = connect({}, { methods: { add } });
    const abort = new AbortController();
    expect(await near.call('add', [1], { signal: abort.signal })).toBe(1);
    abort.abort();
    expect(await near.call('add', [2])).toBe(2);
  });
});

describe('notifications', () => {
  it('arrive in order between the calls', async () => {
    const heard: unknown[] = [];
    const { near } = connect(
      {},
      {
        methods: { add },
        onNotify: (method, params) => heard.push([method, params]),
      },
    );
    near.notify('a', 1);
    near.notify('b');
    await near.call('add', []);
    expect(heard).toEqual([
      ['a', 1],
      ['b', undefined],
    ]);
  });

  it('close the stream when nobody wants them', async () => {
    const { near, far } = connect({}, {});
    near.notify('hello');
    expect(await far.closed).toMatchObject({ code: 'RPC_UNKNOWN_METHOD' });
    expect((await near.closed)?.message).toMatch(/notification 'hello'/);
    expect(() => near.notify('hello')).toThrow(StreamClosedError);
  });

  it('close the stream when their receiver throws', async () => {
    const { near, far } = connect(
      {},
      {
        onNotify: () => {
          throw new Error('oops');
        },
      },
    );
    near.notify('hello');
    expect(await far.closed).toMatchObject({
      code: 'STREAM_RECEIVER',
      cause: { message: 'oops' },
    });
  });
});

describe('bounds', () => {
  it('refuses to send what is larger than maxBytes, and stays open', async () => {
    const { near } = connect({ maxBytes: 1000 }, { methods: { add } });
    const cycle: unknown[] = [];
    cycle.push(cycle);
    for (const params of ['x'.repeat(1000), new Uint8Array(1000), cycle]) {
      await expect(near.call('add', params)).rejects.toMatchObject({
        code: 'RPC_TOO_LARGE',
      });
    }
    expect(() => near.notify('x'.repeat(1000))).toThrow(/maxBytes 1000/);
    expect(await near.call('add', [1])).toBe(1);
  });

  it('refuses to send functions and symbols, and stays open', async () => {
    const { near } = connect({}, { methods: { add } });
    for (const params of [() => {}, { deep: [Symbol('s')] }]) {
      await expect(near.call('add', params)).rejects.toMatchObject({
        code: 'RPC_UNSENDABLE',
      });
    }
    expect(await near.call('add', [1])).toBe(1);
  });

  it('answers with an error when the result is too large or cannot be sent', async () => {
    const { near } = connect(
      {},
      {
        maxBytes: 1000,
        methods: { add, large: () => 'x'.repeat(1000), odd: () => () => {} },
      },
    );
    await expect(near.call('large')).rejects.toMatchObject({
      code: 'RPC_TOO_LARGE',
    });
    await expect(near.call('odd')).rejects.toMatchObject({
      code: 'RPC_UNSENDABLE',
    });
    expect(await near.call('add', [1])).toBe(1);
  });

  it('closes when something too large arrives', async () => {
    const { near, far } = connect({}, { maxBytes: 1000, methods: { add } });
    await expect(near.call('add', 'x'.repeat(1000))).rejects.toThrow(
      StreamClosedError,
    );
    expect(await far.closed).toMatchObject({ code: 'RPC_TOO_LARGE' });
  });

  it('bounds the calls that wait, aborted ones too', async () => {
    const gate = makeGate();
    const { near } = connect(
      { maxPending: 2 },
      { methods: { wait: gate.method } },
    );
    const abort = new AbortController();
    const aborted = near.call('wait', undefined, { signal: abort.signal });
    const waiting = near.call('wait');
    abort.abort();
    await expect(aborted).rejects.toThrow(AbortError);
    await expect(near.call('wait')).rejects.toMatchObject({
      code: 'RPC_BUSY',
      message: expect.stringMatching(/maxPending 2/),
    });
    gate.open('done');
    expect(await waiting).toBe('done');
    expect(await near.call('wait')).toBe('done');
  });

  it('bounds the calls at work', async () => {
    const gate = makeGate();
    const { near } = connect(
      {},
      { maxServing: 1, methods: { wait: gate.method } },
    );
    const waiting = near.call('wait');
    await expect(near.call('wait')).rejects.toMatchObject({ code: 'RPC_BUSY' });
    gate.open(1);
    expect(await waiting).toBe(1);
  });
});

describe('malformed frames', () => {
  it.each([
    ['a text', 'hello', /not a record/],
    ['null', null, /not a record/],
    ['an array', [1], /not a record/],
    ['an empty record', {}, /without id, method and abort/],
    ['a method that is a number', { id: 1, method: 7 }, /not a string/],
    [
      'a method without end',
      { id: 1, method: 'm'.repeat(300) },
      /300 characters/,
    ],
    ['an id that is text', { id: '1', method: 'add' }, /an id that is not/],
    ['an id of zero', { id: 0, method: 'add' }, /an id that is not/],
    ['an abort of NaN', { abort: NaN }, /an abort that is not/],
    ['an answer to no call', { id: 9, result: 1 }, /an answer to no call: 9/],
    [
      'an error to no call',
      { id: 9, error: { name: 'E', message: 'm' } },
      /an answer to no call: 9/,
    ],
    ['an error that is text', { id: 9, error: 'bad' }, /an error without name/],
    [
      'an error with a code that is no text',
      { id: 9, error: { name: 'E', message: 'm', code: 1 } },
      /an error/,
    ],
  ])('close the stream: %s', async (_what, frame, problem) => {
    const { left, right } = makeStreamPair();
    left.receive(
      () => {},
      () => {},
    );
    const far = makeRpc(right, { methods: { add } });
    left.send(frame);
    expect(await far.closed).toMatchObject({
      code: 'RPC_MALFORMED',
      message: expect.stringMatching(problem),
    });
    expect((await left.closed)?.message).toMatch(problem);
  });

  it('close the stream: a second call with the id of one at work', async () => {
    const { left, right } = makeStreamPair();
    left.receive(
      () => {},
      () => {},
    );
    const far = makeRpc(right, { methods: { wait: makeGate().method } });
    left.send({ id: 1, method: 'wait' });
    left.send({ id: 1, method: 'wait' });
    expect((await far.closed)?.message).toMatch(/a second call 1/);
  });

  it('never do anything else, whatever they are', async () => {
    const key = fc.constantFrom(
      'id',
      'method',
      'params',
      'result',
      'error',
      'abort',
      '__proto__',
      'x',
    );
    const value = fc.oneof(
      fc.constantFrom('add', 'toString', 1, 2, {}),
      fc.anything(),
    );
    await fc.assert(
      fc.asyncProperty(fc.dictionary(key, value), async frame => {
        const { left, right } = makeStreamPair();
        left.receive(
          () => {},
          () => {},
        );
        const far = makeRpc(right, { methods: { add } });
        left.send(frame);
        left.send('the end');
        const reason = await far.closed;
        expect([
          'RPC_MALFORMED',
          'RPC_UNKNOWN_METHOD',
          'STREAM_CLOSED',
        ]).toContain(reason && 'code' in reason ? reason.code : reason);
      }),
    );
  });
});
