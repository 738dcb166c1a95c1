/**
 * Bob greets, keeps friends and listeners, and shows each way in which an
 * answer can come: now, later, never, or as an error.
 */
import { makeExo } from '@endo/exo';
import { E, Far, type ERef } from '@endo/far';
import { M } from '@endo/patterns';
import { makePromiseKit, type PromiseKit } from '@endo/promise-kit';
import type { Baggage } from '@agoric/vat-data';
import type { Notebook } from './carol.ts';

type Listener = { heard(text: string): unknown };
type Bell = { ring(by: string): string };

const BobI = M.interface('Bob', {
  hello: M.call(M.string()).returns(M.string()),
  subscribe: M.call(M.remotable()).returns(M.remotable()),
  makeFriend: M.call(M.string()).returns(M.remotable()),
  befriend: M.callWhen(M.await(M.remotable())).returns(M.string()),
  getFriend: M.call().returns(M.promise()),
  swap: M.callWhen(M.remotable(), M.promise()).returns(M.record()),
  ask: M.call(M.string()).returns(M.promise()),
  answer: M.call(M.string(), M.any()).returns(M.number()),
  fail: M.call().optional(M.string()).returns(M.any()),
  echo: M.call(M.any()).returns(M.any()),
});

/** Who is told; listeners live as long as this worker does. */
const makeListeners = () => {
  const listeners = new Set<ERef<Listener>>();
  const tell = (listener: ERef<Listener>, text: string) => {
    // A listener that is gone is no longer told; nobody else suffers.
    E(listener)
      .heard(text)
      .catch(() => listeners.delete(listener));
  };
  return harden({
    tellAll: (text: string) => {
      for (const listener of listeners) {
        tell(listener, text);
      }
    },
    add: (listener: ERef<Listener>) => {
      listeners.add(listener);
      tell(listener, `you are listener ${listeners.size}`);
    },
    delete: (listener: ERef<Listener>) => listeners.delete(listener),
  });
};

/** Questions that wait for an answer, as long as this worker lives. */
const makeQuestionMethods = () => {
  const questions = new Map<string, PromiseKit<unknown>>();
  return {
    /** A promise that stays open until `answer` is called with the same question. */
    ask(question: string) {
      const kit = questions.get(question) ?? makePromiseKit<unknown>();
      questions.set(question, kit);
      return kit.promise;
    },

    /** Resolves the promise that `ask` gave; returns how many stay open. */
    answer(question: string, value: unknown) {
      const kit = questions.get(question);
      if (kit === undefined) {
        throw Error(`nobody asked ${JSON.stringify(question)}`);
      }
      questions.delete(question);
      kit.resolve(value);
      return questions.size;
    },
  };
};

export const buildRootObject = (
  _vatPowers: unknown,
  _parameters: unknown,
  baggage: Baggage,
) => {
  const listeners = makeListeners();
  const friend = makePromiseKit<Notebook>();
  if (baggage.has('friend')) {
    friend.resolve(baggage.get('friend') as Notebook);
  }

  return makeExo('Bob', BobI, {
    ...makeQuestionMethods(),

    hello(name: string) {
      listeners.tellAll(`${name} said hello`);
      return `Hello ${name}, this is bob.`;
    },

    /** From now on `listener.heard(text)` is called; gives what ends that. */
    subscribe(listener: ERef<Listener>) {
      listeners.add(listener);
      return Far('Subscription', { cancel: () => listeners.delete(listener) });
    },

    /** A fresh object: call it before you have it. */
    makeFriend(name: string) {
      return Far(`Friend ${name}`, {
        hello: (to: string) => `Hello ${to}, this is ${name}, bob's friend.`,
        getName: () => name,
      });
    },

    /** Takes the notebook that somebody introduces, and writes into it. */
    async befriend(introduced: ERef<Notebook>) {
      const notebook = await introduced;
      if (baggage.has('friend')) {
        baggage.set('friend', notebook);
      } else {
        baggage.init('friend', notebook);
      }
      friend.resolve(notebook);
      const lines = await E(notebook).write('bob was here');
      return `bob wrote line ${lines}`;
    },

    /** The first friend bob got; until then a promise to pipeline on. */
    getFriend() {
      return friend.promise;
    },

    async swap(bell: ERef<Bell>, word: Promise<string>) {
      const sound = await E(bell).ring('bob');
      const echo = Far('Echo', { say: (text: string) => `${text} ${text}` });
      return harden({
        echo,
        heard: word.then(text => `${sound}! ${text}`),
      });
    },

    fail(reason = 'he was asked to fail') {
      throw TypeError(`bob can't: ${reason}`);
    },

    /** Gives back whatever it gets: every passable value goes both ways. */
    echo(value: unknown) {
      return value;
    },
  });
};

export type Bob = ReturnType<typeof buildRootObject>;
