import { doubtStanding, type Book } from './crash-book.ts';
import { makeCalls } from './crash-calls.ts';
import type { Operator } from './crash-operator.ts';
import { makeOrders } from './crash-orders.ts';
import type { Program } from './crash-programs.ts';
import type { Draws } from './draws.ts';
import { PEERS } from './durable-work.ts';
import type { Journal } from './journal.ts';
import type { Rig } from './rig.ts';

/** Does deeds, and notes what was asked and answered. */
export const makeDoer = ({
  rig,
  program: { deeds },
  ...options
}: {
  rig: Rig;
  program: Program;
  book: Book;
  journal: Journal;
  draw: Draws;
  report: (problem: string) => void;
  /** Told when it is known that no vat gets anything, and when that ends. */
  onPause: (isPaused: boolean) => void;
  /** Told of work that nobody may do, for its way was cut before. */
  onVain: (id: string) => void;
  /** Told that something was refused because the storage fails. */
  onStorage: (problem: string) => void;
  now: () => number;
}) => {
  const { book, journal } = options;
  const extras = (): string[] =>
    [...rig.kernel.state.clusters.values()]
      .map(({ name }) => name)
      .filter(name => name.startsWith('x'))
      .sort();
  const calls = makeCalls({ ...options, rig, extras });
  const orders = makeOrders({ ...options, extras });

  const lose = (to: number, what: 'worker' | 'host'): void => {
    PEERS.forEach(name => doubtStanding(journal, name));
    const alive = rig.vats.all.filter(({ isKilled }) => !isKilled);
    if (what === 'host') {
      alive[0]?.lose('the process is gone', 'host');
    } else {
      alive[to % Math.max(1, alive.length)]?.lose('it is gone');
    }
  };

  /** Does it; true when the session is to be left. */
  return async (operator: Operator, deed: number): Promise<boolean> => {
    const what = deeds[deed];
    if (what === undefined) {
      return false;
    }
    switch (what.do) {
      case 'work':
      case 'risk':
        await calls.askWork(operator, deed, what.to, what.do === 'risk');
        break;
      case 'lose':
        book.settle(deed);
        lose(what.to, what.what);
        break;
      case 'leave':
        book.settle(deed);
        return true;
      case 'collect':
        orders.collect(operator, deed);
        break;
      case 'alarm':
      case 'alias':
        await calls.askService(operator, deed, what.do, what.to);
        break;
      case 'revoke':
        calls.askRevocation(operator, deed);
        break;
      case 'narrow':
        await calls.askNarrow(operator, deed);
        break;
      case 'birth':
        await calls.askBirth(operator, deed, what.to);
        break;
      case 'govern':
        await calls.govern(operator, deed, what.to);
        break;
      case 'fetch':
        await calls.askFetch(operator, deed);
        break;
      case 'repeat':
        await calls.askRepeat(operator, deed);
        break;
      case 'cancel':
        calls.askCancel(operator, deed);
        break;
      case 'pause':
      case 'step':
      case 'unpause':
        orders.pauseAll(operator, deed, what.do);
        break;
      case 'launch':
        orders.launch(operator, deed);
        break;
      case 'terminate':
        orders.terminate(operator, deed);
        break;
      case 'keep':
        orders.keep(operator, deed, what.to);
        break;
      default:
        orders.order(operator, deed, what);
    }
    return false;
  };
};
