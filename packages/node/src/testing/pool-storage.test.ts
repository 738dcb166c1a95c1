import { makeFileImages, openNodeStorage } from '@cooperage/kernel/sqlite-wasm';
import { makeRig } from '@cooperage/kernel/testing/rig';
import { expect, it } from 'vitest';
import { openRestored } from './pool-storage.ts';

it('has room for the files of all vats of a backup in which none had one yet', async () => {
  const names = Array.from({ length: 20 }, (_, nth) => `vat${nth}`);
  const images = makeFileImages();
  const first = await openNodeStorage(images);
  const rig = makeRig(
    delivery =>
      delivery[0] === 'startVat' ? { changes: [['key', 'value']] } : {},
    {
      foldMilliseconds: 1e6,
      wrap: platform => ({ ...platform, ...first }),
    },
  );
  await rig.launch('demo', names);
  await rig.kernel.idle();
  const copied = makeFileImages(images);
  expect([...copied.keys()]).toEqual(['kernel.sqlite']);
  await rig.kernel.stop();

  const restored = await openRestored(copied);
  const again = makeRig(() => ({}), {
    wrap: platform => ({ ...platform, ...restored }),
  });
  expect(restored.stores.list()).toHaveLength(names.length);
  await again.kernel.stop();
});
