/**
 * What is measured, as functions that run in a console's realm: they refer to
 * nothing but their parameters, so that their text can be evaluated in a browser.
 */

type Remote = (
  target: unknown,
) => Record<
  'launch' | 'root' | 'hello' | 'ping' | 'roundTrips' | 'status',
  (...args: unknown[]) => Promise<unknown>
>;

/** The console, and how many round trips to make. */
export type BenchRealm = {
  readonly E: Remote;
  readonly kernel: object;
  readonly count: number;
};

/** Milliseconds of `count` calls from the console, each after the answer of the one before. */
export const measureConsole = async ({
  E,
  kernel,
  count,
}: BenchRealm): Promise<number> => {
  const bob = await E(kernel).root('demo', 'bob');
  const start = performance.now();
  for (let call = 0; call < count; call += 1) {
    await E(bob).hello('x');
  }
  return performance.now() - start;
};

/** Milliseconds of `count` calls from one vat to another, each after the answer of the one before. */
export const measureVat = async ({
  E,
  kernel,
  count,
}: BenchRealm): Promise<number> => {
  const near = await E(kernel).root('bench', 'near');
  const far = await E(kernel).root('bench', 'far');
  const start = performance.now();
  await E(near).roundTrips(count, far);
  return performance.now() - start;
};

const SOURCE = `imports => {
  const { E, Far } = imports['@endo/far'];
  return {
    buildRootObject: () => Far('Bench', {
      ping: () => 'pong',
      roundTrips: async (count, other) => {
        for (let call = 0; call < count; call += 1) {
          await E(other).ping();
        }
      },
    }),
  };
}`;

const bundle = {
  text: JSON.stringify({
    moduleFormat: 'cooperageScript',
    source: SOURCE,
    imports: ['@endo/far'],
  }),
};

/** Two vats that call each other. */
export const BENCH_CONFIG = {
  name: 'bench',
  bootstrap: 'near',
  vats: { near: { bundle }, far: { bundle } },
};

export type Case = {
  readonly name: string;
  readonly platform: 'node' | 'chromium';
  readonly value: number;
  readonly unit: string;
};

export type BenchOptions = { readonly isQuick: boolean };
