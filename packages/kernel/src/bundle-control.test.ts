import { expect, it } from 'vitest';
import { makeBundleMethods } from './bundle-control.ts';
import { makeBundles } from './bundles.ts';
import { makeKeptBundles } from './kept-bundles.ts';
import { makePhase } from './phase.ts';
import { makeRandomTables } from './testing/random-tables.ts';
import { RAW_BUNDLE } from './testing/rig.ts';

const HASH = `${RAW_BUNDLE.length}`.padStart(128, '0');
const bundle = { text: RAW_BUNDLE };

/** The methods over tables that are committed before each answer. */
const setScene = () => {
  const { state, parts } = makeRandomTables([]);
  const bundles = makeBundles(state, {
    hash: bytes => Promise.resolve(`${bytes.length}`.padStart(128, '0')),
    fetchText: () => Promise.reject(Error('no network here')),
  });
  const phase = makePhase();
  const kept = makeKeptBundles(state, { bundles, parts, phase, most: 2 });
  const look = async <Value>(answer: () => Value): Promise<Value> => {
    const value = answer();
    state.store.commit();
    return value;
  };
  return {
    isCommitted: (): boolean => !state.store.dirty,
    ...makeBundleMethods(kept, {
      look,
      afterCommit: value => look(() => value),
    }),
  };
};

it('code is stored under a name, listed and forgotten, each answered once that is committed', async () => {
  const { storeBundle, bundles, forgetBundle, isCommitted } = setScene();
  expect(await storeBundle({ name: 'code', bundle })).toEqual({ hash: HASH });
  expect(isCommitted()).toBe(true);
  expect(await bundles()).toEqual([
    { name: 'code', hash: HASH, units: RAW_BUNDLE.length },
  ]);
  const forgotten = forgetBundle({ name: 'code' });
  expect(await forgotten).toBe(null);
  expect(isCommitted()).toBe(true);
  expect(await bundles()).toEqual([]);
});

it('a request without a name or without code is refused', async () => {
  const { storeBundle, forgetBundle } = setScene();
  await expect(storeBundle({ bundle })).rejects.toMatchObject({
    code: 'BAD_REQUEST',
    message: 'The request needs name, a text',
  });
  await expect(storeBundle({ name: 'code' })).rejects.toMatchObject({
    code: 'BAD_REQUEST',
    message: expect.stringContaining('The request needs a bundle'),
  });
  expect(() => forgetBundle({})).toThrow('The request needs name, a text');
});
