import { expect, it } from 'vitest';
import { makeLaunchGate } from './launch-gate.ts';

const refusal = (message: string) =>
  expect.objectContaining({ code: 'LIMIT_REACHED', message });

it('so many launches may begin within a minute, by a clock that may be set back', () => {
  let now = 1_000_000;
  const { pass } = makeLaunchGate({
    now: () => now,
    options: { launchesPerMinute: 2 },
    clusters: () => 0,
  });
  const insistFull = (): void =>
    expect(pass).toThrow(
      refusal(
        '2 launches have begun within a minute, and no more may: launch it a little later',
      ),
    );
  pass();
  now += 30_000;
  pass();
  insistFull();
  now += 29_999;
  insistFull();
  now += 1;
  pass();
  insistFull();
  now -= 1_000_000;
  pass();
});

it('so many clusters may be at once, of 600 launches a minute', () => {
  let clusters = 1;
  const { pass } = makeLaunchGate({
    now: () => 0,
    options: { mostClusters: 2 },
    clusters: () => clusters,
  });
  for (let nth = 0; nth < 600; nth += 1) {
    pass();
  }
  expect(pass).toThrow('600 launches');
  clusters = 2;
  expect(pass).toThrow(
    refusal('There are 2 clusters, and no more may be: terminate one first'),
  );
});
