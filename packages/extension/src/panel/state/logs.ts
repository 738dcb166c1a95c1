import { signal, type ReadonlySignal } from '@preact/signals';
import type { LogEntry, LogLevel } from '@cooperage/protocol';

export type Logs = {
  /** Oldest first; the last five hundred. */
  readonly entries: ReadonlySignal<readonly NumberedEntry[]>;
  add(entries: readonly LogEntry[]): void;
  clear(): void;
};

export type NumberedEntry = LogEntry & { readonly number: number };

/** Lines of one vat, or of the kernel itself. */
export type LogLane = {
  readonly key: string;
  readonly label: string;
  readonly entries: readonly NumberedEntry[];
  readonly warnings: number;
  readonly errors: number;
};

const MAX_ENTRIES = 500;

export const makeLogs = (): Logs => {
  const entries = signal<readonly NumberedEntry[]>([]);
  let count = 0;
  return Object.freeze({
    entries,
    add: (more: readonly LogEntry[]) => {
      const numbered = more.map(entry => {
        count += 1;
        return { ...entry, number: count };
      });
      entries.value = [...entries.value, ...numbered].slice(-MAX_ENTRIES);
    },
    clear: () => {
      entries.value = [];
    },
  });
};

const RANKS: Readonly<Record<LogLevel, number>> = {
  debug: 0,
  log: 1,
  info: 1,
  warn: 2,
  error: 3,
};

/** The lines by vat, each lane in order; the lane that spoke last comes first. */
export const lanesOf = (
  entries: readonly NumberedEntry[],
  atLeast: LogLevel,
): LogLane[] => {
  const lanes = new Map<string, NumberedEntry[]>();
  for (const entry of entries) {
    if (RANKS[entry.level] >= RANKS[atLeast]) {
      const key = entry.vat ?? 'kernel';
      const lane = lanes.get(key) ?? [];
      lanes.set(key, lane);
      lane.push(entry);
    }
  }
  const last = (lane: LogLane): number => lane.entries.at(-1)?.number ?? 0;
  return [...lanes]
    .map(([key, lane]): LogLane => ({
      key,
      label: lane.at(-1)?.label ?? key,
      entries: lane,
      warnings: lane.filter(({ level }) => level === 'warn').length,
      errors: lane.filter(({ level }) => level === 'error').length,
    }))
    .sort((a, b) => last(b) - last(a));
};
