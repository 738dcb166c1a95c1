import { expect, it } from 'vitest';
import { DEFAULT_VAT_LIMITS, makeVatId } from '@cooperage/protocol';
import { makeTellStart } from './start.ts';

it('tells a worker what its vat is, what that makes narrower, and the kernel’s limits and log level', () => {
  const row = {
    id: makeVatId(1),
    name: 'alice',
    incarnation: 3,
    endowments: ['console'],
    limits: { syscallsPerCrank: 10, queueRows: 5 },
  };
  const stored = { bundle: 'code', store: new ArrayBuffer(0) };
  const start = {
    type: 'start',
    vatId: row.id,
    incarnation: 3,
    label: 'alice',
    endowments: ['console'],
    ...stored,
    limits: DEFAULT_VAT_LIMITS,
    narrowed: { syscallsPerCrank: 10 },
    logLevel: 'debug',
  };
  expect(makeTellStart({})(row, stored)).toEqual(start);
  const limits = { ...DEFAULT_VAT_LIMITS, logUnits: 7 };
  expect(makeTellStart({ limits, logLevel: 'warn' })(row, stored)).toEqual({
    ...start,
    limits,
    logLevel: 'warn',
  });
});
