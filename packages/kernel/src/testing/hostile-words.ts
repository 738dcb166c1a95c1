import fc from 'fast-check';
import {
  SYSCALL_FORMS,
  WORD_FORMS,
  type Form,
} from '@cooperage/protocol/vat-words';
import { makeJunk } from './junk.ts';

declare const structuredClone: (value: unknown) => unknown;

export const junk: fc.Arbitrary<unknown> = fc.oneof(
  { weight: 30, arbitrary: fc.constantFrom(...makeJunk()) },
  { weight: 1, arbitrary: fc.string({ maxLength: 8 }) },
);

/** What stands in a word for what is known only when it is said. */
export const CRANK = -7;
const NAMED = ['<target>', '<result>', '<0>', '<1>', '<2>'] as const;

/** References of every form, the vat's own, others' and nobody's. */
const ref: fc.Arbitrary<unknown> = fc.oneof(
  { weight: 20, arbitrary: fc.constantFrom(...NAMED) },
  {
    weight: 9,
    arbitrary: fc
      .tuple(
        fc.constantFrom('o', 'p'),
        fc.constantFrom('+', '-', '+d1/', '+v1/'),
        fc.constantFrom(0, 1, 2, 3, 50, 51, 52, 53, 54, 60, 2 ** 31),
      )
      .map(([kind, side, number]) => `${kind}${side}${number}`),
  },
  {
    weight: 2,
    arbitrary: fc.constantFrom(
      'ko1',
      'kp2',
      'o',
      'o+',
      'o+01',
      'o--1',
      'o+1e3',
      'o+d1/1:0',
      'p+d1/1',
      'd-1',
      ' o+0',
      'o+0\n',
      `o+${'9'.repeat(400)}`,
    ),
  },
  { weight: 1, arbitrary: junk },
);

export const TEXTS = [
  '#["hello",[]]',
  '#["hello",["$0"]]',
  '#1',
  '#{',
  '[1',
  'key',
  'vom.x',
  '',
];

/** The value, or now and then something else in its place. */
const mostly = (value: fc.Arbitrary<unknown>): fc.Arbitrary<unknown> =>
  fc.oneof({ weight: 100, arbitrary: value }, { weight: 1, arbitrary: junk });

/** The list, with something more or less now and then. */
const tupleOf = (items: fc.Arbitrary<unknown>[]): fc.Arbitrary<unknown> =>
  fc.oneof(
    { weight: 60, arbitrary: fc.tuple(...items) },
    { weight: 1, arbitrary: fc.tuple(...items, junk) },
    { weight: 1, arbitrary: fc.tuple(...items.slice(1)) },
  );

const recordOf = (
  fields: Record<string, fc.Arbitrary<unknown>>,
): fc.Arbitrary<unknown> =>
  fc.oneof(
    { weight: 60, arbitrary: fc.record(fields) },
    { weight: 1, arbitrary: fc.record(fields, { requiredKeys: [] }) },
  );

/** Of alternatives: the usual one, and one after which there is nothing left to attack. */
const weightOf = (form: Form, index: number): number => {
  if (form === SYSCALL_FORMS.exit) {
    return 1;
  }
  return index === 0 || Object.values(SYSCALL_FORMS).includes(form) ? 8 : 1;
};

/** Makes something of a form, in any place of which something else may stand. */
export const makeWordOf = (texts: readonly string[]) => {
  const soundOf = (form: Form): fc.Arbitrary<unknown> => {
    switch (form.is) {
      case 'one':
        return fc.constantFrom(...form.of);
      case 'text':
      case 'line':
        return fc.constantFrom(...texts);
      case 'reference':
        return ref;
      case 'number':
        return fc.constant(CRANK);
      case 'flag':
        return fc.boolean();
      case 'list':
        return fc.array(wordOf(form.of), { maxLength: 4 });
      case 'tuple':
        return tupleOf(form.of.map(wordOf));
      case 'record':
        return recordOf(
          Object.fromEntries(
            Object.entries(form.fields).map(([key, each]) => [
              key,
              wordOf(each),
            ]),
          ),
        );
      case 'either':
        return fc.oneof(
          ...form.of.map((each, index) => ({
            weight: weightOf(each, index),
            arbitrary: wordOf(each),
          })),
        );
    }
  };
  const wordOf = (form: Form): fc.Arbitrary<unknown> => mostly(soundOf(form));
  return wordOf;
};

const wordOf = makeWordOf(TEXTS);

type WordType = keyof typeof WORD_FORMS;
const WORD_TYPES = Object.keys(WORD_FORMS) as WordType[];

const words = Object.fromEntries(
  WORD_TYPES.map(type => [type, wordOf(WORD_FORMS[type])]),
) as Record<WordType, fc.Arbitrary<unknown>>;

/** What the kernel says. */
const kernelsWord = fc
  .tuple(fc.constantFrom('start', 'deliver'), words.done)
  .map(([type, word]) => ({ ...Object(word), type }));

/** Anything that a worker may say: above all the word that is due, with something wrong in any place. */
export const hostileWord = (due: WordType): fc.Arbitrary<unknown> =>
  fc.oneof(
    { weight: 20, arbitrary: words[due] },
    ...WORD_TYPES.map(type => ({ weight: 1, arbitrary: words[type] })),
    { weight: 1, arbitrary: kernelsWord },
    { weight: 1, arbitrary: junk },
  );

/** What a delivery in flight is and names. */
export type Scene = {
  readonly crank: number;
  readonly names: Readonly<Record<(typeof NAMED)[number], string>>;
};

const isNamed = (value: unknown): value is (typeof NAMED)[number] =>
  NAMED.some(each => each === value);

/** Puts in what the word's places stand for, as deep as the protocol's own words are. */
const fill = (value: unknown, scene: Scene, depth = 8): unknown => {
  if (isNamed(value)) {
    return scene.names[value];
  }
  if (value === CRANK) {
    return scene.crank;
  }
  if (depth > 0 && Array.isArray(value) && value.length < 10) {
    return value.map(each => fill(each, scene, depth - 1));
  }
  if (
    depth > 0 &&
    Object.prototype.toString.call(value) === '[object Object]'
  ) {
    return Object.fromEntries(
      Object.entries(Object(value)).map(([key, each]) => [
        key,
        fill(each, scene, depth - 1),
      ]),
    );
  }
  return value;
};

/** The word as it arrives over a port while that delivery is in flight. */
export const deliverable = (word: unknown, scene: Scene): unknown =>
  structuredClone(fill(word, scene));
