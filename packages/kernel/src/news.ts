import harden from '@endo/harden';
import type {
  KernelNotifications,
  KernelStatus,
  LogEntry,
} from '@cooperage/protocol';
import type { Clock, Log } from './ports.ts';

/** News for people are gathered for that long. */
const NEWS_MILLISECONDS = 50;
/** Log lines that a newcomer is told. */
const KEPT_LINES = 200;

export type NewsListener = <Name extends 'state' | 'log'>(
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
  const lines: LogEntry[] = [];
  let isDue = false;

  return {
    /** Something that `status` shows may have changed. */
    stir: (): void => {
      if (!isDue && listeners.size > 0) {
        isDue = true;
        clock.after(NEWS_MILLISECONDS, () => {
          isDue = false;
          const now = status();
          listeners.forEach(listener => listener('state', now));
        });
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
    watch: (listener: NewsListener): (() => void) => {
      listeners.add(listener);
      if (lines.length > 0) {
        listener('log', { entries: [...lines] });
      }
      return () => listeners.delete(listener);
    },
  };
};
harden(makeNews);

export type News = ReturnType<typeof makeNews>;
