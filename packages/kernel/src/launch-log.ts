import harden from '@endo/harden';
import type { LaunchStatus } from '@cooperage/protocol';
import { Refusal } from './services/refusal.ts';
import { textOfValue } from './services/value-text.ts';
import {
  isError,
  isRecord,
  readToShow,
  type Value,
} from './services/values.ts';

/** Launches that have ended and are still shown. */
const KEPT = 8;

/** One launch, as it goes. */
export type LaunchRecord = {
  /** Does a step and shows how it went. */
  step<Result>(text: string, work: () => Promise<Result>): Promise<Result>;
  /** The vats run; what is left is the bootstrap's answer. */
  started(): void;
  /** `body` is that of the rejection, undefined when there is none. */
  bootstrapEnded(body: string | undefined): void;
  failed(problem: unknown): void;
};

type Step = { text: string; state: 'running' | 'done' | 'failed' };
type Entry = {
  id: number;
  name: string;
  state: LaunchStatus['state'];
  steps: Step[];
  error?: string;
};

/** Of what a vat rejects with; the rest is for whoever asked it. All clients are told this with every state. */
const MOST_UNITS = 4_000;

const messageOf = (problem: unknown): string =>
  problem instanceof Error ? problem.message : String(problem);

/** Enough of what can't be read to know whose it is. */
const MOST_UNREAD = 200;

const readRejection = (body: string): Value => {
  try {
    return readToShow(body);
  } catch (problem) {
    if (problem instanceof Refusal) {
      return `what can't be read: ${body.slice(0, MOST_UNREAD)}`;
    }
    throw problem;
  }
};

/** What says how a promise was cut short that a lost heap left; see `encodeDisconnection`. Undefined for all that a vat may say otherwise. */
const messageOfCut = (value: Value): string | undefined => {
  if (!isRecord(value) || value.get('name') !== 'vatUpgraded') {
    return undefined;
  }
  const message = value.get('upgradeMessage');
  return typeof message === 'string' &&
    typeof value.get('incarnationNumber') === 'number'
    ? message
    : undefined;
};

/** What a promise was rejected with, for people: of an error its message. */
const textOf = (body: string, beforeCut: string): string => {
  const value = readRejection(body);
  const cut = messageOfCut(value);
  if (cut !== undefined) {
    return `${beforeCut}: ${cut}`;
  }
  return isError(value)
    ? value.text || 'an error that says nothing'
    : textOfValue(value);
};

/** Of a rejection or an exit, for people. */
export const textOfRejection = (body: string): string =>
  textOf(body, 'a vat began anew before it answered');
harden(textOfRejection);

const LACKS_BOOTSTRAP = /has no method "?\\?"?bootstrap/;

/** Why a bootstrap came to nothing, for people; undefined when there was none to call. */
export const problemOfBootstrap = (body: string): string | undefined => {
  if (LACKS_BOOTSTRAP.test(body)) {
    return undefined;
  }
  return textOf(body, 'it was cut short').slice(0, MOST_UNITS).toWellFormed();
};
harden(problemOfBootstrap);

/** What launches are under way and how the last ones ended; in memory, for people. */
export const makeLaunchLog = (onChange: () => void) => {
  const entries: Entry[] = [];
  let lastId = 0;

  const open = (name: string): LaunchRecord => {
    lastId += 1;
    const entry: Entry = { id: lastId, name, state: 'running', steps: [] };
    entries.push(entry);
    while (entries.length > KEPT && entries[0]?.state !== 'running') {
      entries.shift();
    }
    onChange();
    const bootstrap: Step = { text: 'bootstrap', state: 'running' };
    return {
      step: async (text, work) => {
        const step: Step = { text, state: 'running' };
        entry.steps.push(step);
        onChange();
        try {
          const result = await work();
          step.state = entry.state === 'failed' ? 'failed' : 'done';
          return result;
        } catch (problem) {
          step.state = 'failed';
          throw problem;
        } finally {
          onChange();
        }
      },
      started: () => {
        entry.state = 'done';
        entry.steps.push(bootstrap);
        onChange();
      },
      bootstrapEnded: body => {
        const problem =
          body === undefined ? undefined : problemOfBootstrap(body);
        if (problem === undefined) {
          bootstrap.state = 'done';
          bootstrap.text =
            body === undefined ? 'bootstrap' : 'no bootstrap method to call';
        } else {
          bootstrap.state = 'failed';
          entry.error = `bootstrap rejected: ${problem}`;
        }
        onChange();
      },
      failed: problem => {
        entry.state = 'failed';
        entry.error = messageOf(problem);
        for (const step of entry.steps.filter(each => each.state !== 'done')) {
          step.state = 'failed'; // whatever it still does, it is given up
        }
        onChange();
      },
    };
  };

  return {
    open,
    list: (): LaunchStatus[] =>
      entries.map(entry => ({
        ...entry,
        steps: entry.steps.map(step => ({ ...step })),
      })),
  };
};
harden(makeLaunchLog);

export type LaunchLog = ReturnType<typeof makeLaunchLog>;
