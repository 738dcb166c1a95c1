import type { LogLevel } from '@cooperage/protocol';

/** The least grave first. */
export const LOG_LEVELS: readonly LogLevel[] = Object.freeze([
  'debug',
  'info',
  'log',
  'warn',
  'error',
]);

/** Takes one line of a console, its arguments as they were given. */
export type LogWriter = (level: LogLevel, parts: readonly unknown[]) => void;
