import { describe, expect, it } from 'vitest';
import { EndpointFault, faultUnless, insistRow } from './faults.ts';

describe('a fault', () => {
  it('is of the endpoint that broke a rule, and says which', () => {
    expect(() => faultUnless(false, () => 'no such promise')).toThrow(
      new EndpointFault('no such promise'),
    );
    expect(faultUnless(true, () => 'no such promise')).toBeUndefined();
  });

  it('is of the kernel where a row is not there', () => {
    expect(insistRow('row', 'vat v1')).toBe('row');
    expect(() => insistRow(undefined, 'vat v1')).toThrow(
      Error('kernel state is inconsistent: no vat v1'),
    );
  });
});
