import harden from '@endo/harden';

/** One launch under way; the first thing that goes wrong ends it. */
export const makeCourse = () => {
  let problem: unknown;
  let reject: (problem: unknown) => void = () => {};
  const aborted = new Promise<never>((_, refuse) => {
    reject = refuse;
  });
  aborted.catch(() => {}); // whoever waits hears it by `wait`
  const hooks: (() => void)[] = [];
  return {
    abort: (reason: unknown): void => {
      if (problem === undefined) {
        problem = reason;
        reject(reason);
        hooks.forEach(hook => hook());
      }
    },
    /** What is to be done when it ends so, at once if it has. */
    onAbort: (hook: () => void): void => {
      if (problem === undefined) {
        hooks.push(hook);
      } else {
        hook();
      }
    },
    wait: <Value>(work: Promise<Value>): Promise<Value> =>
      Promise.race([work, aborted]),
    /** Throws what has gone wrong, if anything has. */
    insist: (): void => {
      if (problem !== undefined) {
        throw problem;
      }
    },
  };
};
harden(makeCourse);

export type Course = ReturnType<typeof makeCourse>;
