import type { Json } from '@cooperage/protocol';
import { doubtStanding, type Book } from './crash-book.ts';
import { codeOf, hashOf, storedCode } from './crash-code.ts';
import type { Operator } from './crash-operator.ts';
import type { Deed } from './crash-programs.ts';
import { peerAt } from './durable-work.ts';
import type { Journal } from './journal.ts';

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

/** What a request changes, and what holds of it once that was answered; without a fact it is not known then. */
type Change = { readonly thing: string; readonly fact?: string };

type Request = {
  readonly method: string;
  readonly params: Json;
  readonly changes?: readonly Change[];
};

/** Deeds that are one request to the kernel, by a name or a number. */
type Named = Extract<
  Deed,
  {
    readonly do:
      | 'upgrade'
      | 'restart'
      | 'suspend'
      | 'resume'
      | 'hold'
      | 'release'
      | 'forget'
      | 'store'
      | 'discard';
  }
>;

const requestFor = ({ do: what, to }: Named, deed: number): Request => {
  const vat = peerAt(to);
  const params = { cluster: 'demo', vat };
  const suspension = `suspension ${vat}`;
  const pause = `pause ${vat}`;
  switch (what) {
    case 'store': {
      const text = storedCode(to);
      return {
        method: 'storeBundle',
        params: { name: `s${to}`, bundle: { text } },
        changes: [{ thing: `stored s${to}`, fact: hashOf(text) }],
      };
    }
    case 'discard':
      return {
        method: 'forgetBundle',
        params: { name: `s${to}` },
        changes: [{ thing: `stored s${to}`, fact: 'nothing' }],
      };
    case 'upgrade': {
      const text = codeOf(1 + deed);
      return {
        method: what,
        params: { ...params, bundle: { text } },
        changes: [{ thing: `code ${vat}`, fact: hashOf(text) }],
      };
    }
    case 'restart':
      return {
        method: what,
        params,
        changes: [{ thing: suspension }, { thing: pause, fact: 'not paused' }],
      };
    case 'suspend':
      return {
        method: what,
        params,
        changes: [
          { thing: suspension, fact: 'suspended' },
          { thing: pause, fact: 'not paused' },
        ],
      };
    case 'resume':
      return {
        method: what,
        params,
        changes: [{ thing: suspension, fact: 'none' }],
      };
    case 'hold':
      return {
        method: 'pause',
        params,
        changes: [{ thing: pause, fact: 'paused' }],
      };
    case 'release':
      return {
        method: 'unpause',
        params,
        changes: [{ thing: pause, fact: 'not paused' }],
      };
    case 'forget':
      return {
        method: what,
        params: { name: `k${to}` },
        changes: [{ thing: `home k${to}`, fact: 'gone' }],
      };
  }
};

/** Asks the kernel for things, as the panel and the console do, and notes what was asked and answered. */
export const makeOrders = ({
  book,
  journal,
  report,
  extras,
  onPause,
  onStorage,
}: {
  book: Book;
  journal: Journal;
  report: (problem: string) => void;
  /** Clusters that were launched besides, as far as can be known. */
  extras: () => string[];
  /** Told when it is known that no vat gets anything, and when that ends. */
  onPause: (isPaused: boolean) => void;
  /** Told that something was refused because the storage fails. */
  onStorage: (problem: string) => void;
}) => {
  const request = (
    { client: { rpc } }: Operator,
    deed: number,
    { method, params, changes = [] }: Request,
    onDone = (): void => {},
  ): void => {
    const things = changes.length > 0 ? changes : [{ thing: undefined }];
    things.forEach(({ thing }) => journal.add({ kind: 'asked', deed, thing }));
    const settle = (isDone: boolean): void => {
      book.settle(deed);
      for (const { thing, fact } of things as Partial<Change>[]) {
        journal.add({
          kind: 'answered',
          deed,
          thing,
          fact: isDone ? fact : undefined,
          work: undefined,
        });
      }
    };
    rpc.call(method, params).then(
      () => {
        settle(true);
        onDone();
      },
      (problem: unknown) => {
        const code = String(Object(problem).code);
        if (code === 'STORAGE_FAILED') {
          onStorage(String(problem));
        }
        if (REFUSALS.includes(code) || code === 'STORAGE_FAILED') {
          settle(false);
        } else if (!/closed|kernel has/i.test(String(problem))) {
          report(`${method} was refused: ${String(problem)}`);
        }
      },
    );
  };

  /** Steps that may still be made. */
  let stepsOpen = 0;
  let lastAsked = 0;

  return {
    collect: (operator: Operator, deed: number): void =>
      request(operator, deed, { method: 'collect', params: {} }),
    /** Asks for it; as long as it is not answered nobody knows whether vats move. */
    pauseAll: (
      operator: Operator,
      deed: number,
      method: 'pause' | 'step' | 'unpause',
    ): void => {
      onPause(false);
      stepsOpen += Number(method === 'step');
      lastAsked += 1;
      const asked = lastAsked;
      request(operator, deed, { method, params: {} }, () => {
        stepsOpen -= Number(method === 'step');
        onPause(method === 'pause' && stepsOpen === 0 && asked === lastAsked);
      });
    },
    launch: (operator: Operator, deed: number): void => {
      const attempt = book.begin(deed);
      const name = `x${deed}${attempt > 1 ? `.${attempt}` : ''}`;
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
        changes: [{ thing: `cluster ${name}`, fact: 'there' }],
      });
    },
    terminate: (operator: Operator, deed: number): void => {
      const [cluster] = extras();
      if (cluster !== undefined) {
        request(operator, deed, {
          method: 'terminate',
          params: { cluster },
          changes: [{ thing: `cluster ${cluster}`, fact: 'gone' }],
        });
      }
    },
    keep: (operator: Operator, deed: number, to: number): void => {
      const vref = operator.root(peerAt(to));
      if (vref !== undefined) {
        request(operator, deed, {
          method: 'keep',
          params: { name: `k${to}`, vref },
          changes: [{ thing: `home k${to}`, fact: 'there' }],
        });
      }
    },
    order: (operator: Operator, deed: number, what: Named): void => {
      if (what.do === 'upgrade') {
        doubtStanding(journal, peerAt(what.to));
      }
      request(operator, deed, requestFor(what, deed));
    },
  };
};
