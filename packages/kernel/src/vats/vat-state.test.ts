import { expect, it } from 'vitest';
import { vatStateOf } from './vat-state.ts';

const ROW = { failure: null, suspension: null, paused: 0, asleep: 0 } as const;

it.each([
  ['asleep', undefined, {}],
  ['asleep', 'gone', {}],
  ['starting', 'launching', {}],
  ['starting', 'starting', {}],
  ['starting', 'busy', { asleep: 1 }],
  ['running', 'idle', {}],
  ['running', 'busy', {}],
  ['paused', 'busy', { paused: 1 }],
  ['suspended', undefined, { suspension: 'why', paused: 1 }],
  ['failed', undefined, { failure: 'why', suspension: 'why', paused: 1 }],
] as const)('is %s with a worker that is %s, and %o', (state, worker, row) => {
  expect(vatStateOf({ ...ROW, ...row }, { isHeld: false, worker })).toBe(state);
  expect(vatStateOf({ ...ROW, ...row }, { isHeld: true, worker })).toBe(
    'upgrading',
  );
});
