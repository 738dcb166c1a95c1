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
};

export type Answer =
  | { readonly result: Shown; readonly uncaught?: never }
  | { readonly result?: never; readonly uncaught: Shown };

/**
 * Types into the service worker's devtools console: `await` stands anywhere,
 * and a `const` is there for what is typed later. Does not reject for what is
 * thrown: that is shown.
 */
export const type = (extension: Extension, text: string): Promise<Answer> =>
  extension.devtools.speakWith('/background.js', async send => {
    const { result, exceptionDetails } = (await send('Runtime.evaluate', {
      expression: text,
      replMode: true,
      awaitPromise: true,
    })) as { result: Shown; exceptionDetails?: { exception: Shown } };
    return exceptionDetails === undefined
      ? { result }
      : { uncaught: exceptionDetails.exception };
  });
