import { describe, expect, it } from 'vitest';
import { makeLaunchLog, textOfRejection } from './launch-log.ts';

describe('a bootstrap that is rejected', () => {
  it.each([
    ['an error', { '#error': 'no bank' }, 'no bank'],
    ['an error that begins with a sign', { '#error': '!#1' }, '#1'],
    [
      'an error that says nothing',
      { '#error': '' },
      'an error that says nothing',
    ],
    ['a text', '!#no bank', '#no bank'],
    [
      'a list',
      ['no bank', '+12', '#undefined'],
      '[ "no bank", 12n, undefined ]',
    ],
    ['a record', { '!#a b': 1, why: '!$' }, '{ "#a b": 1, why: "$" }'],
    ['an object', '$0.Alleged: Bank', '[object: Bank]'],
    [
      'what names others',
      { who: '$0.Remotable', when: '&1', set: { '#tag': 'copySet' } },
      '{ who: [object], when: [promise], set: [tagged: copySet] }',
    ],
    ['what names nothing', ['$x'], 'what can\'t be read: #["$x"]'],
  ])('with %s is shown with its text', (_, value, text) => {
    const log = makeLaunchLog(() => {});
    const record = log.open('demo');
    record.started();
    record.bootstrapEnded(`#${JSON.stringify(value)}`);
    expect(log.list()).toMatchObject([
      { state: 'done', error: `bootstrap rejected: ${text}` },
    ]);
  });

  it.each([
    [
      'a lost heap',
      '#{"incarnationNumber":1,"name":"vatUpgraded","upgradeMessage":"bye"}',
      'bootstrap rejected: it was cut short: bye',
    ],
    [
      'half of that',
      '#{"incarnationNumber":1,"name":"vatUpgraded"',
      'bootstrap rejected: what can\'t be read: #{"incarnationNumber":1,"name":"vatUpgraded"',
    ],
    [
      'half of that',
      '#{"incarnationNumber":1,"name":"vatUpgraded"}',
      'bootstrap rejected: { incarnationNumber: 1, name: "vatUpgraded" }',
    ],
    [
      'half of that',
      '#{"incarnationNumber":1,"name":"vatUpgraded","upgradeMessage":{"toString":"x"}}',
      'bootstrap rejected: { incarnationNumber: 1, name: "vatUpgraded", upgradeMessage: { toString: "x" } }',
    ],
  ])('with words of %s is shown: %s', (_, body, text) => {
    const log = makeLaunchLog(() => {});
    const record = log.open('demo');
    record.started();
    record.bootstrapEnded(body);
    expect(log.list()).toMatchObject([{ state: 'done', error: text }]);
  });

  it('with more things than anybody reads is shown with the first of them (invariant 11)', () => {
    const things = [
      ...Array.from({ length: 5_000 }, () => [0]),
      '$x that can’t be read',
    ];
    expect(textOfRejection(`#${JSON.stringify([things])}`)).toMatch(
      /^\[ \[ (\[ 0 \], )+"…" \] \]$/,
    );
  });

  it('with more text than a state can carry is shown with the beginning (invariant 11)', () => {
    const log = makeLaunchLog(() => {});
    const record = log.open('demo');
    record.started();
    record.bootstrapEnded(`#{"#error":"${'x'.repeat(20_000_000)}"}`);
    expect(log.list()[0]?.error?.length).toBeLessThan(4_100);
  });
});
