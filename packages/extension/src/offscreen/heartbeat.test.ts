import { describe, expect, it } from 'vitest';
import { makeHeartbeat } from './heartbeat.ts';

const makeBeats = () => {
  let beat = (): void => {};
  const events: string[] = [];
  const heartbeat = makeHeartbeat({
    every: (_milliseconds, callback) => {
      beat = callback;
      return () => {
        beat = () => {};
        events.push('ended');
      };
    },
    milliseconds: 1,
    most: 3,
    ping: () => events.push('ping'),
    onSilence: () => events.push('silence'),
  });
  return { heartbeat, events, beat: () => beat() };
};

describe('a heartbeat', () => {
  it('tells of silence once, after that many unanswered beats', () => {
    const { events, beat } = makeBeats();
    for (let count = 0; count < 9; count += 1) {
      beat();
    }
    expect(events).toEqual([
      'ping',
      'ping',
      'ping',
      'ping',
      'ended',
      'silence',
    ]);
  });

  it('goes on as long as there is an answer within the bound', () => {
    const { heartbeat, events, beat } = makeBeats();
    for (let count = 0; count < 9; count += 1) {
      beat();
      beat();
      heartbeat.pong();
    }
    expect(events).not.toContain('silence');
  });
});
