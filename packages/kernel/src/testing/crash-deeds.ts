import type { Json } from '@cooperage/protocol';
import type { Operator } from './crash-operator.ts';
import type { Program } from './crash-programs.ts';
import type { Draws } from './draws.ts';
import { NODE_METHODS } from './durable-vats.ts';
import { birthBody, callBody, PEERS, urlFor } from './durable-work.ts';
import type { Entry, Journal } from './journal.ts';
import type { Rig } from './rig.ts';

/** A bundle with a hash of its own for each number: the rig's hash is the length. */
export const codeOf = (number: number): string =>
  JSON.stringify({
    moduleFormat: 'cooperageScript',
    source: 'x'.repeat(100 + number),
  });
const hashOf = (text: string): string => `${text.length}`.padStart(128, '0');

/** Code that a person may store. */
const storedCode = (number: number): string => codeOf(500 + number);

/** Whether the vat is suspended is not known any more. */
export const doubtSuspension = (journal: Journal, vat: string): void =>
  journal.add({ kind: 'asked', deed: -1, thing: `suspension ${vat}` });

/** What a request may be refused with: what it is about has gone or come meanwhile. */
const REFUSALS = [
  'BAD_REQUEST',
  'BUNDLE_UNKNOWN',
  'CLUSTER_EXISTS',
  'CLUSTER_UNKNOWN',
  'LAUNCH_FAILED',
  'NAME_TAKEN',
  'OBJECT_UNKNOWN',
  'SESSION_CLOSED',
  'UPGRADE_FAILED',
  'VAT_UNKNOWN',
];

/** How often each deed was asked for, and which were answered. */
export const makeBook = (known: readonly Entry[]) => {
  const attempts = new Map<number, number>();
  const settled = new Set<number>();
  for (const entry of known) {
    if (entry.kind === 'asked') {
      attempts.set(entry.deed, (attempts.get(entry.deed) ?? 0) + 1);
    } else if (entry.kind === 'answered') {
      settled.add(entry.deed);
    }
  }
  return {
    /** The number of this attempt, from 1. */
    begin: (deed: number): number => {
      const attempt = (attempts.get(deed) ?? 0) + 1;
      attempts.set(deed, attempt);
      return attempt;
    },
    isSettled: (deed: number): boolean => settled.has(deed),
    settle: (deed: number): void => void settled.add(deed),
  };
};

