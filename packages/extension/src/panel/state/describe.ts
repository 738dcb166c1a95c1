import {
  krefOfSessionImport,
  parseVref,
  type CapData,
  type Kref,
  type Vref,
} from '@cooperage/protocol';

/** A marshalled value as a person sees it. */
export type DisplayNode =
  | {
      readonly kind:
        | 'undefined'
        | 'null'
        | 'boolean'
        | 'number'
        | 'bigint'
        | 'string'
        | 'symbol';
      /** A string's own text; for everything else as JavaScript would write it. */
      readonly text: string;
    }
  | { readonly kind: 'list'; readonly items: readonly DisplayNode[] }
  | { readonly kind: 'record'; readonly fields: readonly DisplayField[] }
  | {
      readonly kind: 'error';
      readonly name: string;
      readonly message: string;
      /** Whatever else the error carries. */
      readonly fields: readonly DisplayField[];
    }
  | {
      readonly kind: 'tagged';
      readonly tag: string;
      readonly payload: DisplayNode;
    }
  | DisplayReference
  /** What is not smallcaps: shown as it came, with the reason. */
  | {
      readonly kind: 'unreadable';
      readonly text: string;
      readonly problem: string;
    };

export type DisplayField = {
  readonly name: string;
  readonly value: DisplayNode;
};

export type DisplayReference = {
  readonly kind: 'object' | 'promise';
  readonly vref: Vref;
  /** Undefined for what this session itself exports. */
  readonly kref: Kref | undefined;
  /** As the exporter alleges it; a promise has none. */
  readonly iface: string;
};

const MAX_DEPTH = 64;
const CONSTANTS: ReadonlyMap<string, DisplayNode> = new Map([
  ['#undefined', { kind: 'undefined', text: 'undefined' }],
  ['#NaN', { kind: 'number', text: 'NaN' }],
  ['#Infinity', { kind: 'number', text: 'Infinity' }],
  ['#-Infinity', { kind: 'number', text: '-Infinity' }],
]);
const BIGINT = /^[+-]\d+$/;
const SLOT = /^[$&](\d+)(?:\.([\s\S]*))?$/;
const SPECIAL = /^[!-\-]/;
const ALLEGED = /^Alleged: /;
/** What liveslots calls an import that came to it without an interface. */
const NAMELESS = /^presence [op][+-]\d+$/;
/** The interface of what alleges none. */
export const ANONYMOUS = 'Remotable';

type Reader = {
  readonly slots: readonly unknown[];
  /** An interface is written where its slot comes first. */
  readonly ifaces: Map<number, string>;
};

/** Anything out of parsed JSON as text. */
const jsonTextOf = (value: unknown): string => {
  try {
    return JSON.stringify(value) ?? '';
  } catch {
    // What can be parsed may nest deeper than the stack of whoever writes it.
    return '…';
  }
};

const unreadable = (value: unknown, problem: string): DisplayNode => ({
  kind: 'unreadable',
  text: typeof value === 'string' ? value : jsonTextOf(value),
  problem,
});

const describeSlot = (text: string, reader: Reader): DisplayNode => {
  const match = SLOT.exec(text);
  const index = Number(match?.[1]);
  const vref = match ? reader.slots[index] : undefined;
  const parts = parseVref(vref);
  if (!parts) {
    return unreadable(text, 'names a reference that did not come along');
  }
  const alleged = match?.[2];
  if (alleged !== undefined && !reader.ifaces.has(index)) {
    const iface = alleged.replace(ALLEGED, '');
    reader.ifaces.set(index, NAMELESS.test(iface) ? ANONYMOUS : iface);
  }
  const isPromise = parts.kind === 'promise';
  return {
    kind: parts.kind,
    vref: vref as Vref,
    kref: krefOfSessionImport(vref as Vref),
    iface: isPromise ? 'Promise' : (reader.ifaces.get(index) ?? ANONYMOUS),
  };
};

const describeText = (text: string, reader: Reader): DisplayNode => {
  if (!SPECIAL.test(text)) {
    return { kind: 'string', text };
  }
  switch (text.charAt(0)) {
    case '!':
      return { kind: 'string', text: text.slice(1) };
    case '#':
      return CONSTANTS.get(text) ?? unreadable(text, 'an unknown constant');
    case '%':
      return { kind: 'symbol', text: `Symbol(${text.slice(1)})` };
    case '$':
    case '&':
      return describeSlot(text, reader);
    case '+':
    case '-':
      return BIGINT.test(text)
        ? { kind: 'bigint', text: `${text.replace('+', '')}n` }
        : unreadable(text, 'not a whole number');
    default:
      return unreadable(text, 'an encoding this panel does not know');
  }
};

