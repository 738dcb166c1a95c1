import harden from '@endo/harden';
import type {
  KernelNotifications,
  KernelStatus,
  LogEntry,
  TraceEvent,
} from '@cooperage/protocol';
import type { Clock, Log } from './ports.ts';

/** News for people are gathered for that long. */
const NEWS_MILLISECONDS = 50;
/** Log lines that a newcomer is told, and at most that are told at once. */
export const KEPT_LINES = 200;

export type NewsListener = <Name extends 'state' | 'log' | 'trace'>(
  name: Name,
  params: KernelNotifications[Name],
) => void;

/** The lines, behind one that says how many before them are missing, if any are. */
export const withMissing = (
  lines: readonly LogEntry[],
  missing: number,
): readonly LogEntry[] => {
  const [first] = lines;
  if (missing === 0 || !first) {
    return lines;
  }
  const text = `${missing} lines of log came too fast to be told`;
  const { at } = first;
  return [{ at, vat: null, label: 'kernel', level: 'warn', text }, ...lines];
};
harden(withMissing);

/**
 * What people are told while the kernel works: its state, when it has changed,
 * what it does, and its log. State and trace ride with the epoch: they are told
 * when it has committed, and never make it commit. The log is told at once, for
 * it is to tell also of what is never committed.
 */
export const makeNews = ({
  clock,
  log,
  status,
  ride,
  isCommitted,
}: {
  clock: Clock;
  log: Log;
  status: () => KernelStatus;
  /** Calls back when all is committed, or never will be; never makes it so. */
  ride: (look: () => void) => void;
  /** Whether all that has been done until now is. */
  isCommitted: () => boolean;
}) => {
  const listeners = new Set<NewsListener>();
  const tracers = new Set<NewsListener>();
  const lines: LogEntry[] = [];
  /** How many of the last lines, or more than are kept, the listeners have not been told. */
  let untold = 0;
  let events: TraceEvent[] = [];
  let isDue = false;
  let isStirred = false;
  let isRiding = false;

  const tellLog = (): void => {
    if (untold === 0) {
      return;
    }
    const last = lines.slice(-untold);
    const entries = withMissing(last, untold - last.length);
    untold = 0;
    listeners.forEach(listener => listener('log', { entries }));
  };

  /** Of a kernel that has failed the last events were never committed, and nobody is told of them. */
  const tellCommitted = (): void => {
    isRiding = false;
    isStirred = false;
    const now = status();
    const traced = isCommitted() ? events : [];
    events = [];
    listeners.forEach(listener => listener('state', now));
    if (traced.length > 0) {
      tracers.forEach(listener => listener('trace', { events: traced }));
    }
  };

  const tell = (): void => {
    isDue = false;
    tellLog();
    if (isStirred && !isRiding) {
      isRiding = true;
      ride(tellCommitted);
    }
  };

  const tellSoon = (): void => {
    if (!isDue) {
      isDue = true;
      clock.after(NEWS_MILLISECONDS, tell);
    }
  };

  const stir = (): void => {
    if (listeners.size > 0) {
      isStirred = true;
      tellSoon();
    }
  };

  return {
    /** Something that `status` shows may have changed. */
    stir,
    /** Nothing is made while nobody wants to see the trace. */
    trace: (makeEvent: () => TraceEvent): void => {
      if (tracers.size > 0) {
        events.push(makeEvent());
        stir();
      }
    },
    write: (entry: LogEntry): void => {
      log(entry);
      lines.push(entry);
      if (lines.length > KEPT_LINES) {
        lines.shift();
      }
      if (listeners.size > 0) {
        untold += 1;
        tellSoon();
      }
    },
    /** Calls back with the last lines of the log, and from then on with news, until the returned function is called. */
    watch: (listener: NewsListener, isTraced = false): (() => void) => {
      tellLog(); // to those before, so that the newcomer hears no line twice
      listeners.add(listener);
      if (isTraced) {
        tracers.add(listener);
      }
      if (lines.length > 0) {
        listener('log', { entries: [...lines] });
      }
      return () => {
        listeners.delete(listener);
        tracers.delete(listener);
      };
    },
  };
};
harden(makeNews);

export type News = ReturnType<typeof makeNews>;
