import type { LogEntry } from '@cooperage/protocol';
import { describe, expect, it } from 'vitest';
import { makeNews } from './news.ts';
import { makeManualClock } from './testing/manual-clock.ts';
import { makeRig } from './testing/rig.ts';

const entry = (number: number): LogEntry => ({
  at: number,
  vat: null,
  label: 'kernel',
  level: 'log',
  text: `line ${number}`,
});

const makeScene = () => {
  const { clock, advance } = makeManualClock();
  const logged: LogEntry[] = [];
  const { kernel } = makeRig();
  const news = makeNews({
    clock,
    log: each => logged.push(each),
    status: kernel.status,
  });
  /** What one listener hears: the texts of each log notification, and `state`. */
  const listen = () => {
    const heard: (string[] | 'state')[] = [];
    const stop = news.watch((name, params) =>
      heard.push(
        'entries' in params ? params.entries.map(({ text }) => text) : 'state',
      ),
    );
    return { heard, stop };
  };
  return { news, advance, logged, listen };
};

describe('news for people', () => {
  it('are gathered: lines and state of 50 ms come at once', () => {
    const { news, advance, listen } = makeScene();
    const { heard } = listen();
    news.write(entry(1));
    news.stir();
    news.write(entry(2));
    advance(49);
    expect(heard).toEqual([]);
    advance(1);
    expect(heard).toEqual([['line 1', 'line 2'], 'state']);
    advance(1_000);
    expect(heard.length).toBe(2);
  });

  it('tell each listener each line once, whenever it came', () => {
    const { news, advance, listen } = makeScene();
    const early = listen();
    news.write(entry(1));
    const late = listen();
    news.write(entry(2));
    advance(50);
    expect([early.heard, late.heard]).toEqual([
      [['line 1'], ['line 2']],
      [['line 1'], ['line 2']],
    ]);
    early.stop();
    late.stop();
    news.write(entry(3));
    expect(listen().heard).toEqual([['line 1', 'line 2', 'line 3']]);
  });

  it('are bounded: of a flood the last 200 lines are told, and how many are missing (invariant 11)', () => {
    const { news, advance, listen, logged } = makeScene();
    const { heard } = listen();
    for (let number = 1; number <= 100_000; number += 1) {
      news.write(entry(number));
    }
    advance(50);
    expect(heard.length).toBe(1);
    expect(heard[0]?.slice(0, 2)).toEqual([
      '99800 lines of log came too fast to be told',
      'line 99801',
    ]);
    expect([heard[0]?.length, logged.length]).toEqual([201, 100_000]);
  });
});
