import { expect, it } from 'vitest';
import { readFrame, type RpcSink } from './rpc-frame.ts';

const makeSink = () => {
  const calls: unknown[] = [];
  const note =
    (name: string) =>
    (...args: unknown[]) =>
      calls.push([name, ...args]);
  const sink: RpcSink = {
    onRequest: note('request'),
    onNotification: note('notification'),
    onResult: note('result'),
    onError: note('error'),
    onAbort: note('abort'),
  };
  return { sink, calls };
};

it('sorts frames by what they have', () => {
  const { sink, calls } = makeSink();
  const error = { name: 'E', message: 'm', code: 'C', data: [1] };
  for (const frame of [
    { id: 1, method: 'a', params: 2 },
    { method: 'b' },
    { id: 2, result: 3 },
    { id: 3 },
    { id: 4, error },
    { abort: 5 },
  ]) {
    readFrame(frame, sink);
  }
  expect(calls).toEqual([
    ['request', 1, 'a', 2],
    ['notification', 'b', undefined],
    ['result', 2, 3],
    ['result', 3, undefined],
    ['error', 4, error],
    ['abort', 5],
  ]);
});

it('reads nothing from a prototype', () => {
  const { sink, calls } = makeSink();
  for (const inherited of [
    { id: 1, method: 'a' },
    { id: 1, result: 2 },
    { abort: 1 },
  ]) {
    const frame: unknown = Object.create(inherited);
    expect(() => readFrame(frame, sink)).toThrow(/without id, method/);
  }
  readFrame(
    Object.assign(Object.create({ params: 'no' }), { method: 'm' }),
    sink,
  );
  const error: unknown = Object.create({ name: 'E', message: 'm' });
  expect(() => readFrame({ id: 1, error }, sink)).toThrow(/without name/);
  expect(calls).toEqual([['notification', 'm', undefined]]);
});
