import type { ChosenFile } from '../state/chosen-file.ts';

/** A file with this text. Not shipped. */
export const fileOf = (text: string, name: string): ChosenFile =>
  new File([text], name);

/** One that is read when a test says so, or proves to be unreadable. */
export const makeSlowFile = (name: string) => {
  let resolve: (text: string) => void = () => {};
  let reject: (problem: unknown) => void = () => {};
  const text = new Promise<string>((give, refuse) => {
    resolve = give;
    reject = refuse;
  });
  const file: ChosenFile = { name, size: 1, text: () => text };
  return {
    file,
    /** What the file has been found to hold. */
    give: (found: string) => resolve(found),
    /** Rejects as a browser does. */
    fail: (kind: string) =>
      reject(new DOMException('An operation failed', kind)),
  };
};
