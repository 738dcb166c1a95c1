import harden from '@endo/harden';

const MAX_DEPTH = 4;
const MAX_ENTRIES = 50;

/** Text that stops growing at a bound, so that a huge value costs no more than the bound. */
const makeBoundedText = (units: number) => {
  let text = '';
  return {
    add: (part: string) => {
      if (text.length <= units) {
        text += part.slice(0, units + 1 - text.length);
      }
    },
    isFull: () => text.length > units,
    read: () => (text.length > units ? `${text.slice(0, units)}…` : text),
  };
};
type BoundedText = ReturnType<typeof makeBoundedText>;

const primitiveText = (value: unknown, isNested: boolean): string => {
  if (typeof value === 'string') {
    return isNested ? JSON.stringify(value) : value;
  }
  if (typeof value === 'bigint') {
    return `${value}n`;
  }
  return Object.is(value, -0) ? '-0' : String(value);
};

const opaqueText = (value: object): string | undefined => {
  if (typeof value === 'function') {
    return `[function ${value.name}]`;
  }
  if (value instanceof Error) {
    return `${value.name}: ${value.message}`;
  }
  const tag: unknown = Reflect.get(value, Symbol.toStringTag);
  return typeof tag === 'string' ? `[${tag}]` : undefined;
};

const addEntries = (
  text: BoundedText,
  value: object,
  path: readonly object[],
): void => {
  const isArray = Array.isArray(value);
  const keys = Object.keys(value);
  text.add(isArray ? '[' : '{');
  for (const [index, key] of keys.slice(0, MAX_ENTRIES).entries()) {
    if (text.isFull()) {
      return;
    }
    text.add(index === 0 ? ' ' : ', ');
    if (!isArray) {
      text.add(`${key}: `);
    }
    addValue(text, Reflect.get(value, key), path);
  }
  if (keys.length > MAX_ENTRIES) {
    text.add(`, … ${keys.length - MAX_ENTRIES} more`);
  }
  text.add(keys.length === 0 ? '' : ' ');
  text.add(isArray ? ']' : '}');
};

const addObject = (
  text: BoundedText,
  value: object,
  path: readonly object[],
): void => {
  const opaque = opaqueText(value);
  if (opaque !== undefined) {
    text.add(opaque);
  } else if (path.includes(value)) {
    text.add('[circular]');
  } else if (path.length >= MAX_DEPTH) {
    text.add(Array.isArray(value) ? '[…]' : '{…}');
  } else {
    addEntries(text, value, [...path, value]);
  }
};

function addValue(
  text: BoundedText,
  value: unknown,
  path: readonly object[],
): void {
  if (
    (typeof value === 'object' && value !== null) ||
    typeof value === 'function'
  ) {
    addObject(text, value, path);
  } else {
    text.add(primitiveText(value, path.length > 0));
  }
}

/**
 * The arguments of one console call as text of at most `units` UTF-16 units and
 * a sign that more was there. Reads properties, so it runs the value's own
 * getters and traps; what they throw becomes part of the text.
 */
export const formatLine = (
  parts: readonly unknown[],
  units: number,
): string => {
  const text = makeBoundedText(units);
  for (const [index, part] of parts.entries()) {
    if (index > 0) {
      text.add(' ');
    }
    try {
      addValue(text, part, []);
    } catch {
      text.add('[unreadable]');
    }
  }
  return text.read();
};
harden(formatLine);

/** `name: message` of whatever was thrown; never throws. */
export const describeThrown = (thrown: unknown): string => {
  try {
    if (typeof thrown === 'object' && thrown !== null) {
      const name: unknown = Reflect.get(thrown, 'name');
      const message: unknown = Reflect.get(thrown, 'message');
      if (typeof name === 'string' && typeof message === 'string') {
        return `${name}: ${message}`.slice(0, 2000);
      }
    }
    return formatLine([thrown], 2000);
  } catch {
    return 'an error that cannot be read';
  }
};
harden(describeThrown);
