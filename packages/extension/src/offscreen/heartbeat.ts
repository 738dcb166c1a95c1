/** Starts calling back every so many milliseconds; gives the function that ends it. */
export type Every = (milliseconds: number, callback: () => void) => () => void;

export type HeartbeatOptions = {
  readonly every: Every;
  readonly milliseconds: number;
  /** That many beats without any answer are a loss. */
  readonly most: number;
  readonly ping: () => void;
  /** Called at most once; the heartbeat has ended then. */
  readonly onSilence: () => void;
};

export type Heartbeat = {
  /** The other side has answered. */
  pong(): void;
  stop(): void;
};

/**
 * Watches somebody who dies without a word. Silence is counted in beats of our
 * own, not by the clock: while the machine sleeps or this thread is stalled,
 * nothing is counted.
 */
export const makeHeartbeat = (options: HeartbeatOptions): Heartbeat => {
  const { every, milliseconds, most, ping, onSilence } = options;
  let unanswered = 0;
  const stop = every(milliseconds, () => {
    if (unanswered >= most) {
      stop();
      onSilence();
      return;
    }
    unanswered += 1;
    ping();
  });
  ping();
  return Object.freeze({
    pong: () => {
      unanswered = 0;
    },
    stop,
  });
};
