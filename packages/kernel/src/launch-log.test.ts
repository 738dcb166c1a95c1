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

describe('a launch', () => {
  const setLog = () => {
    let changes = 0;
    const log = makeLaunchLog(() => {
      changes += 1;
    });
    return { log, changes: () => changes };
  };

  it('is shown step by step, each as it goes', async () => {
    const { log, changes } = setLog();
    const record = log.open('demo');
    expect(log.list()).toEqual([
      { id: 1, name: 'demo', state: 'running', steps: [] },
    ]);
    let finish = (_answer: number): void => {};
    const working = record.step(
      'fetch alice',
      () =>
        new Promise<number>(resolve => {
          finish = resolve;
        }),
    );
    const [shown] = log.list();
    expect(shown?.steps).toEqual([{ text: 'fetch alice', state: 'running' }]);
    expect(changes()).toBe(2);
    finish(7);
    expect(await working).toBe(7);
    expect(changes()).toBe(3);
    expect(shown?.steps).toEqual([{ text: 'fetch alice', state: 'running' }]);
    record.started();
    expect(log.list()).toEqual([
      {
        id: 1,
        name: 'demo',
        state: 'done',
        steps: [
          { text: 'fetch alice', state: 'done' },
          { text: 'bootstrap', state: 'running' },
        ],
      },
    ]);
    record.bootstrapEnded(undefined);
    expect(log.list()[0]?.steps[1]).toEqual({
      text: 'bootstrap',
      state: 'done',
    });
    expect(changes()).toBe(5);
  });

  it('whose vat has no bootstrap has none to fail', () => {
    const { log } = setLog();
    const record = log.open('demo');
    record.started();
    record.bootstrapEnded('#{"#error":"target has no method \\"bootstrap\\""}');
    const [entry] = log.list();
    expect(entry?.steps).toEqual([
      { text: 'no bootstrap method to call', state: 'done' },
    ]);
    expect(entry?.error).toBe(undefined);
  });

  it('that fails says why, and what it still does has failed too', async () => {
    const { log, changes } = setLog();
    const record = log.open('demo');
    await record.step('one', async () => {});
    await expect(
      record.step('two', () => Promise.reject(Error('no'))),
    ).rejects.toThrow('no');
    let finish = (): void => {};
    const late = record.step(
      'three',
      () =>
        new Promise<void>(resolve => {
          finish = resolve;
        }),
    );
    const before = changes();
    const states = () => log.list()[0]?.steps.map(({ state }) => state);
    expect(states()).toEqual(['done', 'failed', 'running']);
    record.failed(Error('no code'));
    expect(changes()).toBe(before + 1);
    expect(states()).toEqual(['done', 'failed', 'failed']);
    finish();
    await late;
    expect(log.list()).toEqual([
      {
        id: 1,
        name: 'demo',
        state: 'failed',
        error: 'no code',
        steps: [
          { text: 'one', state: 'done' },
          { text: 'two', state: 'failed' },
          { text: 'three', state: 'failed' },
        ],
      },
    ]);
    log.open('other').failed('a word');
    expect(log.list()[1]?.error).toBe('a word');
  });

  it('is shown until eight others have come, or as long as it lasts', () => {
    const { log } = setLog();
    const open = (count: number) =>
      Array.from({ length: count }, () => log.open('demo'));
    const ids = () => log.list().map(({ id }) => id);
    open(8).forEach(record => record.failed('x'));
    expect(ids()).toEqual([1, 2, 3, 4, 5, 6, 7, 8]);
    const [lasting] = open(1);
    expect(ids()).toEqual([2, 3, 4, 5, 6, 7, 8, 9]);
    open(8).forEach(record => record.failed('x'));
    expect(ids()[0]).toBe(9);
    expect(ids()).toHaveLength(9);
    lasting?.failed('x');
    open(1);
    expect(ids()).toEqual([11, 12, 13, 14, 15, 16, 17, 18]);
  });

  it('has a rejection cut that is too long to be told with every state', () => {
    const { log } = setLog();
    const record = log.open('demo');
    record.started();
    record.bootstrapEnded(`#${JSON.stringify('x'.repeat(5_000))}`);
    expect(log.list()[0]?.error).toBe(
      `bootstrap rejected: ${'x'.repeat(4_000)}`,
    );
    expect(log.list()[0]?.steps).toEqual([
      { text: 'bootstrap', state: 'failed' },
    ]);
  });
});
