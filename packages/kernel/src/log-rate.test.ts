import { expect, it } from 'vitest';
import { makeVatId } from '@cooperage/protocol';
import { makeLogRate } from './log-rate.ts';
import type { Clock } from './ports.ts';
import { makePhase } from './phase.ts';
import { makeManualClock } from './testing/manual-clock.ts';

const ALICE = makeVatId(1);
const BOB = makeVatId(2);

it('leaves out the lines of a vat beyond so many a second, says how many, and no line of another', () => {
  const { clock, advance } = makeManualClock();
  const written: string[] = [];
  const { write, linesNow } = makeLogRate(
    (vat, level, text) => written.push(`${vat} ${level} ${text}`),
    {
      clock,
      phase: makePhase(),
      mostOf: (vat, bound) =>
        ({ logLinesPerSecond: vat === ALICE ? 3 : 2 })[bound],
    },
  );
  for (let nth = 1; nth <= 5; nth += 1) {
    write(ALICE, 'log', `line ${nth}`);
  }
  write(BOB, 'info', 'hello');
  expect([ALICE, BOB].map(linesNow)).toEqual([3, 1]);
  advance(999);
  write(ALICE, 'log', 'too early');
  advance(1);
  expect(linesNow(ALICE)).toBe(0);
  write(ALICE, 'log', 'next second');
  for (let nth = 1; nth <= 3; nth += 1) {
    write(BOB, 'info', `bob ${nth}`);
  }
  advance(1_000);
  expect(written).toEqual([
    'v1 log line 1',
    'v1 log line 2',
    'v1 log line 3',
    'v2 info hello',
    'v1 warn 3 lines of log were left out: more than 3 came in a second',
    'v1 log next second',
    'v2 info bob 1',
    'v2 info bob 2',
    'v2 warn 1 lines of log were left out: more than 2 came in a second',
  ]);
});

it('has a timer only when lines were left out, and none once the kernel has ended', () => {
  const { clock, advance } = makeManualClock();
  let timers = 0;
  let cancelled = 0;
  const after: Clock['after'] = (milliseconds, callback) => {
    timers += 1;
    const cancel = clock.after(milliseconds, callback);
    return () => {
      cancelled += 1;
      cancel();
    };
  };
  const written: string[] = [];
  const phase = makePhase();
  const { write } = makeLogRate(
    (vat, _, text) => written.push(`${vat} ${text}`),
    {
      clock: { now: clock.now, after },
      phase,
      mostOf: () => 1,
    },
  );
  write(ALICE, 'log', 'one');
  write(BOB, 'log', 'one');
  expect(timers).toBe(0);
  write(ALICE, 'log', 'two');
  write(ALICE, 'log', 'three');
  expect(timers).toBe(1);
  phase.end('stopped');
  expect(cancelled).toBe(1);
  write(ALICE, 'log', 'four');
  write(BOB, 'log', 'two');
  advance(2_000);
  expect(written).toEqual(['v1 one', 'v2 one']);
  expect(timers).toBe(1);
});

it('leaves out what is too much also when very many vats write', () => {
  const { clock } = makeManualClock();
  const phase = makePhase();
  const { write, linesNow } = makeLogRate(() => {}, {
    clock,
    phase,
    mostOf: () => 2,
  });
  const vats = Array.from({ length: 1_002 }, (_, nth) => makeVatId(nth + 1));
  for (const vat of [...vats, ALICE, ALICE, BOB]) {
    write(vat, 'log', 'hello');
  }
  expect([linesNow(ALICE), linesNow(BOB)]).toEqual([2, 2]);
  phase.end('stopped');
});

it('begins a second anew when the clock was set back', () => {
  const time = { now: 10_000 };
  const { write, linesNow } = makeLogRate(() => {}, {
    clock: { now: () => time.now, after: makeManualClock().clock.after },
    phase: makePhase(),
    mostOf: () => 2,
  });
  write(ALICE, 'log', 'one');
  time.now -= 5_000;
  expect(linesNow(ALICE)).toBe(0);
  write(ALICE, 'log', 'two');
  expect(linesNow(ALICE)).toBe(1);
});
