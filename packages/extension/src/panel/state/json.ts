import type { Json } from '@cooperage/protocol';

/** Where in the text something is wrong: lines and columns count from 1, `index` from 0. */
export type TextProblem = {
  readonly problem: string;
  readonly line: number;
  readonly column: number;
  readonly index: number;
};

export type ParsedJson =
  | { readonly ok: true; readonly value: Json }
  | ({ readonly ok: false } & TextProblem);

const MAX_DEPTH = 200;
const SPACE = /[ \t\n\r]*/y;
const NUMBER = /-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?/y;
const STRING = /"(?:[^"\\\u0000-\u001f]|\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4}))*"/y;
const WORD = /[A-Za-z_]\w*/y;
const WORDS: ReadonlyMap<string, Json> = new Map<string, Json>([
  ['null', null],
  ['true', true],
  ['false', false],
]);

/** Line and column, both from 1, of an index in a text. */
export const placeOf = (
  text: string,
  index: number,
): { line: number; column: number } => {
  const before = text.slice(0, index);
  const lineStart = before.lastIndexOf('\n') + 1;
  return {
    line: before.split('\n').length,
    column: index - lineStart + 1,
  };
};

class JsonProblem extends Error {
  readonly index: number;

  constructor(message: string, index: number) {
    super(message);
    this.index = index;
  }
}

const makeReader = (text: string) => {
  let at = 0;

  const fail = (problem: string): never => {
    throw new JsonProblem(problem, at);
  };
  const take = (pattern: RegExp): string | undefined => {
    pattern.lastIndex = at;
    const found = pattern.exec(text)?.[0];
    at += found?.length ?? 0;
    return found;
  };
  const peek = (): string => {
    take(SPACE);
    return text.charAt(at);
  };
  const takeMark = (mark: string): boolean => {
    const found = peek() === mark;
    at += found ? 1 : 0;
    return found;
  };

  const readString = (): string => {
    const literal = take(STRING);
    return literal === undefined
      ? fail('this text has no closing " or holds a bad escape')
      : String(JSON.parse(literal));
  };
  const readWord = (): Json => {
    const start = at;
    const word = take(WORD);
    const value = word === undefined ? undefined : WORDS.get(word);
    if (value === undefined) {
      at = start;
      return fail(
        word === undefined
          ? `${JSON.stringify(text.charAt(at))} can't begin a value`
          : `${word} is not JSON; text needs double quotes: "${word}"`,
      );
    }
    return value;
  };
  const readList = (depth: number): Json => {
    const items: Json[] = [];
    at += 1;
    if (takeMark(']')) {
      return items;
    }
    do {
      items.push(readValue(depth + 1));
    } while (takeMark(','));
    return takeMark(']') ? items : fail('a list goes on with , or ends with ]');
  };
  const readField = (depth: number): [string, Json] => {
    const name =
      peek() === '"' ? readString() : fail('a field name in " is expected');
    if (!takeMark(':')) {
      fail(`after the field name "${name}" a : is expected`);
    }
    return [name, readValue(depth + 1)];
  };
  const readRecord = (depth: number): Json => {
    const fields: [string, Json][] = [];
    at += 1;
    if (takeMark('}')) {
      return {};
    }
    do {
      fields.push(readField(depth));
    } while (takeMark(','));
    return takeMark('}')
      ? Object.fromEntries(fields)
      : fail('a record goes on with , or ends with }');
  };
  const readValue = (depth: number): Json => {
    if (depth > MAX_DEPTH) {
      return fail(`nested more than ${MAX_DEPTH} deep`);
    }
    switch (peek()) {
      case '':
        return fail('the text ends where a value is expected');
      case '[':
        return readList(depth);
      case '{':
        return readRecord(depth);
      case '"':
        return readString();
      default: {
        const number = take(NUMBER);
        return number === undefined ? readWord() : Number(number);
      }
    }
  };
  return (): Json => {
    const value = readValue(0);
    return peek() === '' ? value : fail('nothing may follow the value');
  };
};

/**
 * JSON with a place for its first problem, which `JSON.parse` gives for some
 * mistakes only and not in every engine.
 */
export const parseJson = (text: string): ParsedJson => {
  try {
    return { ok: true, value: makeReader(text)() };
  } catch (error) {
    if (!(error instanceof JsonProblem)) {
      throw error;
    }
    const { index, message: problem } = error;
    return { ok: false, problem, index, ...placeOf(text, index) };
  }
};
