/** What the person did, or what is in the way: shown without a stack. */
export class Problem extends Error {
  constructor(message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = 'Problem';
  }
}

/** Whether a person can do something about it by reading its message. */
const isForPeople = (thrown: Error): boolean =>
  thrown instanceof Problem || typeof Reflect.get(thrown, 'code') === 'string';

/** What a person is shown of a thrown value. */
export const describeProblem = (thrown: unknown): string => {
  if (!(thrown instanceof Error)) {
    return `rejected with ${String(thrown)}`;
  }
  return isForPeople(thrown)
    ? thrown.message
    : (thrown.stack ?? thrown.message);
};
