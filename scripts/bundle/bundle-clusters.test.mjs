import { describe, expect, it } from 'vitest';
import {
  parseClusterConfig,
  problemOfBundle,
  PROVIDED_MODULES as provided,
} from '../../packages/protocol/src/index.ts';
import { bundleClusters } from './bundle-clusters.mjs';
import { bundleVat } from './bundle-vat.mjs';
import { checkBundle } from './check-bundle.mjs';
import { PROVIDED_MODULES } from './provided-modules.mjs';

const { samples, bundles } = await bundleClusters();

describe('the sample clusters', () => {
  it('are those that the popup lists', () => {
    expect(samples.map(({ config }) => config.name)).toEqual([
      'chat',
      'counter',
      'demo',
      'everything',
      'library',
      'market',
      'reminders',
      'rogue',
      'workshop',
    ]);
  });

  it.each(samples)('$title: has a config that the kernel takes', sample => {
    expect(parseClusterConfig(sample.config)).toEqual({
      ok: true,
      value: expect.objectContaining({ name: sample.config.name }),
    });
  });

  it.each([...bundles.values()])(
    '$name: starts under lockdown, asks for nothing a vat lacks, is under 60 kB',
    async bundle => {
      expect(problemOfBundle(bundle.text)).toBe(undefined);
      expect(bundle.size).toBeLessThan(60_000);
      expect(await checkBundle(bundle)).toEqual({ warnings: [] });
    },
  );

  it('bundle to the same hash each time', async () => {
    const again = await bundleVat('vats/demo/bob.ts');
    expect(again.hash).toBe(bundles.get('bob')?.hash);
  });
});

it('the bundler leaves outside what the protocol says is provided', () => {
  expect(PROVIDED_MODULES).toEqual(provided);
});