/** Does deeds, and notes what was asked and answered. */
export const makeDoer = ({
  rig,
  program: { deeds },
  book,
  journal,
  draw,
  report,
  onPause,
  onVain,
  onStorage,
  now,
}: {
  rig: Rig;
  program: Program;
  book: ReturnType<typeof makeBook>;
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
  const extra = (index: number, attempt: number): string =>
    `x${index}${attempt > 1 ? `.${attempt}` : ''}`;
  const peer = (to: number): string => PEERS[to] ?? PEERS[0];
  /** Clusters that were launched besides, as far as can be known from here. */
  const extras = (): string[] =>
    [...rig.kernel.state.clusters.values()]
      .map(({ name }) => name)
      .filter(name => name.startsWith('x'))
      .sort();

  const request = (
    { client: { rpc } }: Operator,
    deed: number,
    {
      method,
      params,
      thing,
      fact,
      onDone = () => {},
    }: {
      method: string;
      params: Json;
      thing?: string;
      fact?: string;
      onDone?: () => void;
    },
  ): void => {
    journal.add({ kind: 'asked', deed, thing });
    const settle = (found: string | undefined): void => {
      book.settle(deed);
      journal.add({
        kind: 'answered',
        deed,
        thing,
        fact: found,
        work: undefined,
      });
    };
    rpc.call(method, params).then(
      () => {
        settle(fact);
        onDone();
      },
      (problem: unknown) => {
        const code = String(Object(problem).code);
        if (code === 'STORAGE_FAILED') {
          onStorage(String(problem));
        }
        if (REFUSALS.includes(code) || code === 'STORAGE_FAILED') {
          settle(undefined);
        } else if (!/closed|kernel has/i.test(String(problem))) {
          report(`${method} was refused: ${String(problem)}`);
        }
      },
    );
  };

  const lose = (to: number, what: 'worker' | 'host'): void => {
    PEERS.forEach(name => doubtSuspension(journal, name));
    const alive = rig.vats.all.filter(({ isKilled }) => !isKilled);
    if (what === 'host') {
      alive[0]?.lose('the process is gone', 'host');
    } else {
      alive[to % Math.max(1, alive.length)]?.lose('it is gone');
    }
  };

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
        ? operator.root(peer(to))
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
    const root = operator.root(peer(to));
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

  const askBirth = async (
    operator: Operator,
    deed: number,
    to: number,
  ): Promise<void> => {
    const administrator = await operator.referToService('administrator');
    if (administrator === undefined) {
      book.settle(deed);
      return;
    }
    const attempt = book.begin(deed);
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

  /** Does something to the last vat that was born at somebody's wish here. */
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
    const method = to === 0 ? 'terminate' : (NODE_METHODS[drawn] ?? 'stats');
    const isEnd = method === 'terminate';
    const claim = { thing: `child ${name}`, fact: 'gone' };
    journal.add({
      kind: 'asked',
      deed,
      thing: isEnd ? claim.thing : undefined,
    });
    operator.call(
      `g${deed}~${attempt}`,
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

  /** Steps that may still be made. */
  let stepsOpen = 0;
  let lastAsked = 0;
  /** Asks for it; as long as it is not answered nobody knows whether vats move. */
  const askPause = (
    operator: Operator,
    deed: number,
    method: 'pause' | 'step' | 'unpause',
  ): void => {
    onPause(false);
    stepsOpen += Number(method === 'step');
    lastAsked += 1;
    const asked = lastAsked;
    request(operator, deed, {
      method,
      params: {},
      onDone: () => {
        stepsOpen -= Number(method === 'step');
        onPause(method === 'pause' && stepsOpen === 0 && asked === lastAsked);
      },
    });
  };

  /** Does it; true when the session is to be left. */
  return async (operator: Operator, deed: number): Promise<boolean> => {
    const what = deeds[deed];
    if (what === undefined) {
      return false;
    }
    switch (what.do) {
      case 'work':
        await askWork(operator, deed, what.to, false);
        break;
      case 'risk':
        await askWork(operator, deed, what.to, true);
        break;
      case 'lose':
        book.settle(deed);
        lose(what.to, what.what);
        break;
      case 'leave':
        book.settle(deed);
        return true;
      case 'collect':
        request(operator, deed, { method: 'collect', params: {} });
        break;
      case 'alarm':
      case 'alias':
        await askService(operator, deed, what.do, what.to);
        break;
      case 'revoke': {
        const alias = operator.aliases.find(({ isRevoked }) => !isRevoked);
        if (alias === undefined) {
          book.settle(deed);
        } else {
          journal.add({ kind: 'asked', deed, thing: undefined });
          const id = `w${deed}~${book.begin(deed)} ${alias.id}`;
          operator.call(id, alias.revoker, callBody('revoke', []), []);
        }
        break;
      }
      case 'birth':
        await askBirth(operator, deed, what.to);
        break;
      case 'govern':
        await govern(operator, deed, what.to);
        break;
      case 'fetch':
        await askFetch(operator, deed);
        break;
      case 'repeat':
        await askRepeat(operator, deed);
        break;
      case 'cancel':
        askCancel(operator, deed);
        break;
      case 'store': {
        const text = storedCode(what.to);
        request(operator, deed, {
          method: 'storeBundle',
          params: { name: `s${what.to}`, bundle: { text } },
          thing: `stored s${what.to}`,
          fact: hashOf(text),
        });
        break;
      }
      case 'discard':
        request(operator, deed, {
          method: 'forgetBundle',
          params: { name: `s${what.to}` },
          thing: `stored s${what.to}`,
          fact: 'nothing',
        });
        break;
      case 'pause':
      case 'step':
      case 'unpause':
        askPause(operator, deed, what.do);
        break;
      case 'launch': {
        const name = extra(deed, book.begin(deed));
        const vats = [name, `y${name.slice(1)}`];
        const bundle = { text: codeOf(0) };
        const config = {
          name,
          vats: Object.fromEntries(
            vats.map(vat => [vat, { bundle, onFault: 'restart' }]),
          ),
        };
        request(operator, deed, {
          method: 'launch',
          params: { config },
          thing: `cluster ${name}`,
          fact: 'there',
        });
        break;
      }
      case 'terminate': {
        const [cluster] = extras();
        if (cluster !== undefined) {
          request(operator, deed, {
            method: 'terminate',
            params: { cluster },
            thing: `cluster ${cluster}`,
            fact: 'gone',
          });
        }
        break;
      }
      case 'upgrade': {
        const text = codeOf(1 + deed);
        doubtSuspension(journal, peer(what.to));
        request(operator, deed, {
          method: 'upgrade',
          params: { cluster: 'demo', vat: peer(what.to), bundle: { text } },
          thing: `code ${peer(what.to)}`,
          fact: hashOf(text),
        });
        break;
      }
      case 'restart':
        request(operator, deed, {
          method: 'restart',
          params: { cluster: 'demo', vat: peer(what.to) },
          thing: `suspension ${peer(what.to)}`,
        });
        break;
      case 'suspend':
      case 'resume':
        request(operator, deed, {
          method: what.do,
          params: { cluster: 'demo', vat: peer(what.to) },
          thing: `suspension ${peer(what.to)}`,
          fact: what.do === 'suspend' ? 'suspended' : 'none',
        });
        break;
      case 'keep': {
        const vref = operator.root(peer(what.to));
        if (vref !== undefined) {
          request(operator, deed, {
            method: 'keep',
            params: { name: `k${what.to}`, vref },
            thing: `home k${what.to}`,
            fact: 'there',
          });
        }
        break;
      }
      case 'forget':
        request(operator, deed, {
          method: 'forget',
          params: { name: `k${what.to}` },
          thing: `home k${what.to}`,
          fact: 'gone',
        });
        break;
      default:
        what satisfies never;
    }
    return false;
  };
};
