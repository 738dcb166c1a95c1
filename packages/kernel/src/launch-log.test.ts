import { describe, expect, it } from 'vitest';
import { makeLaunchLog } from './launch-log.ts';

describe('a bootstrap that is rejected', () => {
  it.each([
    ['an error', { '#error': 'no bank' }, 'bootstrap rejected: no bank'],
    ['no error', ['no bank'], 'bootstrap rejected: #["no bank"]'],
  ])('with %s is shown with its text', (_, value, text) => {
    const log = makeLaunchLog(() => {});
    const record = log.open('demo');
    record.started();
    record.bootstrapEnded(`#${JSON.stringify(value)}`);
    expect(log.list()).toMatchObject([{ state: 'done', error: text }]);
  });

  it('with more text than a state can carry is shown with the beginning (invariant 11)', () => {
    const log = makeLaunchLog(() => {});
    const record = log.open('demo');
    record.started();
    record.bootstrapEnded(`#{"#error":"${'x'.repeat(20_000_000)}"}`);
    expect(log.list()[0]?.error?.length).toBeLessThan(4_100);
  });
});
