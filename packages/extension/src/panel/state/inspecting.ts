import {
  batch,
  computed,
  signal,
  type ReadonlySignal,
  type Signal,
} from '@preact/signals';
import {
  findSubject,
  type CycleReport,
  type GrowthReport,
  type Inspection,
} from '@cooperage/protocol';
import type { Actions } from './actions.ts';
import type { Connection } from './connection.ts';
import { wordsOf } from './link.ts';
import type { Memory } from './memory.ts';

/** What is looked at. */
export type Look =
  | { readonly state: 'nothing' }
  | { readonly state: 'busy'; readonly subject: string }
  | {
      readonly state: 'shown';
      readonly subject: string;
      readonly at: number;
      readonly inspection: Inspection;
    }
  | {
      readonly state: 'failed';
      readonly subject: string;
      readonly problem: string;
    };

export type Mark = { readonly mark: string; readonly at: number };

export type Inspecting = {
  /** What is being written into the field. */
  readonly subject: Signal<string>;
  readonly look: ReadonlySignal<Look>;
  /** The person has come here by a button elsewhere: the answer is to take the focus. */
  readonly arrived: Signal<boolean>;
  /** How many were looked at before this one. */
  readonly steps: ReadonlySignal<number>;
  /** Looks at what the text means; what was looked at before is a step back. */
  lookAt(subject: string): Promise<void>;
  lookAgain(): Promise<void>;
  back(): Promise<void>;
  /** The last mark that was made from this panel, also in an earlier page. */
  readonly mark: ReadonlySignal<Mark | undefined>;
  readonly growth: ReadonlySignal<GrowthReport | undefined>;
  readonly cycles: ReadonlySignal<CycleReport | undefined>;
  makeMark(): Promise<boolean>;
  findGrowth(): Promise<boolean>;
  findCycles(): Promise<boolean>;
};

const MARK = 'mark-1';
const MOST_STEPS = 50;

const recallMark = (memory: Memory): Mark | undefined => {
  try {
    const found: unknown = JSON.parse(memory.read(MARK) ?? 'null');
    return typeof found === 'object' &&
      found !== null &&
      'mark' in found &&
      'at' in found &&
      typeof found.mark === 'string' &&
      typeof found.at === 'number'
      ? { mark: found.mark, at: found.at }
      : undefined;
  } catch {
    return undefined;
  }
};

/** What the panel looks at in the kernel's tables, and what has grown in them. */
export const makeInspecting = (
  connection: Pick<Connection, 'call' | 'status'>,
  {
    actions,
    memory,
    now,
  }: {
    readonly actions: Actions;
    readonly memory: Memory;
    readonly now: () => number;
  },
): Inspecting => {
  const subject = signal('');
  const look = signal<Look>({ state: 'nothing' });
  const arrived = signal(false);
  const trail = signal<readonly string[]>([]);
  const mark = signal(recallMark(memory));
  const growth = signal<GrowthReport | undefined>(undefined);
  const cycles = signal<CycleReport | undefined>(undefined);
  let last = 0;

  const answer = async (text: string): Promise<Look> => {
    const request = findSubject(text, connection.status.value);
    if (request === undefined) {
      const problem =
        text === ''
          ? 'Name something to look at.'
          : `${JSON.stringify(text)} is no kref (ko7, kp7), vat (demo.bob, v3), session (s2) or name in home.`;
      return { state: 'failed', subject: text, problem };
    }
    try {
      const inspection = await connection.call('inspect', request);
      return { state: 'shown', subject: text, at: now(), inspection };
    } catch (error) {
      return { state: 'failed', subject: text, problem: wordsOf(error) };
    }
  };
  /** A slow answer to what is looked at no longer is not shown. */
  const show = async (text: string): Promise<void> => {
    last += 1;
    const mine = last;
    batch(() => {
      subject.value = text;
      if (look.value.state !== 'shown' || look.value.subject !== text) {
        look.value = { state: 'busy', subject: text };
      }
    });
    const found = await answer(text);
    if (mine === last) {
      look.value = found;
    }
  };
  const shownNow = (): string | undefined =>
    look.value.state === 'nothing' ? undefined : look.value.subject;

  return Object.freeze({
    subject,
    look,
    arrived,
    steps: computed(() => trail.value.length),
    lookAt: (text: string) => {
      const wanted = text.trim();
      const before = shownNow();
      if (before !== undefined && before !== '' && before !== wanted) {
        trail.value = [...trail.value, before].slice(-MOST_STEPS);
      }
      return show(wanted);
    },
    lookAgain: () => show(shownNow() ?? ''),
    back: async () => {
      const before = trail.value.at(-1);
      if (before !== undefined) {
        trail.value = trail.value.slice(0, -1);
        await show(before);
      }
    },
    mark,
    growth,
    cycles,
    makeMark: () =>
      actions.run('inspect:mark', 'Marked', async () => {
        const made = {
          ...(await connection.call('mark', {})),
          at: now(),
        };
        memory.write(MARK, JSON.stringify(made));
        batch(() => {
          mark.value = made;
          growth.value = undefined;
        });
      }),
    findGrowth: () =>
      actions.run('inspect:growth', 'What grew is listed', async () => {
        growth.value = undefined;
        growth.value = await connection.call('grownSince', {
          mark: mark.value?.mark ?? '',
        });
      }),
    findCycles: () =>
      actions.run('inspect:cycles', 'The cycles are listed', async () => {
        cycles.value = await connection.call('cycles', {});
      }),
  } satisfies Inspecting);
};
