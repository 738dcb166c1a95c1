/**
 * How long a thread was busy in one go at most. Both functions refer to nothing
 * around them, since in a browser it is their text that runs in the kernel's worker.
 */

/** Begins to look at the clock in a timer of a millisecond, over and over. */
export const beginToWatch = (): void => {
  let longest = 0;
  let last = performance.now();
  let timer: ReturnType<typeof setTimeout>;
  const look = (): void => {
    const now = performance.now();
    longest = Math.max(longest, now - last);
    last = now;
    timer = setTimeout(look, 1);
  };
  look();
  Reflect.set(globalThis, 'endWatch', () => {
    clearTimeout(timer); // or it would go on with the watch
    look();
    clearTimeout(timer);
    return longest;
  });
};

/** Ends that: the milliseconds of the longest time from one look to the next, the timer's own among them. */
export const endWatch = (): number => Reflect.get(globalThis, 'endWatch')();
