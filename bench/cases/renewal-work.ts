/** What consoles do for `upgrade`, `restart` and `upgrade-bystander`; like `start-work.ts`. */
import { bundleOf } from '../program.ts';
import type { Realm } from '../stage.ts';

/** A vat that has a durable kind, an object of it, and a count; `version` makes it other code. */
export const renewedBundle = (version: number) =>
  bundleOf(
    `imports => {
  const { Far } = imports['@endo/far'];
  const { prepareExoClass, provide } = imports['@agoric/vat-data'];
  const buildRootObject = (vatPowers, parameters, baggage) => {
    const makeCounter = prepareExoClass(baggage, 'Counter', undefined, () => ({ count: 0 }), {
      increment() { this.state.count += 1; return this.state.count; },
    });
    const counter = provide(baggage, 'counter', makeCounter);
    return Far('Root', { ping: () => counter.increment(), version: () => ${version} });
  };
  return { buildRootObject };
}`,
    ['@endo/far', '@agoric/vat-data'],
  );

export const renewedConfig = (name: string) => ({
  name,
  vats: { main: { bundle: renewedBundle(0) } },
});

type Start = { readonly config: object; readonly name: string };

/** Milliseconds from `launch` to the first answer, after a pause; the cluster is then ended. */
export const timeBareStart = async (
  { send, kernel }: Realm,
  { config, name, pause }: Start & { readonly pause: number },
): Promise<number> => {
  await new Promise(resolve => void setTimeout(resolve, pause));
  const start = performance.now();
  await send(kernel, 'launch', config);
  await send(await send(kernel, 'root', name), 'ping');
  const time = performance.now() - start;
  await send(kernel, 'terminate', name);
  return time;
};

/** Milliseconds from `upgrade` to the first answer of the new code, after a pause. */
export const timeUpgrade = async (
  { send, kernel }: Realm,
  { name, bundle, pause }: { name: string; bundle: object; pause: number },
): Promise<number> => {
  const root = await send(kernel, 'root', name);
  await send(root, 'ping');
  await new Promise(resolve => void setTimeout(resolve, pause));
  const start = performance.now();
  await send(kernel, 'upgrade', name, 'main', bundle);
  await send(root, 'ping');
  return performance.now() - start;
};

/** Milliseconds of round trips between two other vats, one at a time, while one is given other code over and over, or not. */
export const timeBeside = async (
  { send, kernel }: Realm,
  {
    name,
    bundles,
    count,
  }: { name: string; bundles: readonly object[]; count: number },
): Promise<number> => {
  const near = await send(kernel, 'root', 'bench', 'near');
  const far = await send(kernel, 'root', 'bench', 'far');
  let isOver = false;
  const renewing = (async () => {
    for (let nth = 0; !isOver && bundles.length > 0; nth += 1) {
      const bundle = bundles[nth % bundles.length];
      await send(kernel, 'upgrade', name, 'main', bundle);
    }
  })();
  const start = performance.now();
  await send(near, 'roundTrips', count, far);
  const time = performance.now() - start;
  isOver = true;
  await renewing;
  return time;
};
