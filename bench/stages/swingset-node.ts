import { fork } from 'node:child_process';
import { once } from 'node:events';
import { PROGRAM } from '../program.ts';
import type { Peer } from '../stage.ts';

/** SwingSet in a process of its own, as `bench/swingset/provide.mjs` has installed it. */
export const startSwingSet = async (
  script: string,
): Promise<{ peer: Peer; stop: () => Promise<unknown> }> => {
  const child = fork(script, [PROGRAM]);
  const hear = async (): Promise<unknown> => {
    const over = new AbortController();
    const { signal } = over;
    try {
      const [said] = await Promise.race([
        once(child, 'message', { signal }),
        once(child, 'exit', { signal }).then(([code]) => {
          throw Error(`SwingSet's process ended with code ${code}`);
        }),
      ]);
      return said;
    } finally {
      over.abort();
    }
  };
  await hear(); // it is ready
  return {
    peer: {
      roundTrips: async count => {
        child.send({ count });
        return Number(await hear());
      },
    },
    stop: async () => {
      const gone = once(child, 'exit');
      child.kill();
      await gone;
    },
  };
};
