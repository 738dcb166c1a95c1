import harden from '@endo/harden';
import type { Kref, LogLevel, VatLimits } from '@cooperage/protocol';
import type { Clock } from '../ports.ts';
import { refuseUnless } from './refusal.ts';
import type { Method, Service } from './service.ts';
import { textOfValue } from './value-text.ts';

/** Lines of one console object in one span of time; more are refused. */
export const MOST_LINES = 1_000;
const SPAN_MILLISECONDS = 10_000;

/**
 * Lines for the kernel's log, once they are committed, under the name of the
 * cluster that was granted the console: `log`, `info`, `warn`, `error`, `debug`.
 */
export const makeConsoleService = ({
  clock,
  limits: { logUnits },
  write,
}: {
  clock: Clock;
  limits: VatLimits;
  write: (label: string, level: LogLevel, text: string) => void;
}): Service => {
  const spans = new Map<Kref, { since: number; lines: number }>();

  const countLine = (console: Kref): void => {
    const now = clock.now();
    const known = spans.get(console);
    const span =
      known && now - known.since < SPAN_MILLISECONDS
        ? known
        : { since: now, lines: 0 };
    refuseUnless(
      span.lines < MOST_LINES,
      () =>
        `${MOST_LINES} lines in ${SPAN_MILLISECONDS} milliseconds are written, and no more may`,
      'RangeError',
    );
    span.lines += 1;
    spans.set(console, span);
  };

  const say =
    (level: LogLevel): Method =>
    ({ self, args, afterCommit }) => {
      countLine(self.kref);
      const text = args
        .map(textOfValue)
        .join(' ')
        .slice(0, logUnits)
        .toWellFormed();
      afterCommit(() => write(`${self.data} console`, level, text));
      return undefined;
    };

  return harden({
    kinds: {
      console: {
        debug: say('debug'),
        info: say('info'),
        log: say('log'),
        warn: say('warn'),
        error: say('error'),
      },
    },
    grant: cluster => ({ kind: 'console', data: cluster.name }),
    // An old span says nothing; a young one is still what its console has left.
    tidy: () => {
      for (const [console, { since }] of spans) {
        if (clock.now() - since >= SPAN_MILLISECONDS) {
          spans.delete(console);
        }
      }
    },
  } satisfies Service);
};
harden(makeConsoleService);
