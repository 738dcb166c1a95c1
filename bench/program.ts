/** The vats that are measured: the same text for ours and for the floor. */

/** A bundle of ours. `source` is an expression for a function of the modules that it imports. */
export const bundleOf = (
  source: string,
  imports: readonly string[] = ['@endo/far'],
) => ({
  text: JSON.stringify({ moduleFormat: 'cooperageScript', source, imports }),
});

export const PROGRAM = `imports => {
  const { E, Far } = imports['@endo/far'];
  // A compartment's globals are looked up at every use.
  const { imul } = Math;
  return {
    buildRootObject: () => Far('Bench', {
      ping: () => 'pong',
      roundTrips: async (count, other) => {
        for (let trip = 0; trip < count; trip += 1) {
          await E(other).ping();
        }
      },
      stream: async (count, other, inFlight) => {
        const chain = async () => {
          for (let trip = 0; trip < count / inFlight; trip += 1) {
            await E(other).ping();
          }
        };
        await Promise.all(Array.from({ length: inFlight }, chain));
      },
      burn: count => {
        let state = 1;
        for (let step = 0; step < count; step += 1) {
          state = (imul(state, 1103515245) + 12345) >>> 0;
        }
        return state;
      },
    }),
  };
}`;

const bundle = bundleOf(PROGRAM);

/** Two vats, launched by whoever provides a kernel of ours. */
export const BENCH_CONFIG = {
  name: 'bench',
  bootstrap: 'near',
  vats: { near: { bundle }, far: { bundle } },
};

/** Pairs of vats: `near0` and `far0`, and so on. */
export const makePairsConfig = (pairs: number) => ({
  name: 'pairs',
  bootstrap: 'near0',
  vats: Object.fromEntries(
    Array.from({ length: pairs }, (_, pair) => pair).flatMap(pair => [
      [`near${pair}`, { bundle }],
      [`far${pair}`, { bundle }],
    ]),
  ),
});
