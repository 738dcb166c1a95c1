import type { ControlMethods, VatState, VatStatus } from '@cooperage/protocol';

type OrderName = 'restart' | 'resume' | 'suspend' | 'pause' | 'unpause';

/** Something that a person can have done to a vat. */
export type Order = {
  readonly method: OrderName & keyof ControlMethods;
  readonly text: string;
  /** What follows, for one who has not done it yet. */
  readonly about: string;
  /** What is announced then, after the vat's name. */
  readonly done: string;
  /** It makes another's stop a person's: of no use where it is that already. */
  readonly takesOver?: true;
};

const RESTART: Order = {
  method: 'restart',
  text: 'Restart',
  about: 'takes its heap, and starts it anew over its store',
  done: 'restarts',
};
const START: Order = {
  method: 'restart',
  text: 'Start',
  about: 'starts it now instead of with the next message',
  done: 'starts',
};
const PAUSE: Order = {
  method: 'pause',
  text: 'Pause',
  about: 'holds it still, heap and all; messages wait',
  done: 'is paused',
};
const UNPAUSE: Order = {
  method: 'unpause',
  text: 'Go on',
  about: 'delivers what has waited',
  done: 'goes on',
};
const KEEP_PAUSED: Order = {
  method: 'pause',
  text: 'Keep paused',
  about: 'has it wait for a person: its maker can’t let it go on then',
  done: 'stays paused until a person lets it go on',
  takesOver: true,
};
const SUSPEND: Order = {
  method: 'suspend',
  text: 'Suspend',
  about: 'takes its heap; messages wait until you resume it',
  done: 'is suspended',
};
const RESUME: Order = {
  method: 'resume',
  text: 'Resume',
  about: 'starts it over its store, and delivers what has waited',
  done: 'resumes',
};
const KEEP_SUSPENDED: Order = {
  method: 'suspend',
  text: 'Keep suspended',
  about: 'has it wait for a person: its maker can’t resume it then',
  done: 'stays suspended until a person resumes it',
  takesOver: true,
};

type Offer = {
  /** What a person most likely wants, who should see to the vat. */
  readonly first?: Order;
  readonly others: readonly Order[];
};

const AT_WORK: Offer = { others: [RESTART, PAUSE, SUSPEND] };

/** By how the vat is; one that is being upgraded is something else besides. */
const OFFERS: Readonly<Record<Exclude<VatState, 'upgrading'>, Offer>> = {
  launching: { others: [] },
  asleep: { others: [START, PAUSE, SUSPEND] },
  starting: AT_WORK,
  running: AT_WORK,
  paused: { first: UNPAUSE, others: [KEEP_PAUSED, RESTART, SUSPEND] },
  suspended: { first: RESUME, others: [KEEP_SUSPENDED] },
  failed: { first: RESTART, others: [] },
};

/** What orders depend on. */
export type Orderable = Pick<VatStatus, 'state' | 'stoppedBy' | 'reason'>;

/**
 * How a vat would be without the upgrade that is under way. Only what has failed,
 * or was suspended, has a reason; where nobody knows any more by whom, a restart
 * does for both.
 */
const stateBeside = ({
  state,
  stoppedBy,
  reason,
}: Orderable): keyof typeof OFFERS => {
  if (state !== 'upgrading') {
    return state;
  }
  if (reason !== undefined) {
    return stoppedBy === undefined ? 'failed' : 'suspended';
  }
  return stoppedBy === undefined ? 'running' : 'paused';
};

/** The one that stands in the vat's own line; there is one whenever a person should see to it. */
export const firstOrder = ({
  state,
}: Pick<Orderable, 'state'>): Order | undefined =>
  state === 'upgrading' ? undefined : OFFERS[state].first;

/** All that may be done to the vat but to upgrade and to end it, the likeliest first. */
export const ordersOf = (vat: Orderable): readonly Order[] => {
  const { first, others } = OFFERS[stateBeside(vat)];
  return [...(first ? [first] : []), ...others].filter(
    ({ takesOver }) => !takesOver || vat.stoppedBy !== 'person',
  );
};
