import { MessageChannel, Worker, type MessagePort } from 'node:worker_threads';
import { expect, it } from 'vitest';
import type { StreamOptions } from './duplex.ts';
import { runDuplexStreamTests, type DuplexPair } from './test/duplex-suite.ts';
import { makeMessagePortStream } from './message-port.ts';
import type { EventPort } from './port.ts';

/** A relay in a thread of its own, so that a stream can stand at either side of a real worker. */
const RELAY = `
  const { parentPort, workerData: { port } } = require('node:worker_threads');
  parentPort.on('message', message => port.postMessage(message));
  port.on('message', message => parentPort.postMessage(message));
  port.on('close', () => process.exit());
`;

const startRelay = (): { worker: Worker; port: MessagePort } => {
  const { port1, port2 } = new MessageChannel();
  const worker = new Worker(RELAY, {
    eval: true,
    workerData: { port: port1 },
    transferList: [port1],
  });
  return { worker, port: port2 };
};

const countPosts = (port: {
  postMessage(message: unknown, transfer?: never[]): void;
}): (() => number) => {
  const post = port.postMessage.bind(port);
  let posts = 0;
  port.postMessage = (message, transfer) => {
    posts += 1;
    post(message, transfer);
  };
  return () => posts;
};

runDuplexStreamTests("Node's MessagePorts", (options): DuplexPair => {
  const { port1, port2 } = new MessageChannel();
  const postRaw = port1.postMessage.bind(port1);
  const leftPosts = countPosts(port1);
  return {
    left: makeMessagePortStream(port1, options),
    right: makeMessagePortStream(port2, options),
    leftPosts,
    postRaw: data => postRaw(data),
  };
});

/** The same ports as a browser shows them. */
const asEventPort = (port: MessagePort & EventTarget): EventPort => {
  const target: EventTarget = port;
  return {
    postMessage: (message, transfer) =>
      port.postMessage(message, transfer as never),
    addEventListener: (type, listener) =>
      target.addEventListener(type, listener),
    removeEventListener: (type, listener) =>
      target.removeEventListener(type, listener),
    start: () => port.start(),
    close: () => port.close(),
  };
};

runDuplexStreamTests('ports with events', (options): DuplexPair => {
  const { port1, port2 } = new MessageChannel();
  const left = asEventPort(port1);
  const leftPosts = countPosts(left);
  return {
    left: makeMessagePortStream(left, options),
    right: makeMessagePortStream(asEventPort(port2), options),
    leftPosts,
    postRaw: data => port1.postMessage(data),
  };
});

runDuplexStreamTests("Node's Worker", (options): DuplexPair => {
  const { worker, port } = startRelay();
  const postRaw = worker.postMessage.bind(worker);
  const leftPosts = countPosts(worker);
  return {
    left: makeMessagePortStream(worker, options),
    right: makeMessagePortStream(port, options),
    leftPosts,
    postRaw: data => postRaw(data),
    dispose: () => worker.terminate(),
  };
});

const labelled: StreamOptions = { label: 'vat v1' };

it('closes with an error when a Node port is closed without a word', async () => {
  const { port1, port2 } = new MessageChannel();
  const stream = makeMessagePortStream(port1, labelled);
  port2.close();
  expect(await stream.closed).toMatchObject({
    code: 'STREAM_CLOSED',
    message: 'vat v1: the port was closed without a word',
  });
});

it('closes with the error of a Node worker that fails', async () => {
  const worker = new Worker('throw new TypeError("no such luck")', {
    eval: true,
  });
  const stream = makeMessagePortStream(worker, labelled);
  expect((await stream.closed)?.message).toBe(
    'vat v1: the worker failed: TypeError: no such luck',
  );
});

it('closes when a Node worker exits', async () => {
  const worker = new Worker('process.exit(0)', { eval: true });
  const stream = makeMessagePortStream(worker, labelled);
  expect((await stream.closed)?.message).toBe('vat v1: the worker has exited');
});

it('does not terminate a worker that it spoke with', async () => {
  const { worker, port } = startRelay();
  makeMessagePortStream(worker).close();
  const answered = new Promise(resolve => worker.once('message', resolve));
  port.postMessage('still here');
  expect(await answered).toBe('still here');
  port.close();
  await worker.terminate();
});
