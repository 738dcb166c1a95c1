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
const KEPT_LINES = 200;

export type NewsListener = <Name extends 'state' | 'log' | 'trace'>(
  name: Name,
  params: KernelNotifications[Name],
) => void;

/** What people are told while the kernel works: its state, when it has changed, and its log. */
export const makeNews = ({
  clock,
  log,
  status,
}: {
  clock: Clock;
  log: Log;
  status: () => KernelStatus;
}) => {
  const listeners = new Set<NewsListener>();
  const tracers = new Set<NewsListener>();
  const lines: LogEntry[] = [];
  /** How many of the last lines, or more than are kept, the listeners have not been told. */
  let untold = 0;
  let events: TraceEvent[] = [];
  let isDue = false;
  let isStirred = false;

  const tellLog = (): void => {
    if (untold === 0) {
      return;
    }
    const entries = lines.slice(-untold);
    const missing = untold - entries.length;
    untold = 0;
    const [first] = entries;
    if (missing > 0 && first) {
      const text = `${missing} lines of log came too fast to be told`;
      const { at } = first;
      entries.unshift({ at, vat: null, label: 'kernel', level: 'warn', text });
    }
    listeners.forEach(listener => listener('log', { entries }));
  };

  const tell = (): void => {
    isDue = false;
    tellLog();
    if (isStirred) {
      isStirred = false;
      const now = status();
      listeners.forEach(listener => listener('state', now));
    }
    const traced = events;
    events = [];
    if (traced.length > 0) {
      tracers.forEach(listener => listener('trace', { events: traced }));
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
    /** Costs nothing while nobody wants to see the trace. */
    trace: (event: TraceEvent): void => {
      if (tracers.size > 0) {
        events.push(event);
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
