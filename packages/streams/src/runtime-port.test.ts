import { expect, it } from 'vitest';
import { runDuplexStreamTests, type DuplexPair } from './test/duplex-suite.ts';
import { makeRuntimePortStream, type RuntimePort } from './runtime-port.ts';

const makeEvent = <Args extends unknown[]>() => {
  const listeners = new Set<(...args: Args) => void>();
  return {
    addListener: (listener: (...args: Args) => void) => {
      listeners.add(listener);
    },
    removeListener: (listener: (...args: Args) => void) => {
      listeners.delete(listener);
    },
    fire: (...args: Args) => {
      for (const listener of [...listeners]) listener(...args);
    },
  };
};

/** Two extension ports as the browser connects them: JSON, one task per message, a disconnect told to the other end. */
const makeRuntimePorts = () => {
  let posts = 0;
  const makeEnd = () => ({
    onMessage: makeEvent<[message: unknown, port: object]>(),
    onDisconnect: makeEvent<[]>(),
  });
  const ends = { left: makeEnd(), right: makeEnd() };
  let isConnected = true;
  const makePort = (
    mine: ReturnType<typeof makeEnd>,
    theirs: ReturnType<typeof makeEnd>,
    count: number,
  ): RuntimePort => ({
    postMessage: message => {
      if (!isConnected) {
        throw new Error('Attempting to use a disconnected port object');
      }
      posts += count;
      const text = JSON.stringify(message);
      setImmediate(() => theirs.onMessage.fire(JSON.parse(text), {}));
    },
    disconnect: () => {
      if (!isConnected) return;
      isConnected = false;
      setImmediate(() => theirs.onDisconnect.fire());
    },
    onMessage: mine.onMessage as RuntimePort['onMessage'],
    onDisconnect: mine.onDisconnect,
  });
  return {
    left: makePort(ends.left, ends.right, 1),
    right: makePort(ends.right, ends.left, 0),
    leftPosts: () => posts,
  };
};

runDuplexStreamTests(
  'extension ports',
  (options): DuplexPair => {
    const { left, right, leftPosts } = makeRuntimePorts();
    return {
      left: makeRuntimePortStream(left, options),
      right: makeRuntimePortStream(right, options),
      leftPosts,
      postRaw: left.postMessage,
    };
  },
  { transfers: false },
);

it('closes with an error when the port is disconnected without a word', async () => {
  const { left, right } = makeRuntimePorts();
  const stream = makeRuntimePortStream(left, { label: 'popup' });
  right.disconnect();
  expect(await stream.closed).toMatchObject({
    code: 'STREAM_CLOSED',
    message: 'popup: the extension port was disconnected without a word',
  });
});

it('closes when the port can no longer be posted to', async () => {
  const { left } = makeRuntimePorts();
  const stream = makeRuntimePortStream(left);
  left.disconnect();
  stream.send('x');
  expect((await stream.closed)?.message).toMatch(/disconnected port object/);
});
