import type { Vref } from '@cooperage/protocol';
import type { Book } from './crash-book.ts';
import { hashOf, storedCode } from './crash-code.ts';
import type { Operator } from './crash-operator.ts';
import type { Draws } from './draws.ts';
import {
  birthBody,
  callBody,
  narrowBody,
  NODE_METHODS,
  peerAt,
  PEERS,
  urlFor,
} from './durable-work.ts';
import type { Journal } from './journal.ts';
import type { Rig } from './rig.ts';

/** Sends messages to vats and to services, and notes what was asked. */
export const makeCalls = ({
  rig,
  book,
  journal,
  draw,
  extras,
  onVain,
  now,
}: {
  rig: Rig;
  book: Book;
  journal: Journal;
  draw: Draws;
  /** Clusters that were launched besides, as far as can be known. */
  extras: () => string[];
  /** Told of work that nobody may do, for its way was cut before. */
  onVain: (id: string) => void;
  now: () => number;
}) => {
  const askWork = async (
    operator: Operator,
    deed: number,
    to: number,
    isRisky: boolean,
  ): Promise<void> => {
    const attempt = book.begin(deed);
    const id = `${isRisky ? 'h' : 't'}${deed}~${attempt}`;
    const [alias] = operator.aliases;
    if (isRisky && alias && draw(3, id, 'by alias') > 0) {
      if (alias.isRevoked) {
        onVain(id);
      }
      journal.add({ kind: 'asked', deed, thing: undefined });
      operator.work(id, alias.ref, true, alias);
      return;
    }
    const [cluster] = isRisky ? extras() : [];
    const vat = cluster && draw(2, id, 'y') ? `y${cluster.slice(1)}` : cluster;
    const target =
      cluster === undefined || vat === undefined
        ? operator.root(peerAt(to))
        : await operator.refer(cluster, vat);
    if (target !== undefined) {
      journal.add({ kind: 'asked', deed, thing: undefined });
      operator.work(id, target, isRisky);
    }
  };

  /** Asks a service for something that concerns a vat's root; nothing when the service's object is gone. */
  const askService = async (
    operator: Operator,
    deed: number,
    what: 'alarm' | 'alias',
    to: number,
  ): Promise<void> => {
    const service = await operator.referToService(
      what === 'alarm' ? 'timer' : 'revocation',
    );
    const root = operator.root(peerAt(to));
    if (service === undefined || root === undefined) {
      book.settle(deed);
      return;
    }
    const attempt = book.begin(deed);
    journal.add({ kind: 'asked', deed, thing: undefined });
    const time = now() + 50 + draw(500, deed, attempt, 'alarm');
    operator.call(
      `${what === 'alarm' ? 'a' : 'v'}${deed}~${attempt}`,
      service,
      what === 'alarm'
        ? callBody('wakeAt', [time, '$0'])
        : callBody('makeRevocable', ['$0']),
      [root],
    );
  };

  /** The administrator that was granted, or one of those that may do less. */
  const administratorFor = async (
    operator: Operator,
    deed: number,
    attempt: number,
  ): Promise<Vref | undefined> => {
    const narrowed = operator.administrators.map(({ ref }) => ref);
    const nth = draw(1 + narrowed.length, deed, attempt, 'administrator');
    return nth === 0
      ? operator.referToService('administrator')
      : narrowed[nth - 1];
  };

  const askNarrow = async (operator: Operator, deed: number): Promise<void> => {
    const attempt = book.begin(deed);
    const administrator = await administratorFor(operator, deed, attempt);
    if (administrator === undefined) {
      book.settle(deed);
      return;
    }
    const id = `n${deed}~${attempt}`;
    journal.add({ kind: 'asked', deed, thing: undefined });
    operator.call(id, administrator, narrowBody(draw, id), []);
  };

  const askBirth = async (
    operator: Operator,
    deed: number,
    to: number,
  ): Promise<void> => {
    const attempt = book.begin(deed);
    const administrator = await administratorFor(operator, deed, attempt);
    if (administrator === undefined) {
      book.settle(deed);
      return;
    }
    const name = `zo${deed}.${attempt}`;
    const claim = { thing: `child ${name}`, fact: 'there' };
    const labels = PEERS.slice(0, 1 + to).map(each => `root ${each}`);
    const roots = PEERS.slice(0, 1 + to).map(each => operator.root(each));
    journal.add({ kind: 'asked', deed, thing: claim.thing });
    operator.call(
      `b${deed}~${attempt}`,
      administrator,
      birthBody(to === 0 ? hashOf(storedCode(to)) : 'helper', name, labels),
      roots.flatMap(root => root ?? []),
      claim,
    );
  };

  /** Ends the last vat that was born at somebody's wish here, asks how it ends, or does something else to it. */
  const govern = async (
    operator: Operator,
    deed: number,
    to: number,
  ): Promise<void> => {
    const name = [...rig.kernel.state.vats.values()]
      .map(vat => vat.name)
      .findLast(each => each.startsWith('zo'));
    const node =
      name === undefined ? undefined : await operator.referToNode(name);
    if (name === undefined || node === undefined) {
      book.settle(deed);
      return;
    }
    const attempt = book.begin(deed);
    const drawn = draw(NODE_METHODS.length, deed, attempt, 'govern');
    const method =
      (['terminate', 'done'] as const)[to] ?? NODE_METHODS[drawn] ?? 'stats';
    const isEnd = method === 'terminate';
    const claim = { thing: `child ${name}`, fact: 'gone' };
    journal.add({
      kind: 'asked',
      deed,
      thing: isEnd ? claim.thing : undefined,
    });
    operator.call(
      method === 'done' ? `e${deed}~${attempt} ${name}` : `g${deed}~${attempt}`,
      node,
      callBody(method, method === 'upgrade' ? ['helper'] : []),
      [],
      isEnd ? claim : undefined,
    );
  };

  const askFetch = async (operator: Operator, deed: number): Promise<void> => {
    const service = await operator.referToService('fetch');
    if (service === undefined) {
      book.settle(deed);
      return;
    }
    const id = `f${deed}~${book.begin(deed)}`;
    journal.add({ kind: 'asked', deed, thing: undefined });
    operator.call(id, service, callBody('fetch', [urlFor(id)]), []);
  };

  /** Has a vat of a cluster that may end be woken again and again. */
  const askRepeat = async (operator: Operator, deed: number): Promise<void> => {
    const [cluster] = extras();
    const timer = await operator.referToService('timer');
    const root =
      cluster === undefined
        ? undefined
        : await operator.refer(cluster, `y${cluster.slice(1)}`);
    if (timer === undefined || root === undefined) {
      book.settle(deed);
      return;
    }
    const attempt = book.begin(deed);
    const period = 100 + draw(400, deed, attempt, 'period');
    journal.add({ kind: 'asked', deed, thing: undefined });
    operator.call(
      `p${deed}~${attempt}`,
      timer,
      callBody('repeat', [period, '$0']),
      [root],
    );
  };

  /** Revokes the first alias that is not. */
  const askRevocation = (operator: Operator, deed: number): void => {
    const alias = operator.aliases.find(({ isRevoked }) => !isRevoked);
    if (alias === undefined) {
      book.settle(deed);
      return;
    }
    journal.add({ kind: 'asked', deed, thing: undefined });
    const id = `w${deed}~${book.begin(deed)} ${alias.id}`;
    operator.call(id, alias.revoker, callBody('revoke', []), []);
  };

  const askCancel = (operator: Operator, deed: number): void => {
    const [alarm] = operator.alarms;
    if (alarm === undefined) {
      book.settle(deed);
      return;
    }
    const thing = `alarm k${alarm.ref.replace('-', '')}`;
    journal.add({ kind: 'asked', deed, thing });
    operator.call(
      `q${deed}~${book.begin(deed)}`,
      alarm.ref,
      callBody('cancel', []),
      [],
      { thing, fact: 'gone' },
    );
  };

  return {
    askWork,
    askService,
    askNarrow,
    askBirth,
    govern,
    askFetch,
    askRepeat,
    askRevocation,
    askCancel,
  };
};
