import type { LogEntry, TraceEvent } from '@cooperage/protocol';
import harden from '@endo/harden';
import { KEPT_LINES, withMissing, type NewsListener } from './news.ts';

/** News that a client is told before it has read the first of them: log, state and trace of one time. */
const MOST_UNREAD = 3;
/** Events of the trace that are kept for a client that does not read. */
const KEPT_EVENTS = 10_000;

/**
 * News for one client, of which no more leave than it reads: a client that is
 * stopped must not fill the kernel's memory. What comes meanwhile is told
 * together when it reads again: the state as it is then, the last lines of the
 * log and how many are missing, the last events of the trace.
 */
export const makeNewsWindow = ({
  tell,
  ask,
}: {
  tell: NewsListener;
  /** Is settled when the client has read what it was told until now, or never will. */
  ask: () => Promise<unknown>;
}): NewsListener => {
  let unread = 0;
  let lines: readonly LogEntry[] = [];
  let missing = 0;
  let tellState: (() => void) | undefined;
  let events: readonly TraceEvent[] = [];

  const keepLines = (more: readonly LogEntry[]): void => {
    const all = [...lines, ...more];
    // One telling may have a line more, of what was missing before.
    const kept = lines.length === 0 ? all : all.slice(-KEPT_LINES);
    missing += all.length - kept.length;
    lines = kept;
  };

  /** Tells what comes first of what is left to be told; false when nothing is. */
  const tellNext = (): boolean => {
    if (lines.length > 0) {
      const entries = withMissing(lines, missing);
      lines = [];
      missing = 0;
      tell('log', { entries });
    } else if (tellState) {
      const tellIt = tellState;
      tellState = undefined;
      tellIt();
    } else if (events.length > 0) {
      const last = events;
      events = [];
      tell('trace', { events: last });
    } else {
      return false;
    }
    return true;
  };

  const goOn = (): void => {
    while (unread < MOST_UNREAD && tellNext()) {
      unread += 1;
      void ask().then(onRead, onRead);
    }
  };
  const onRead = (): void => {
    unread -= 1;
    goOn();
  };

  return (name, params) => {
    if ('entries' in params) {
      keepLines(params.entries);
    } else if ('events' in params) {
      events = [...events, ...params.events].slice(-KEPT_EVENTS);
    } else {
      tellState = () => tell(name, params);
    }
    goOn();
  };
};
harden(makeNewsWindow);
