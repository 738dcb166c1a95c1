import { StreamClosedError, type DuplexStream } from '@cooperage/streams';
import { chmodSync, rmSync } from 'node:fs';
import { connect, createServer, type Socket } from 'node:net';
import { join } from 'node:path';
import { makeSocketStream } from './socket-stream.ts';

const doorOf = (folder: string): string => join(folder, 'door');

const codeOf = (problem: Error): unknown => Reflect.get(problem, 'code');

/** What the process that has a folder holds open for others of the same user. */
export type Door = {
  /** Lets nobody in any more and cuts off who is in. */
  close(): void;
};

/**
 * Opens a door in a folder that this process has claimed: a socket by which
 * other processes of the same user come in. `onStream` gets a stream for each
 * and owns it. Rejects when the system can't make a socket there, because the
 * path is too long for one, for instance.
 */
export const openDoor = async (
  folder: string,
  onStream: (stream: DuplexStream<unknown, unknown>) => void,
): Promise<Door> => {
  const path = doorOf(folder);
  // What a killed process has left, at which nobody answers.
  rmSync(path, { force: true });
  const sockets = new Set<Socket>();
  const server = createServer(socket => {
    sockets.add(socket);
    socket.once('close', () => sockets.delete(socket));
    onStream(makeSocketStream(socket, { label: 'door' }));
  });
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(path, resolve);
  });
  chmodSync(path, 0o600);
  return Object.freeze({
    close: () => {
      server.close();
      sockets.forEach(socket => socket.destroy());
    },
  });
};

/**
 * Comes in by the door of the process that has the folder. Gives undefined
 * when nobody holds one open; rejects when somebody does and it can't be used.
 */
export const enterDoor = (
  folder: string,
): Promise<DuplexStream<unknown, unknown> | undefined> =>
  new Promise((resolve, reject) => {
    const socket = connect(doorOf(folder));
    const onError = (problem: Error): void => {
      const isNobodyThere = ['ENOENT', 'ECONNREFUSED', 'EINVAL'].some(
        code => code === codeOf(problem),
      );
      if (isNobodyThere) {
        resolve(undefined);
      } else {
        reject(
          new StreamClosedError(
            `${doorOf(folder)} can't be used: ${problem.message}`,
            { cause: problem },
          ),
        );
      }
    };
    socket.once('error', onError);
    socket.once('connect', () => {
      socket.off('error', onError);
      resolve(makeSocketStream(socket, { label: 'door' }));
    });
  });
