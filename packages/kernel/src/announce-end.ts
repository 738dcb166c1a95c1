import harden from '@endo/harden';
import { CriticalLoss } from './faults.ts';
import type { News } from './news.ts';
import type { Phase } from './phase.ts';
import type { Clock } from './ports.ts';

const wordsOf = (cause: unknown): string => {
  if (cause instanceof CriticalLoss) {
    return cause.message; // no stack tells of a vat's fault
  }
  return String(cause instanceof Error ? cause.stack : cause);
};

/** Writes into the log why the kernel has stopped, when it did not mean to. */
export const announceEnd = (
  phase: Pick<Phase, 'onEnd'>,
  news: Pick<News, 'write' | 'stir'>,
  clock: Pick<Clock, 'now'>,
): void =>
  phase.onEnd((_, cause) => {
    if (cause !== undefined) {
      const text = `the kernel has stopped: ${wordsOf(cause)}`;
      const label = 'kernel';
      news.write({ at: clock.now(), vat: null, label, level: 'error', text });
    }
    news.stir();
  });
harden(announceEnd);
