import { LOG_LEVELS, type LogWriter } from './log-levels.ts';

/**
 * The realm's console, put in place before lockdown, so that SES's causal
 * console (errors with their hidden details and stacks) writes to a function of ours.
 */
const platformConsole: object = console;
let writer: LogWriter | undefined;
let depth = 0;

const indent = (parts: readonly unknown[]): readonly unknown[] =>
  depth === 0 ? parts : ['  '.repeat(depth), ...parts];

const writeTo = (level: string, parts: readonly unknown[]): void => {
  const known = LOG_LEVELS.find(each => each === level);
  if (writer !== undefined && known !== undefined) {
    writer(known, indent(parts));
    return;
  }
  const method: unknown = Reflect.get(platformConsole, level);
  if (typeof method === 'function') {
    Reflect.apply(method, platformConsole, parts);
  }
};

const open = (...parts: unknown[]): void => {
  writeTo('log', parts);
  depth += 1;
};

const capturedConsole = Object.fromEntries([
  ...LOG_LEVELS.map(level => [
    level,
    (...parts: unknown[]) => writeTo(level, parts),
  ]),
  ['group', open],
  ['groupCollapsed', open],
  [
    'groupEnd',
    () => {
      depth = Math.max(0, depth - 1);
    },
  ],
]);
Reflect.set(globalThis, 'console', capturedConsole);

/** Runs `body` with everything that the console says going to `to`. */
export const captureDuring = (to: LogWriter, body: () => void): void => {
  const before = writer;
  const depthBefore = depth;
  writer = to;
  depth = 0;
  try {
    body();
  } finally {
    writer = before;
    depth = depthBefore;
  }
};
