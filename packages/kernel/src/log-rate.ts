import harden from '@endo/harden';
import type { LogLevel, VatId } from '@cooperage/protocol';
import type { Phase } from './phase.ts';
import type { Clock } from './ports.ts';

type Write = (vat: VatId, level: LogLevel, text: string) => void;

/** What a vat has written since its second began. */
type Second = {
  readonly began: number;
  lines: number;
  leftOut: number;
};

const SECOND = 1_000;
/** Seconds that are over are forgotten when there are more than so many. */
const MANY = 1_000;

/**
 * Lets through so many lines of log of each vat in a second. What is beyond is
 * left out, and when the second is over one line tells how much that was. Only
 * then is there a timer, and none when the kernel has ended.
 */
export const makeLogRate = (
  write: Write,
  {
    clock: { now, after },
    phase,
    mostOf,
  }: {
    clock: Pick<Clock, 'now' | 'after'>;
    phase: Pick<Phase, 'onEnd' | 'isRunning'>;
    /** Lines of that vat in a second. */
    mostOf: (vat: VatId, bound: 'logLinesPerSecond') => number;
  },
): { readonly write: Write; readonly linesNow: (vat: VatId) => number } => {
  const seconds = new Map<VatId, Second>();
  const timers = new Set<() => void>();

  phase.onEnd(() => {
    timers.forEach(cancel => cancel());
    timers.clear();
  });

  /** A clock that was set back ends it too. */
  const isOver = ({ began }: Second): boolean =>
    now() < began || now() >= began + SECOND;

  const begin = (vat: VatId): Second => {
    if (seconds.size >= MANY) {
      for (const [each, second] of seconds) {
        if (isOver(second)) {
          seconds.delete(each);
        }
      }
    }
    const second = { began: now(), lines: 0, leftOut: 0 };
    seconds.set(vat, second);
    return second;
  };

  const tellWhenOver = (vat: VatId, second: Second): void => {
    const cancel = after(second.began + SECOND - now(), () => {
      timers.delete(cancel);
      const text = `${second.leftOut} lines of log were left out: more than ${mostOf(vat, 'logLinesPerSecond')} came in a second`;
      write(vat, 'warn', text);
    });
    timers.add(cancel);
  };

  const hear: Write = (vat, level, text) => {
    const known = seconds.get(vat);
    const second = known && !isOver(known) ? known : begin(vat);
    if (second.lines < mostOf(vat, 'logLinesPerSecond')) {
      second.lines += 1;
      write(vat, level, text);
      return;
    }
    second.leftOut += 1;
    if (second.leftOut === 1 && phase.isRunning()) {
      tellWhenOver(vat, second);
    }
  };

  return harden({
    write: hear,
    /** That the vat has written in the second that it is in. */
    linesNow: (vat: VatId): number => {
      const second = seconds.get(vat);
      return second && !isOver(second) ? second.lines : 0;
    },
  });
};
harden(makeLogRate);
