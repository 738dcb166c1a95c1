import { describe, expect, it } from 'vitest';
import {
  makeClusterId,
  makeVatId,
  type BundleHash,
  type ClusterId,
  type Kref,
} from '@cooperage/protocol';
import { makeBundles } from './bundles.ts';
import {
  findBundle,
  makeKeptBundles,
  namedBundles,
  releaseBundlesOf,
} from './kept-bundles.ts';
import { makePhase } from './phase.ts';
import { RAW_BUNDLE } from './testing/rig.ts';
import { makeRandomTables } from './testing/random-tables.ts';

const CLUSTER = makeClusterId(1);
const OTHER = makeClusterId(2);

const setScene = (most = 2) => {
  const { state, parts } = makeRandomTables([]);
  const phase = makePhase();
  const bundles = makeBundles(state, {
    hash: bytes => Promise.resolve(`${bytes.length}`.padStart(128, '0')),
    fetchText: url => Promise.resolve(`${RAW_BUNDLE}${url}`),
  });
  const kept = makeKeptBundles(state, { bundles, parts, phase, most });
  return {
    state,
    bundles,
    kept,
    phase,
    run: parts.run,
    keepFor: (cluster: ClusterId, name: string, hash: BundleHash): void =>
      parts.run(() => kept.keep(cluster, name, { hash, text: 'text' })),
    isStored: (hash: string): boolean => state.bundles.has(hash as BundleHash),
  };
};
const hashOf = (text: string): BundleHash =>
  `${text.length}`.padStart(128, '0') as BundleHash;
const withSpaces = (count: number) => ({
  text: RAW_BUNDLE + ' '.repeat(count),
});

describe('code', () => {
  it('is read as a text, from an address, or from what is stored', async () => {
    const { bundles, run } = setScene();
    const code = { hash: hashOf(RAW_BUNDLE), text: RAW_BUNDLE };
    expect(await bundles.read('alice', { text: RAW_BUNDLE })).toEqual(code);
    expect(await bundles.read('alice', { url: '  ' })).toEqual({
      hash: hashOf(`${RAW_BUNDLE}  `),
      text: `${RAW_BUNDLE}  `,
    });
    await expect(
      bundles.read('alice', { hash: code.hash }),
    ).rejects.toMatchObject({
      code: 'BAD_BUNDLE',
      message: 'Vat alice: no bundle with hash 000000000000… is stored',
    });
    run(() => bundles.keep(code));
    run(() => bundles.keep({ ...code, text: 'kept already' }));
    expect(await bundles.read('alice', { hash: code.hash })).toEqual(code);
  });

  it('is refused when it is no bundle, or no text', async () => {
    const { bundles } = setScene();
    await expect(bundles.read('alice', { text: '' })).rejects.toMatchObject({
      code: 'BAD_BUNDLE',
      message: expect.stringMatching(/^Vat alice: ./),
    });
    await expect(
      bundles.read('alice', { text: `${RAW_BUNDLE}\ud800` }),
    ).rejects.toMatchObject({
      code: 'BAD_BUNDLE',
      message:
        'Vat alice: the bundle has half of a surrogate pair: it is no Unicode text',
    });
  });
});

describe('a person', () => {
  it('stores code under names, and forgets it', async () => {
    const { kept, isStored } = setScene();
    const first = await kept.store('one', withSpaces(0));
    expect(kept.list()).toEqual([
      { name: 'one', hash: first, units: RAW_BUNDLE.length },
    ]);
    const second = await kept.store('one', withSpaces(1));
    expect([isStored(first), isStored(second)]).toEqual([false, true]);
    await kept.store('two', withSpaces(1));
    kept.forget('one');
    expect(isStored(second)).toBe(true);
    kept.forget('two');
    expect([isStored(second), kept.list()]).toEqual([false, []]);
    expect(() => kept.forget('two')).toThrow(
      expect.objectContaining({
        code: 'BUNDLE_UNKNOWN',
        message: 'No bundle is stored under the name "two"',
      }),
    );
  });

  it('stores so many at most, under proper names, while the kernel runs', async () => {
    const { kept, phase } = setScene(1);
    await expect(kept.store('no name', withSpaces(0))).rejects.toMatchObject({
      code: 'BAD_REQUEST',
      message: expect.stringMatching(
        /^"no name" is no name for a bundle \(.+\)$/,
      ),
    });
    await kept.store('one', withSpaces(0));
    await kept.store('one', withSpaces(1));
    await expect(kept.store('two', withSpaces(0))).rejects.toMatchObject({
      code: 'LIMIT_REACHED',
      message: '1 bundles are stored, and no more may be: forget one first',
    });
    const late = kept.store('one', withSpaces(2));
    phase.end('stopped');
    await expect(late).rejects.toMatchObject({ code: 'KERNEL_STOPPED' });
  });

  it('forgets all at once, and no cluster’s', async () => {
    const { kept, keepFor, isStored, state } = setScene();
    const [one, two] = [
      await kept.store('one', withSpaces(0)),
      await kept.store('two', withSpaces(1)),
    ];
    keepFor(CLUSTER, 'code', two);
    kept.erase();
    expect([isStored(one), isStored(two), kept.list()]).toEqual([
      false,
      true,
      [],
    ]);
    expect(namedBundles(state, CLUSTER)).toMatchObject([{ name: 'code' }]);
  });
});

describe('a cluster', () => {
  it('finds its own code by name or hash, and what a person has stored by its hash, and no other', async () => {
    const { state, kept, keepFor } = setScene();
    const [own, others] = [hashOf('x'), hashOf('xx')];
    const persons = await kept.store('code', withSpaces(0));
    keepFor(CLUSTER, 'code', own);
    keepFor(OTHER, 'theirs', others);
    const find = (nameOrHash: string) => findBundle(state, CLUSTER, nameOrHash);
    expect([find('code'), find(own), find(persons)]).toEqual([
      own,
      own,
      persons,
    ]);
    expect([find('theirs'), find(others), find('none')]).toEqual([
      undefined,
      undefined,
      undefined,
    ]);
  });

  it('lets go of its code at its end, but for what a vat runs or is to', () => {
    const { state, keepFor, run, isStored } = setScene();
    const [free, run_, born] = [hashOf('x'), hashOf('xx'), hashOf('xxx')];
    keepFor(CLUSTER, 'free', free);
    keepFor(CLUSTER, 'runs', run_);
    keepFor(CLUSTER, 'born', born);
    run(() => {
      const vat = state.vats.get(makeVatId(1));
      if (vat) {
        state.vats.put({ ...vat, bundle: run_ });
      }
      state.births.put({
        id: 1,
        vat: makeVatId(9),
        administrator: 'ko9' as Kref,
        quota: 1,
        cluster: OTHER,
        maker: null,
        name: 'kid',
        bundle: born,
        bytes: null,
        slots: [],
        promise: null,
      });
      releaseBundlesOf(state, CLUSTER);
    });
    expect([free, run_, born].map(isStored)).toEqual([false, true, true]);
    expect(namedBundles(state, CLUSTER)).toEqual([]);
  });
});
