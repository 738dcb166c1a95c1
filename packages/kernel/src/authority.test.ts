import { expect, it } from 'vitest';
import { AUTHORITIES, type StoppedBy } from '@cooperage/protocol';
import { alsoStoppedBy, mayMove } from './authority.ts';

it('the highest of those who have stopped a vat decides, and who is as high may move it', () => {
  const all: readonly (StoppedBy | null)[] = [null, ...AUTHORITIES];
  for (const [rank, stoppedBy] of all.entries()) {
    for (const [nth, by] of AUTHORITIES.entries()) {
      const other = nth + 1;
      expect(alsoStoppedBy({ stoppedBy }, by)).toBe(
        rank > other ? stoppedBy : by,
      );
      expect(mayMove({ stoppedBy }, by)).toBe(other >= rank);
    }
  }
});
