/** What a console does for `alias`; like `console-work.ts`. */
import { bundleOf } from '../program.ts';
import type { Realm } from '../stage.ts';

const near = bundleOf(`imports => {
  const { E, Far } = imports['@endo/far'];
  return {
    buildRootObject: () => {
      const ways = {};
      let tell;
      const isReady = new Promise(resolve => { tell = resolve; });
      return Far('Near', {
        bootstrap: async (vats, { revocation }) => {
          ways.direct = vats.far;
          const { ref } = await E(revocation).makeRevocable(vats.far);
          ways.alias = ref;
          tell(true);
        },
        whenReady: () => isReady,
        roundTrips: async (count, way) => {
          const target = ways[way];
          for (let trip = 0; trip < count; trip += 1) {
            await E(target).ping();
          }
        },
      });
    },
  };
}`);

const far = bundleOf(`imports => ({
  buildRootObject: () => imports['@endo/far'].Far('Far', { ping: () => 'pong' }),
})`);

export const ALIAS_CONFIG = {
  name: 'alias',
  bootstrap: 'near',
  services: ['revocation'],
  vats: { near: { bundle: near }, far: { bundle: far } },
};

/** Launches the vats; resolves when the alias is there. */
export const launchAlias = async (
  { send, kernel }: Realm,
  { config }: { config: { readonly name: string } },
): Promise<boolean> => {
  await send(kernel, 'launch', config);
  const root = await send(kernel, 'root', config.name);
  return (await send(root, 'whenReady')) === true;
};

/** Milliseconds of round trips from `near` to `far`, one at a time. */
export const timeWay = async (
  { send, kernel }: Realm,
  { count, way }: { count: number; way: 'direct' | 'alias' },
): Promise<number> => {
  const root = await send(kernel, 'root', 'alias');
  const start = performance.now();
  await send(root, 'roundTrips', count, way);
  return performance.now() - start;
};

export const endAlias = async ({ send, kernel }: Realm): Promise<boolean> => {
  await send(kernel, 'terminate', 'alias');
  return true;
};
