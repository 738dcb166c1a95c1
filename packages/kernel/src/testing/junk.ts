const emptyOf = (length: number): unknown[] => {
  const list: unknown[] = [];
  list.length = length;
  return list;
};

const ring = (): unknown => {
  const list: unknown[] = [];
  list.push(list);
  return list;
};

/** What structured clone can carry and no vat of ours would send, whatever is due. */
export const makeJunk = (): unknown[] => [
  undefined,
  null,
  true,
  false,
  0,
  -0,
  -1,
  0.5,
  NaN,
  Infinity,
  2 ** 53,
  10n ** 40n,
  '',
  '#',
  '\ud800',
  '__proto__',
  'constructor',
  'x'.repeat(5_000),
  [],
  emptyOf(3),
  emptyOf(2 ** 32 - 1),
  Array.from({ length: 20_001 }, () => 0),
  ring(),
  {},
  JSON.parse('{"__proto__":{"type":"done","ok":true},"length":1}'),
  { length: 3, 0: 'send', body: 1, slots: {} },
  new Map([['body', '#0']]),
  new Set(['o+0']),
  new Date(NaN),
  /x/g,
  new Error('an error'),
  new Uint8Array(4),
  new ArrayBuffer(8),
  Object('o+0'),
  Object(1n),
];
