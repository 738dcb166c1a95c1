import harden from '@endo/harden';

/**
 * A service can't do what it was asked to: the call changes nothing and its
 * answer rejects with this name and message. The caller is not at fault.
 */
export class Refusal extends Error {
  override readonly name: string;

  constructor(message: string, name: 'Error' | 'TypeError' | 'RangeError') {
    super(message);
    this.name = name;
  }
}

export const refuseUnless: (
  condition: unknown,
  problem: () => string,
  name?: 'Error' | 'TypeError' | 'RangeError',
) => asserts condition = (condition, problem, name = 'TypeError') => {
  if (!condition) {
    throw new Refusal(problem(), name);
  }
};
harden(refuseUnless);
