import { expect, it } from 'vitest';
import { CooperageError } from '@cooperage/protocol';
import { bytesUnlessDamaged, isStoreDamaged } from './damaged-store.ts';

it('a vat’s file that can’t be used has no bytes, and any other problem is one', () => {
  const measure = (problem: unknown) => (): number =>
    bytesUnlessDamaged(() => {
      throw problem;
    });
  const damaged = new CooperageError('STORE_DAMAGED', 'spoilt');
  const failed = new CooperageError('STORAGE_FAILED', 'gone');
  const wrong = Object.assign(Error('wrong'), { code: 'STORE_DAMAGED' });
  expect([bytesUnlessDamaged(() => 7), measure(damaged)()]).toEqual([7, 0]);
  expect(measure(failed)).toThrow(failed);
  expect(measure(wrong)).toThrow(wrong);
  expect([damaged, failed, wrong].map(isStoreDamaged)).toEqual([
    true,
    false,
    false,
  ]);
});
