import { MAX_BUNDLE_BYTES, sizeInWords } from '@cooperage/protocol';
import { wordsOf } from './link.ts';

/** A file that a person has chosen, as a page is given it. */
export type ChosenFile = Pick<File, 'name' | 'size' | 'text'>;

/** What a browser says of such files is about its own workings. */
const WHY_UNREAD: Readonly<Record<string, string>> = {
  NotFoundError: 'it is not there any more, or is a folder',
  NotReadableError:
    'it has changed since it was chosen, or may not be read; choose it again',
};

const whyUnread = (error: unknown): string =>
  (error instanceof Error ? WHY_UNREAD[error.name] : undefined) ??
  wordsOf(error);

/** Its text. Rejects in words for a person when it is too large for a bundle, or can't be read. */
export const textOfFile = async (file: ChosenFile): Promise<string> => {
  const { name, size } = file;
  if (size > MAX_BUNDLE_BYTES) {
    throw new Error(
      `${name} is too large: it has ${sizeInWords(size)}, and ${sizeInWords(MAX_BUNDLE_BYTES)} are the most`,
    );
  }
  try {
    return await file.text();
  } catch (error) {
    throw new Error(`${name} can’t be read: ${whyUnread(error)}`, {
      cause: error,
    });
  }
};
