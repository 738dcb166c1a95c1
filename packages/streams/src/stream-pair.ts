/** Two ends of a stream in memory, for tests: the clones of a real port, and a fence to hold them back. */
import {
  makeDuplex,
  type DuplexStream,
  type StreamOptions,
  type TransportEvents,
} from './duplex.ts';
import { StreamClosedError } from './errors.ts';
import { soon, type Transferable } from './outbox.ts';
import { makeQueue } from './queue.ts';

declare const structuredClone: (
  value: unknown,
  options?: { transfer: Transferable[] },
) => unknown;

/** The pair and what a test can do to its wire. */
export type StreamPair<LeftIn, RightIn> = {
  readonly left: DuplexStream<LeftIn, RightIn>;
  readonly right: DuplexStream<RightIn, LeftIn>;
  /** How many posts left and right have made. */
  posts(): { readonly left: number; readonly right: number };
  /** Holds all delivery, both ways, until the `release` returned is called. Fences add up. */
  fence(): { release(): void };
  /** How many posts are on their way. */
  held(): number;
  /** Puts something on the wire to the right end that no stream would. */
  postRaw(data: unknown): void;
  /** Cuts the wire, as a dying process does: what is on its way is lost; each end that is open hears `lost`. */
  cut(): void;
};

/** One direction of the wire. Each post is delivered in a microtask of its own, in order. */
const makeLane = (isFenced: () => boolean) => {
  const onTheWay = makeQueue<{ data: unknown }>();
  let posts = 0;
  let events: TransportEvents | undefined;
  let isCut = false;
  const deliver = (): void => {
    if (isFenced()) return;
    const next = onTheWay.shift();
    if (next !== undefined) events?.arrive(next.data);
  };
  return {
    open: (to: TransportEvents) => {
      events = to;
    },
    post: (data: unknown, transfer?: readonly Transferable[]) => {
      const clone = structuredClone(data, { transfer: [...(transfer ?? [])] });
      posts += 1;
      if (isCut) return;
      onTheWay.push({ data: clone });
      void soon.then(deliver);
    },
    deliverAll: () => {
      for (let left = onTheWay.size(); left > 0; left -= 1) {
        void soon.then(deliver);
      }
    },
    cut: () => {
      isCut = true;
      onTheWay.clear();
      events?.lost(new StreamClosedError('the wire was cut'));
    },
    posts: () => posts,
    size: onTheWay.size,
  };
};

/** Makes a pair; the options hold for both ends, `left` and `right` override them. */
export const makeStreamPair = <LeftIn = unknown, RightIn = unknown>({
  left: leftOptions,
  right: rightOptions,
  ...both
}: StreamOptions & {
  readonly left?: StreamOptions;
  readonly right?: StreamOptions;
} = {}): StreamPair<LeftIn, RightIn> => {
  let fences = 0;
  const toLeft = makeLane(() => fences > 0);
  const toRight = makeLane(() => fences > 0);
  type Lane = typeof toLeft;
  const connect = (inward: Lane, outward: Lane) => (to: TransportEvents) => {
    inward.open(to);
    return { post: outward.post, shut: () => {} };
  };
  const left = makeDuplex<LeftIn, RightIn>(connect(toLeft, toRight), {
    label: 'left',
    ...both,
    ...leftOptions,
  });
  const right = makeDuplex<RightIn, LeftIn>(connect(toRight, toLeft), {
    label: 'right',
    ...both,
    ...rightOptions,
  });
  return Object.freeze({
    left,
    right,
    posts: () => ({ left: toRight.posts(), right: toLeft.posts() }),
    fence: () => {
      let isHeld = true;
      fences += 1;
      return Object.freeze({
        release: () => {
          if (!isHeld) return;
          isHeld = false;
          fences -= 1;
          if (fences > 0) return;
          toLeft.deliverAll();
          toRight.deliverAll();
        },
      });
    },
    postRaw: (data: unknown) => toRight.post(data),
    held: () => toLeft.size() + toRight.size(),
    cut: () => {
      toLeft.cut();
      toRight.cut();
    },
  });
};
