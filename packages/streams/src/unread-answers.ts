import { StreamError } from './errors.ts';

/** Answers, and about their bytes. */
type Load = { readonly answers: number; readonly bytes: number };

/** With so much that the other side has not read, it gets no more. Who uses `makeRpc` waits for 1024 answers at most. */
const MOST: Load = { answers: 10_000, bytes: 2 ** 26 };
/** After so much it is asked whether it has read what was before. */
const PART: Load = { answers: 500, bytes: 2 ** 20 };

const less = (load: Load, other: Load): Load => ({
  answers: load.answers - other.answers,
  bytes: load.bytes - other.bytes,
});

const reaches = (load: Load, bound: Load): boolean =>
  load.answers >= bound.answers || load.bytes >= bound.bytes;

/**
 * Bounds the answers of an RPC connection that the other side has not read: a port
 * keeps what is posted until it is, and tells nobody. The function is its
 * `onAnswer`; it throws StreamError RPC_UNREAD, which closes the connection, when
 * there are too many. `ask` calls the other side, and settles when that has read
 * all that it was sent before, whatever it answers.
 */
export const makeUnreadAnswers = (
  ask: () => Promise<unknown>,
): ((bytes: number) => void) => {
  let sent: Load = { answers: 0, bytes: 0 };
  let read = sent;
  /** What had been sent when the other side was asked the last time. */
  let asked = sent;
  let isAsking = false;

  const askIfDue = (): void => {
    if (isAsking || !reaches(less(sent, asked), PART)) return;
    isAsking = true;
    asked = sent;
    void ask().then(onRead, onRead);
  };
  const onRead = (): void => {
    isAsking = false;
    read = asked;
    askIfDue();
  };

  return bytes => {
    const unread = less(sent, read);
    if (reaches(unread, MOST)) {
      throw new StreamError(
        'RPC_UNREAD',
        `${unread.answers} answers, about ${unread.bytes} bytes, wait to be read, and no more may: read them before you ask again`,
      );
    }
    askIfDue();
    sent = { answers: sent.answers + 1, bytes: sent.bytes + bytes };
  };
};
