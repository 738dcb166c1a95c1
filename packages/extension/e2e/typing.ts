import type { Extension } from './harness.ts';

/** What a console shows for a value, or for what was thrown. */
export type Shown = {
  readonly type: string;
  readonly subtype?: string;
  readonly className?: string;
  /** Present when the value is a text, a boolean or an ordinary number. */
  readonly value?: unknown;
  /** Present for everything else but undefined. */
  readonly description?: string;
  /** What is printed of its properties. */
  readonly preview?: {
    readonly properties: readonly {
      readonly name: string;
      readonly value?: string;
    }[];
  };
};

export type Answer =
  | { readonly result: Shown; readonly uncaught?: never }
  | { readonly result?: never; readonly uncaught: Shown };

const evaluate = (
  extension: Extension,
  text: string,
  returnByValue: boolean,
): Promise<Answer> =>
  extension.devtools.speakWith('/background.js', async send => {
    const { result, exceptionDetails } = (await send('Runtime.evaluate', {
      expression: text,
      replMode: true,
      awaitPromise: true,
      generatePreview: !returnByValue,
      returnByValue,
    })) as { result: Shown; exceptionDetails?: { exception: Shown } };
    return exceptionDetails === undefined
      ? { result }
      : { uncaught: exceptionDetails.exception };
  });

/**
 * Types into the service worker's devtools console: `await` stands anywhere,
 * and a `const` is there for what is typed later. Does not reject for what is
 * thrown: that is shown.
 */
export const type = (extension: Extension, text: string): Promise<Answer> =>
  evaluate(extension, text, false);

/** Types the same; gives the last value as JSON has it, and rejects with what is thrown. */
export const typeForData = async (
  extension: Extension,
  text: string,
): Promise<unknown> => {
  const { result, uncaught } = await evaluate(extension, text, true);
  if (uncaught !== undefined) {
    throw new Error(`${text}: ${uncaught.description}`);
  }
  return result.value;
};
