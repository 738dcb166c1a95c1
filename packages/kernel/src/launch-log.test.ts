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

  it.each([
    [
      'a lost heap',
      '#{"incarnationNumber":1,"name":"vatUpgraded","upgradeMessage":"bye"}',
      'bootstrap rejected: it was cut short: bye',
    ],
    ...[
      '#{"incarnationNumber":1,"name":"vatUpgraded"',
      '#{"incarnationNumber":1,"name":"vatUpgraded"}',
      '#{"incarnationNumber":1,"name":"vatUpgraded","upgradeMessage":{"toString":"x","valueOf":"x"}}',
    ].map(body => ['half of that', body, `bootstrap rejected: ${body}`]),
  ])('with words of %s is shown: %s', (_, body, text) => {
    const log = makeLaunchLog(() => {});
    const record = log.open('demo');
    record.started();
    record.bootstrapEnded(body);
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
