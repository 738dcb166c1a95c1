import { describe, expect, it } from 'vitest';
import { CooperageError } from '@cooperage/protocol';
import { CriticalLoss } from './faults.ts';
import { makePhase } from './phase.ts';

describe('the phase of a kernel', () => {
  it('is running, and then stopped for ever', () => {
    const phase = makePhase();
    const ends: unknown[] = [];
    phase.onEnd(({ code, message }, cause) =>
      ends.push(['first', code, message, cause]),
    );
    phase.onEnd(() => ends.push('second'));
    phase.insistRunning();
    expect([phase.state(), phase.isRunning(), phase.reason()]).toEqual([
      'running',
      true,
      undefined,
    ]);
    phase.end('stopped');
    phase.end('failed', Error('too late'));
    expect([phase.state(), phase.isRunning(), phase.reason()]).toEqual([
      'stopped',
      false,
      undefined,
    ]);
    expect(ends).toEqual([
      ['first', 'KERNEL_STOPPED', 'The kernel has stopped', undefined],
      'second',
    ]);
    expect(() => phase.insistRunning()).toThrow('The kernel has stopped');
  });

  it.each([
    [Error('a defect'), 'failed', 'a defect'],
    ['a word', 'failed', 'a word'],
    [new CriticalLoss('timer is gone'), 'critical-failed', 'timer is gone'],
    [new CooperageError('BAD_REQUEST', 'no'), 'failed', 'no'],
    [
      new CooperageError('STORAGE_FAILED', 'the disk is full'),
      'storage-failed',
      'the disk is full',
    ],
  ])('is of its failure: %s', (cause, state, reason) => {
    const phase = makePhase();
    const causes: unknown[] = [];
    phase.onEnd((_problem, why) => causes.push(why));
    phase.guard(() => {
      throw cause;
    });
    expect([phase.state(), phase.reason(), causes]).toEqual([
      state,
      reason,
      [cause],
    ]);
    expect(() => phase.insistRunning()).toThrow(
      expect.objectContaining({
        code: 'KERNEL_FAILED',
        message: `The kernel has failed: ${reason}`,
      }),
    );
    phase.guard(() => {
      causes.push('more work');
    });
    expect(causes).toEqual([cause]);
  });
});
