import harden from '@endo/harden';
/**
 * An endpoint broke a rule: its crank is dropped and it bears the consequence.
 * Every other error that a crank throws is a fault of the kernel and stops it.
 */
export class EndpointFault extends Error {
  override readonly name = 'EndpointFault';
}

/** A critical vat has ended itself: its crank is dropped, as of any fault, and the kernel stops. */
export class CriticalExit extends EndpointFault {}

/** A critical vat can't go on, which is in the tables and committed. It stops the kernel. */
export class CriticalLoss extends Error {
  override readonly name = 'CriticalLoss';
}

export const faultUnless: (
  condition: unknown,
  problem: () => string,
) => asserts condition = (condition, problem) => {
  if (!condition) {
    throw new EndpointFault(problem());
  }
};
harden(faultUnless);

/** The row that must be there; a kernel fault otherwise. */
export const insistRow = <Row>(row: Row | undefined, what: string): Row => {
  if (row === undefined) {
    throw Error(`kernel state is inconsistent: no ${what}`);
  }
  return row;
};
harden(insistRow);
