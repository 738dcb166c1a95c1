import {
  makeDuplex,
  StreamClosedError,
  StreamError,
  type DuplexStream,
  type StreamOptions,
} from '@cooperage/streams';
import type { Socket } from 'node:net';
import { deserialize, serialize } from 'node:v8';

const HEAD_BYTES = 4;
/** Room for a config with a few of the largest bundles in it as text. */
const MAX_FRAME_BYTES = 2 ** 26;

/** A frame is its length as four bytes, the highest first, and a structured clone. */
const encodeFrame = (data: unknown): Buffer => {
  const body = serialize(data);
  const head = Buffer.alloc(HEAD_BYTES);
  head.writeUInt32BE(body.length);
  return Buffer.concat([head, body]);
};

/** Takes pieces as they come and gives the bodies of whole frames; throws at one that is too large. */
const makeFrameReader = (onBody: (body: Buffer) => void) => {
  let pieces: Buffer[] = [];
  let size = 0;
  let wanted = HEAD_BYTES;
  let isHead = true;

  /** Copies only what lies in several pieces: one may have thousands of frames in it. */
  const takeWanted = (): Buffer => {
    const [first] = pieces;
    const whole =
      first && first.length >= wanted ? first : Buffer.concat(pieces, size);
    if (whole !== first) {
      pieces = [whole];
    }
    pieces[0] = whole.subarray(wanted);
    if (pieces[0].length === 0) {
      pieces.shift();
    }
    size -= wanted;
    return whole.subarray(0, wanted);
  };

  return (piece: Buffer): void => {
    pieces.push(piece);
    size += piece.length;
    while (size >= wanted) {
      const taken = takeWanted();
      if (isHead) {
        wanted = taken.readUInt32BE();
        if (wanted > MAX_FRAME_BYTES) {
          throw Error(`a frame of ${wanted} bytes is announced`);
        }
      } else {
        wanted = HEAD_BYTES;
        onBody(taken);
      }
      isHead = !isHead;
    }
  };
};

/**
 * Makes a stream over a connected socket, which it owns. Messages are
 * structured clones; a message with a transfer list closes the stream with
 * STREAM_UNSENDABLE, bytes that are no frames with STREAM_MALFORMED.
 */
export const makeSocketStream = <In = unknown, Out = unknown>(
  socket: Socket,
  options: StreamOptions = {},
): DuplexStream<In, Out> =>
  makeDuplex<In, Out>(({ arrive, lost, fail }) => {
    const { label = 'stream' } = options;
    let isShut = false;
    const read = makeFrameReader(body => {
      if (!isShut) {
        arrive(deserialize(body));
      }
    });
    socket.on('data', (piece: Buffer) => {
      try {
        if (!isShut) {
          read(piece);
        }
      } catch (problem) {
        const what = problem instanceof Error ? problem.message : problem;
        fail(new StreamError('STREAM_MALFORMED', `${label}: ${what}`));
      }
    });
    // After an error comes a close, which is what ends the stream.
    let cause: Error | undefined;
    socket.on('error', problem => {
      cause = problem;
    });
    socket.on('close', () =>
      lost(
        new StreamClosedError(
          `${label}: the socket was closed without a word`,
          { cause },
        ),
      ),
    );
    return {
      post: (data, transfer) => {
        if (transfer !== undefined) {
          throw new StreamError(
            'STREAM_UNSENDABLE',
            `${label}: a socket transfers nothing`,
          );
        }
        socket.write(encodeFrame(data));
      },
      shut: () => {
        isShut = true;
        socket.end();
      },
    };
  }, options);
