import { describe, expect, it } from 'vitest';
import { makeRestarts, STEADY_MILLISECONDS } from './restarts.ts';

describe('restarts', () => {
  it('waits longer after the second failure and gives up after the third', () => {
    const restarts = makeRestarts(() => 0);
    expect([restarts.failed(), restarts.failed(), restarts.failed()]).toEqual([
      { kind: 'restart', milliseconds: 250 },
      { kind: 'restart', milliseconds: 2_000 },
      { kind: 'safe-mode' },
    ]);
  });

  it('count anew after a steady run', () => {
    let now = 0;
    const restarts = makeRestarts(() => now);
    restarts.failed();
    restarts.failed();
    restarts.started();
    now += STEADY_MILLISECONDS;
    expect(restarts.failed()).toEqual({ kind: 'restart', milliseconds: 250 });
  });
});
