import { setImmediate as nextRound } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { nodeClock } from './platform.ts';

/** More rounds of the loop than anything here takes: no time, which a busy machine would have less of. */
const passRounds = async (): Promise<void> => {
  for (let rounds = 0; rounds < 20; rounds += 1) {
    await nextRound();
  }
};

describe('the clock of Node', () => {
  it('lets what others do come between two turns', async () => {
    const told: string[] = [];
    for (const name of ['first', 'second', 'third']) {
      nodeClock.soon(() => {
        told.push(name);
        setImmediate(() => told.push(`behind ${name}`));
      });
    }
    await passRounds();
    expect(told).toEqual([
      'first',
      'second',
      'behind first',
      'third',
      'behind second',
      'behind third',
    ]);
  });

  it('goes on when a turn throws, and when one asks for another', async () => {
    const told: string[] = [];
    const thrown: unknown[] = [];
    const listener = (problem: unknown): void => void thrown.push(problem);
    const others = process.listeners('uncaughtException');
    process.removeAllListeners('uncaughtException');
    process.on('uncaughtException', listener);
    try {
      nodeClock.soon(() => {
        throw Error('broken');
      });
      nodeClock.soon(() => {
        told.push('second');
        nodeClock.soon(() => told.push('asked for'));
      });
      await passRounds();
    } finally {
      process.off('uncaughtException', listener);
      others.forEach(each => process.on('uncaughtException', each));
    }
    expect(thrown).toEqual([Error('broken')]);
    expect(told).toEqual(['second', 'asked for']);
  });
});
