import { makeVatId, type LogEntry, type TraceEvent } from '@cooperage/protocol';
import { expect, it } from 'vitest';
import { makeNewsWindow } from './news-window.ts';
import { makeRig } from './testing/rig.ts';
import { settle } from './testing/stage.ts';

const linesOf = (from: number, count: number): LogEntry[] =>
  Array.from({ length: count }, (_, index) => ({
    at: 0,
    vat: null,
    label: 'kernel',
    level: 'log',
    text: `line ${from + index}`,
  }));

it('tells a client that does not read three things; then, together, what is new, without what is out of date or too much', async () => {
  const told: unknown[] = [];
  const answers: (() => void)[] = [];
  const listener = makeNewsWindow({
    tell: (_name, params) => told.push(params),
    ask: () => new Promise<void>(resolve => answers.push(resolve)),
  });
  const { kernel } = makeRig();
  const state = kernel.status();
  const lost = { type: 'lost', at: 0, vat: makeVatId(1) } as const;
  const traceOf = (nth: number) => ({
    events: Array<TraceEvent>(1_000).fill({ ...lost, reason: `part ${nth}` }),
  });
  listener('log', { entries: linesOf(1, 1) });
  listener('state', { ...state, cranks: 1 });
  listener('trace', traceOf(1));
  expect(told).toHaveLength(3);
  for (let nth = 2; nth <= 12; nth += 1) {
    listener('trace', traceOf(nth));
  }
  for (let nth = 0; nth < 50; nth += 1) {
    listener('log', { entries: linesOf(10 * nth, 10) });
    listener('state', { ...state, cranks: 2 + nth });
  }
  expect(told).toHaveLength(3);

  answers.splice(0).forEach(answer => answer());
  await settle();
  const [log, latest, trace] = told.slice(3).map(Object);
  expect(told).toHaveLength(6);
  expect(log.entries.map(({ text }: LogEntry) => text).slice(0, 2)).toEqual([
    '300 lines of log came too fast to be told',
    'line 300',
  ]);
  expect([log.entries.length, latest.cranks]).toEqual([201, 51]);
  expect(trace.events).toHaveLength(10_000);
  expect(trace.events.at(-1)).toMatchObject({ reason: 'part 12' });

  answers.splice(0).forEach(answer => answer());
  await settle();
  listener('log', { entries: linesOf(500, 1) });
  expect(told.slice(6)).toEqual([{ entries: linesOf(500, 1) }]);
  await kernel.stop();
});
