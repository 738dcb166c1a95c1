import harden from '@endo/harden';
import type { FromVat, LogLevel, VatLimits } from '@cooperage/protocol';
import { captureDuring } from './captured-console.ts';
import { formatLine } from './format-value.ts';
import type { LiveSlotsConsole } from './liveslots.ts';
import { LOG_LEVELS } from './log-levels.ts';

/**
 * The vat's log: each line's text is made here, at most `limits.logUnits` units
 * of it, and sent as a `log` message. Of a line below `level` nothing is made, and it
 * does not count. What a crank writes beyond
 * `limits.logLinesPerCrank` is counted, not sent.
 */
export const makeVatLog = (powers: {
  readonly limits: Pick<VatLimits, 'logUnits' | 'logLinesPerCrank'>;
  readonly level: LogLevel;
  readonly send: (message: FromVat) => void;
}) => {
  const { limits, send } = powers;
  const told = new Set(LOG_LEVELS.slice(LOG_LEVELS.indexOf(powers.level)));
  let lines = 0;

  const write = (level: LogLevel, parts: readonly unknown[]): void => {
    if (!told.has(level)) {
      return;
    }
    lines += 1;
    if (lines > limits.logLinesPerCrank) {
      return;
    }
    const texts: string[] = [];
    // SES's console takes errors apart into several lines: details, stack, cause.
    captureDuring(
      (_level, line) => texts.push(formatLine(line, limits.logUnits)),
      () => console[level](...parts),
    );
    send({
      type: 'log',
      level,
      text: texts.join('\n').slice(0, limits.logUnits + 1),
    });
  };

  return Object.freeze({
    write,
    /** Ends the crank's account, and tells of lines that were left out. */
    endCrank: (): void => {
      const missing = lines - limits.logLinesPerCrank;
      lines = 0;
      if (missing > 0) {
        send({
          type: 'log',
          level: 'warn',
          text: `${missing} more log lines of this crank were left out`,
        });
      }
    },
  });
};
harden(makeVatLog);
export type VatLog = ReturnType<typeof makeVatLog>;

/** A console over the log, with nothing on it but the five levels. */
export const makeLogConsole = (log: VatLog): LiveSlotsConsole => {
  const at =
    (level: LogLevel) =>
    (...parts: unknown[]) =>
      log.write(level, parts);
  return harden({
    debug: at('debug'),
    info: at('info'),
    log: at('log'),
    warn: at('warn'),
    error: at('error'),
  });
};
harden(makeLogConsole);

/** Liveslots reports each error that leaves the vat, with its stack: useful, but not a warning. */
export const makeLiveSlotsConsole = (log: VatLog): LiveSlotsConsole =>
  harden({
    ...makeLogConsole(log),
    warn: (...parts: unknown[]) => log.write('debug', parts),
  });
harden(makeLiveSlotsConsole);
