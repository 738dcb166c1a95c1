import { signal } from '@preact/signals';
import { expect, test } from 'vitest';
import type { KernelStatus } from '@cooperage/protocol';
import { emptyStatus } from '../testing/fake-kernel.ts';
import { makeSites } from './sites.ts';

const withGrant = (...hosts: readonly string[]): KernelStatus => ({
  ...emptyStatus,
  clusters: [
    {
      id: 'c1' as KernelStatus['clusters'][number]['id'],
      name: 'library',
      bootstrap: '',
      services: [
        { service: 'fetch', as: 'fetch', caveats: { hosts }, admin: null },
      ],
      vats: [],
    },
  ],
});

test('looks again whenever other sites are granted, or the browser allows or takes back', async () => {
  const asked: (readonly string[])[] = [];
  const allowed = new Set<string>();
  let change = (): void => {};
  const status = signal<KernelStatus | undefined>(undefined);
  const { missing } = makeSites(status, {
    missing: async sites => {
      asked.push(sites);
      return sites.filter(site => !allowed.has(site));
    },
    request: async () => true,
    watch: onChange => {
      change = onChange;
    },
  });
  const told: string[][] = [];
  const look = async () => {
    await Promise.resolve();
    told.push([...missing.value]);
  };
  await look();
  status.value = withGrant('a.org', '*.b.org');
  await look();
  // The same sites in another status are no news.
  status.value = withGrant('a.org', '*.b.org');
  allowed.add('https://a.org/*');
  change();
  await look();
  expect({ asked, told }).toEqual({
    asked: [
      ['https://a.org/*', 'https://*.b.org/*'],
      ['https://a.org/*', 'https://*.b.org/*'],
    ],
    told: [[], ['https://a.org/*', 'https://*.b.org/*'], ['https://*.b.org/*']],
  });
});