const describeFields = (
  value: object,
  reader: Reader,
  depth: number,
  without: readonly string[] = [],
): DisplayField[] =>
  Object.entries(value)
    .filter(([key]) => !without.includes(key))
    .map(([key, field]) => ({
      name: key.startsWith('!') ? key.slice(1) : key,
      value: describeJson(field, reader, depth + 1),
    }));

/** The text of a part that is a string, or what stands there in its stead. */
const textOf = (value: unknown, reader: Reader): string => {
  if (typeof value !== 'string') {
    return jsonTextOf(value);
  }
  const node = describeText(value, reader);
  return 'text' in node ? node.text : value;
};

const describeObject = (
  value: object,
  reader: Reader,
  depth: number,
): DisplayNode => {
  const part = (name: string): unknown =>
    Object.hasOwn(value, name)
      ? (value as Record<string, unknown>)[name]
      : undefined;
  const error = part('#error');
  if (error !== undefined) {
    return {
      kind: 'error',
      name: textOf(part('name') ?? 'Error', reader),
      message: textOf(error, reader),
      fields: describeFields(value, reader, depth, ['#error', 'name']),
    };
  }
  const tag = part('#tag');
  if (tag !== undefined) {
    return {
      kind: 'tagged',
      tag: textOf(tag, reader),
      payload: describeJson(part('payload') ?? null, reader, depth + 1),
    };
  }
  const odd = Object.keys(value).find(key => key.startsWith('#'));
  return odd === undefined
    ? { kind: 'record', fields: describeFields(value, reader, depth) }
    : unreadable(value, `an encoding this panel does not know: ${odd}`);
};

const describeJson = (
  value: unknown,
  reader: Reader,
  depth: number,
): DisplayNode => {
  if (depth > MAX_DEPTH) {
    return { kind: 'unreadable', text: '…', problem: 'nested too deeply' };
  }
  if (typeof value === 'string') {
    return describeText(value, reader);
  }
  if (typeof value === 'number') {
    return { kind: 'number', text: String(value) };
  }
  if (typeof value === 'boolean') {
    return { kind: 'boolean', text: String(value) };
  }
  if (Array.isArray(value)) {
    const items = value.map(item => describeJson(item, reader, depth + 1));
    return { kind: 'list', items };
  }
  return typeof value === 'object' && value !== null
    ? describeObject(value, reader, depth)
    : { kind: 'null', text: 'null' };
};

/**
 * Reads CapData as a tree to show, and never throws: what it can't read
 * becomes an `unreadable` node in its place. The slots are the session's vrefs.
 * The opposite of the protocol's `encodeJson`.
 */
export const describe = (data: CapData): DisplayNode => {
  if (!data.body.startsWith('#')) {
    return unreadable(data.body, 'not in smallcaps');
  }
  let value: unknown;
  try {
    value = JSON.parse(data.body.slice(1));
  } catch {
    return unreadable(data.body, 'not JSON');
  }
  return describeJson(value, { slots: data.slots, ifaces: new Map() }, 0);
};

/** The children of a node, with the labels that stand before them. */
export const childrenOf = (node: DisplayNode): readonly DisplayField[] => {
  switch (node.kind) {
    case 'list':
      return node.items.map((value, index) => ({ name: String(index), value }));
    case 'record':
    case 'error':
      return node.fields;
    case 'tagged':
      return [{ name: 'payload', value: node.payload }];
    default:
      return [];
  }
};

/** All references in the tree, each once, in order of appearance. */
export const referencesOf = (node: DisplayNode): DisplayReference[] => {
  const found = new Map<Vref, DisplayReference>();
  const visit = (each: DisplayNode): void => {
    if (each.kind === 'object' || each.kind === 'promise') {
      found.set(each.vref, found.get(each.vref) ?? each);
    }
    for (const child of childrenOf(each)) {
      visit(child.value);
    }
  };
  visit(node);
  return [...found.values()];
};
