import { runDuplexStreamTests } from '@cooperage/streams/duplex-suite';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { connect, createServer, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { serialize } from 'node:v8';
import { describe, expect, it, vi } from 'vitest';
import { enterDoor, openDoor } from './folder-door.ts';
import { makeSocketStream } from './socket-stream.ts';

/** Two connected sockets. */
const makeSockets = async () => {
  const folder = mkdtempSync(join(tmpdir(), 'cooperage-socket-'));
  const server = createServer().listen(join(folder, 'door'));
  await once(server, 'listening');
  const left = connect(join(folder, 'door'));
  const [right] = (await once(server, 'connection')) as [Socket];
  const dispose = (): void => {
    left.destroy();
    right.destroy();
    server.close();
    rmSync(folder, { recursive: true });
  };
  return { left, right, dispose };
};

const frameOf = (data: unknown): Buffer => {
  const body = serialize(data);
  const head = Buffer.alloc(4);
  head.writeUInt32BE(body.length);
  return Buffer.concat([head, body]);
};

runDuplexStreamTests(
  'sockets',
  async options => {
    const { left, right, dispose } = await makeSockets();
    const write = left.write.bind(left);
    let posts = 0;
    left.write = (...args: unknown[]) => {
      posts += 1;
      return Reflect.apply(write, left, args);
    };
    return {
      left: makeSocketStream(left, options),
      right: makeSocketStream(right, options),
      leftPosts: () => posts,
      postRaw: data => void write(frameOf(data)),
      dispose,
    };
  },
  { transfers: false },
);

describe('a stream over a socket', () => {
  it('puts frames together that arrive byte by byte, or several at once', async () => {
    const { left, right, dispose } = await makeSockets();
    const stream = makeSocketStream(right);
    const heard: unknown[] = [];
    const all = new Promise<void>(resolve =>
      stream.receive(
        message => {
          heard.push(message);
          if (heard.length === 3) {
            resolve();
          }
        },
        () => {},
      ),
    );
    left.setNoDelay(true);
    for (const byte of frameOf([{ one: 1n }])) {
      left.write(Uint8Array.of(byte));
    }
    left.write(Buffer.concat([frameOf(['two']), frameOf([undefined])]));
    await all;
    expect(heard).toEqual([{ one: 1n }, 'two', undefined]);
    dispose();
  });

  it('copies nothing again and again of what comes in one piece', async () => {
    const { left, right, dispose } = await makeSockets();
    const frames = Array.from({ length: 3_000 }, (_, nth) => frameOf([nth]));
    const all = Buffer.concat(frames);
    let heard = 0;
    const concat = vi.spyOn(Buffer, 'concat');
    await new Promise<void>(resolve => {
      makeSocketStream(right).receive(
        () => {
          heard += 1;
          if (heard === frames.length) {
            resolve();
          }
        },
        () => {},
      );
      left.write(all);
    });
    const copied = concat.mock.results.reduce(
      (sum, { value }) => sum + value.length,
      0,
    );
    concat.mockRestore();
    expect(copied).toBeLessThan(2 * all.length);
    dispose();
  });

  it.each([
    ['a length beyond all bounds', Buffer.alloc(4, 255)],
    ['bytes that are no clone', Buffer.from([0, 0, 0, 2, 7, 7])],
  ])('closes at %s', async (_, bytes) => {
    const { left, right, dispose } = await makeSockets();
    const stream = makeSocketStream(right);
    left.write(bytes);
    expect(await stream.closed).toMatchObject({ code: 'STREAM_MALFORMED' });
    dispose();
  });
});

/** Leaves a socket behind at which nobody answers. */
const leaveDoor = async (path: string): Promise<void> => {
  const script = `require('node:net').createServer()
    .listen(process.argv[1], () => console.log('open'))`;
  const child = spawn(process.execPath, ['-e', script, path], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  await once(child.stdout, 'data');
  child.kill('SIGKILL');
  await once(child, 'exit');
};

describe('the door of a folder', () => {
  it('lets in while it is open, also where a killed process has left one', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'cooperage-door-'));
    expect(await enterDoor(folder)).toBe(undefined);
    await leaveDoor(join(folder, 'door'));
    expect(readdirSync(folder)).toEqual(['door']);
    expect(await enterDoor(folder)).toBe(undefined);
    const door = await openDoor(folder, stream =>
      stream.receive(
        message => stream.send(['heard', message]),
        () => {},
      ),
    );
    const inside = await enterDoor(folder);
    const answer = new Promise(resolve => inside?.receive(resolve, () => {}));
    inside?.send('hello');
    expect(await answer).toEqual(['heard', 'hello']);
    door.close();
    expect(await inside?.closed).toBeInstanceOf(Error);
    rmSync(folder, { recursive: true });
  });
});
