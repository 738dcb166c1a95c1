import { expect, it } from 'vitest';
import { dataOf, send } from '../testing/stage.ts';
import { effectsOf } from './effects.ts';

it('takes back what else a vat did in the crank in which it ends itself as a failure, and nothing of another', () => {
  const effects = (isFailure: boolean) =>
    effectsOf({
      crank: 1,
      outcome: { ok: true },
      syscalls: [send('o+0', 'first'), ['exit', isFailure, dataOf('bye')]],
      changes: [['key', 'value']],
      isUnsure: false,
      hasMore: false,
    });
  expect(effects(true)).toEqual({
    syscalls: [['exit', true, dataOf('bye')]],
    changes: [],
  });
  expect(effects(false)).toEqual({
    syscalls: [send('o+0', 'first'), ['exit', false, dataOf('bye')]],
    changes: [['key', 'value']],
  });
});
