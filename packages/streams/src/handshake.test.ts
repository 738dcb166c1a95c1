import { MessageChannel, type MessagePort } from 'node:worker_threads';
import { expect, it } from 'vitest';
import type { HandshakeError } from './errors.ts';
import {
  acceptPort,
  makeHandshake,
  offerPort,
  type WindowTarget,
} from './handshake.ts';
import { makeMessagePortStream } from './message-port.ts';
import { makeStreamPair } from './stream-pair.ts';

const nonce = '0123456789abcdef';
const version = 1;
const never = new AbortController().signal;

/** A window as far as a handshake sees one: it delivers to its own listeners, naming source and origin. */
const makeWindow = (origin: string) => {
  const target = new EventTarget();
  const posted: string[] = [];
  const dispatch = (
    data: unknown,
    source: object | null,
    from: string,
  ): void => {
    target.dispatchEvent(
      Object.assign(new Event('message'), { data, source, origin: from }),
    );
  };
  const seenFrom = (source: object, from: string): WindowTarget => ({
    postMessage: (message, targetOrigin, _transfer) => {
      posted.push(targetOrigin);
      if (targetOrigin !== '*' && targetOrigin !== origin) return;
      dispatch(message, source, from);
    },
  });
  return { source: target, seenFrom, dispatch, posted };
};

const page = { page: true };
const stranger = { stranger: true };

it('hands a port over to the window of the named origin', async () => {
  const { source, seenFrom, posted } = makeWindow('https://a.example');
  const { port1: port } = new MessageChannel();
  const accepted = acceptPort({
    source,
    nonce,
    version,
    expectedSource: page,
    expectedOrigin: 'https://b.example',
    signal: never,
  });
  offerPort({
    target: seenFrom(page, 'https://b.example'),
    targetOrigin: 'https://a.example',
    port,
    nonce,
    version,
  });
  expect(await accepted).toBe(port);
  expect(posted).toEqual(['https://a.example']);
  port.close();
});

it('posts to a receiver without an origin only when told so', async () => {
  const { source, seenFrom, posted } = makeWindow('null');
  const { port1: port } = new MessageChannel();
  const accepted = acceptPort({
    source,
    nonce,
    version,
    expectedSource: page,
    signal: never,
  });
  const target = seenFrom(page, 'https://b.example');
  for (const targetOrigin of ['*', 'null', '']) {
    expect(() =>
      offerPort({ target, targetOrigin, port, nonce, version }),
    ).toThrow(/opaqueReceiver/);
  }
  offerPort({ target, opaqueReceiver: true, port, nonce, version });
  expect(await accepted).toBe(port);
  expect(posted).toEqual(['*']);
  port.close();
});

it('ignores and reports another source, origin, nonce or version, and what carries no port', async () => {
  const { source, dispatch } = makeWindow('null');
  const { port1: port } = new MessageChannel();
  const rejected: string[] = [];
  const accepted = acceptPort({
    source,
    nonce,
    version,
    expectedSource: page,
    expectedOrigin: 'https://b.example',
    signal: never,
    onReject: (error: HandshakeError) => rejected.push(error.message),
  });
  const offer = { tag: 'cooperage-port', nonce, version, port };
  const home = 'https://b.example';
  dispatch(offer, stranger, home);
  dispatch(offer, null, home);
  dispatch(offer, page, 'https://c.example');
  dispatch({ ...offer, nonce: 'x'.repeat(16) }, page, home);
  dispatch({ ...offer, version: 2 }, page, home);
  dispatch({ ...offer, port: {} }, page, home);
  dispatch(Object.create(offer), page, home);
  dispatch('unrelated', page, home);
  dispatch(offer, page, home);
  expect(await accepted).toBe(port);
  expect(rejected).toEqual([
    'an offer was ignored: it comes from another source',
    'an offer was ignored: it comes from another source',
    'an offer was ignored: it comes from another source',
    'an offer was ignored: its nonce differs',
    'an offer was ignored: its version is 2, not 1',
    'an offer was ignored: it carries no port',
  ]);
  port.close();
});

it('accepts one port only', async () => {
  const { source, dispatch } = makeWindow('null');
  const { port1, port2 } = new MessageChannel();
  const rejected: unknown[] = [];
  const accepted = acceptPort({
    source,
    nonce,
    version,
    expectedSource: source => source === page,
    signal: never,
    onReject: error => rejected.push(error),
  });
  dispatch({ tag: 'cooperage-port', nonce, version, port: port1 }, page, '');
  dispatch({ tag: 'cooperage-port', nonce, version, port: port2 }, page, '');
  expect(await accepted).toBe(port1);
  // Nobody listens any more.
  dispatch(
    { tag: 'cooperage-port', nonce: 'x', version, port: port2 },
    page,
    '',
  );
  expect(rejected).toEqual([]);
  port1.close();
});

