import { availableParallelism } from 'node:os';
import { bundleOf } from '../program.ts';

const SOURCE = `imports => {
  // A compartment's globals are looked up at every use.
  const { imul } = Math;
  return {
    buildRootObject: () => imports['@endo/far'].Far('Spinner', {
      ping: () => 'pong',
      spin: () => { for (;;); },
      toil: steps => {
        let state = 1;
        for (let step = 0; step < steps; step += 1) {
          state = (imul(state, 1103515245) + 12345) >>> 0;
        }
        return state;
      },
    }),
  };
}`;

export const spinnerConfig = (name: string) => ({
  name,
  // Nothing but the measurement ends it.
  vats: { [name]: { bundle: bundleOf(SOURCE), deadline: 600_000 } },
});

/** As many clusters of a spinner as there are processors, and two at least. */
export const SPINNERS: readonly string[] = Array.from(
  { length: Math.max(2, availableParallelism()) },
  (_, index) => `spin${index}`,
);
