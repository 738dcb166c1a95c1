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
/** Log lines that a newcomer is told. */
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
  let events: TraceEvent[] = [];
  let isDue = false;

  const tell = (): void => {
    isDue = false;
    const now = status();
    listeners.forEach(listener => listener('state', now));
    const traced = events;
    events = [];
    if (traced.length > 0) {
      tracers.forEach(listener => listener('trace', { events: traced }));
    }
  };

  const stir = (): void => {
    if (!isDue && listeners.size > 0) {
      isDue = true;
      clock.after(NEWS_MILLISECONDS, tell);
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
      listeners.forEach(listener => listener('log', { entries: [entry] }));
    },
    /** Calls back with the last lines of the log, and from then on with news, until the returned function is called. */
    watch: (listener: NewsListener, isTraced = false): (() => void) => {
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