it('hands a port over through a port, and speaks over it', async () => {
  const way = new MessageChannel();
  const { port1, port2 } = new MessageChannel();
  const accepted = acceptPort({
    source: way.port2,
    nonce,
    version,
    expectedSource: null,
    signal: never,
  });
  offerPort({
    target: way.port1 as Pick<MessagePort, never> & typeof way.port1,
    port: port2,
    nonce,
    version,
  });
  const near = makeMessagePortStream(port1);
  const far = makeMessagePortStream(await accepted);
  await Promise.all([
    makeHandshake(near, { version, nonce }),
    makeHandshake(far, { version, nonce }),
  ]);
  near.close();
  await far.closed;
  way.port1.close();
});

it('gives up when the signal fires, and names the last wrong offer', async () => {
  const { source, dispatch } = makeWindow('null');
  const abort = new AbortController();
  const accepted = acceptPort({
    source,
    nonce,
    version,
    expectedSource: page,
    signal: abort.signal,
  });
  dispatch({ tag: 'cooperage-port', nonce, version: 9 }, page, '');
  abort.abort('too slow');
  await expect(accepted).rejects.toMatchObject({
    code: 'HANDSHAKE_ABORTED',
    cause: 'too slow',
    message:
      'gave up waiting for a port: an offer was ignored: its version is 9, not 1',
  });
  const late = acceptPort({
    source,
    nonce,
    version,
    expectedSource: page,
    signal: abort.signal,
  });
  await expect(late).rejects.toThrow(/no offer came/);
});

it('wants a nonce that nobody can guess', async () => {
  const { source } = makeWindow('null');
  const short = { nonce: '42', version };
  const accepted = acceptPort({
    ...short,
    source,
    expectedSource: null,
    signal: never,
  });
  await expect(accepted).rejects.toThrow(/at least 16/);
  expect(() =>
    offerPort({ ...short, target: { postMessage: () => {} }, port: {} }),
  ).toThrow(/at least 16/);
});

it('resolves on both ends when the hellos match, and loses nothing that was sent after', async () => {
  const { left, right } = makeStreamPair();
  const greeted = makeHandshake(left, { version, nonce });
  left.send('after the hello');
  await Promise.all([greeted, makeHandshake(right, { version, nonce })]);
  const message = new Promise(resolve => right.receive(resolve, () => {}));
  expect(await message).toBe('after the hello');
});

it.each([
  ['another version', { version: 2, nonce }, /speaks version/],
  ['another nonce', { version, nonce: 'f'.repeat(16) }, /nonces differ/],
])('rejects on both ends and closes on %s', async (_what, other, problem) => {
  const { left, right } = makeStreamPair();
  const both = [
    makeHandshake(left, { version, nonce }),
    makeHandshake(right, other),
  ];
  for (const end of both) {
    await expect(end).rejects.toMatchObject({
      name: 'HandshakeError',
      code: 'HANDSHAKE_REJECTED',
      message: expect.stringMatching(problem),
    });
  }
  expect(await left.closed).toMatchObject({
    message: expect.stringMatching(problem),
  });
  await right.closed;
});

it.each([
  ['a text', 'hi'],
  ['null', null],
  ['a hello of null', { hello: null }],
])('rejects when the first message is no hello: %s', async (_what, message) => {
  const { left, right } = makeStreamPair();
  const greeted = makeHandshake(left, { version, nonce });
  right.send(message);
  await expect(greeted).rejects.toThrow(/no hello/);
});

it('rejects when the stream closes before a hello, and when the signal fires', async () => {
  const one = makeStreamPair();
  const closed = makeHandshake(one.left, { version, nonce });
  one.right.close(new Error('not today'));
  await expect(closed).rejects.toThrow(/before a hello came.*not today/);

  const two = makeStreamPair();
  const abort = new AbortController();
  const aborted = makeHandshake(two.left, {
    version,
    nonce,
    signal: abort.signal,
  });
  abort.abort();
  await expect(aborted).rejects.toMatchObject({ code: 'HANDSHAKE_ABORTED' });
  expect(await two.left.closed).toMatchObject({ code: 'HANDSHAKE_ABORTED' });
});
