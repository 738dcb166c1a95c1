import type { TableChange } from '../ports.ts';
import {
  afterCommit,
  alarmsIn,
  disagreementsIn,
  meaningsIn,
  textOf,
  type Content,
} from './durable-content.ts';

/** What somebody outside was told, or asked for: whoever knows these knows what a crash must not take back. */
export type Entry =
  /** A commit begins, or has returned. */
  | { readonly kind: 'begins' | 'committed'; readonly content: Content }
  /** A reference is committed, or has left the kernel, and stands for this. */
  | { readonly kind: 'means'; readonly kref: string; readonly label: string }
  /** A server was asked. */
  | { readonly kind: 'fetched'; readonly url: string }
  /** The deed was asked for; when `thing` is given, it changes what is known of that. */
  | {
      readonly kind: 'asked';
      readonly deed: number;
      readonly thing: string | undefined;
    }
  /** The deed was answered; when `fact` is given, that now holds of its thing. */
  | {
      readonly kind: 'answered';
      readonly deed: number;
      readonly thing: string | undefined;
      readonly fact: string | undefined;
      /** The piece of work that is done. */
      readonly work: string | undefined;
    };

/** All that is known outside, in the order in which it came to be known; a crash takes none of it back. */
export const makeJournal = (
  earlier: readonly Entry[],
  report: (problem: string) => void,
  onEntry: (entry: Entry) => void = () => {},
) => {
  const entries: Entry[] = [...earlier];
  const push = (entry: Entry): void => {
    entries.push(entry);
    onEntry(entry);
  };
  const meanings = new Map<string, string>();
  for (const entry of earlier) {
    if (entry.kind === 'means') {
      meanings.set(entry.kref, entry.label);
    }
  }
  /** Times that were ever committed to be told to a vat. */
  const alarms = new Set(
    earlier.flatMap(entry =>
      entry.kind === 'committed' ? alarmsIn(entry.content) : [],
    ),
  );
  let content: Content | undefined;

  const mean = (kref: string, label: string): void => {
    const known = meanings.get(kref);
    if (known === undefined) {
      meanings.set(kref, label);
      push({ kind: 'means', kref, label });
    } else if (known !== label) {
      report(`${kref} has been ${known}, and now it is ${label}`);
    }
  };

  const isFetched = (url: string): boolean =>
    entries.some(entry => entry.kind === 'fetched' && entry.url === url);

  return {
    entries: entries as readonly Entry[],
    add: push,
    mean,
    /** What the reference stands for, if that is known. */
    meaningOf: (kref: string): string | undefined => meanings.get(kref),
    /** What the kernel finds when it opens the storage; says what is wrong with it. */
    open: (found: Content): void => {
      content = found;
      alarmsIn(found).forEach(alarm => alarms.add(alarm));
      const last = entries.findLast(({ kind }) => kind === 'committed');
      const begun = entries.findLast(({ kind }) => kind === 'begins');
      const isOf = (entry: Entry | undefined): boolean =>
        entry !== undefined &&
        'content' in entry &&
        textOf(entry.content) === textOf(found);
      // Of a commit that had not returned, all is there or nothing; and what was found once stays.
      if (isOf(begun) && !isOf(last)) {
        push({ kind: 'committed', content: found });
      } else if (last !== undefined && !isOf(last)) {
        report('what is stored is neither the last commit nor the next');
      }
      disagreementsIn(found).forEach(report);
    },
    begin: (changes: readonly TableChange[]): void => {
      if (content) {
        content = afterCommit(content, changes);
        push({ kind: 'begins', content });
      }
    },
    end: (): void => {
      if (content) {
        push({ kind: 'committed', content });
        alarmsIn(content).forEach(alarm => alarms.add(alarm));
        disagreementsIn(content).forEach(report);
        meaningsIn(content).forEach(({ kref, label }) => mean(kref, label));
      }
    },
    content: (): Content | undefined => content,
    /** A server is asked: what is asked of it once may not be asked again. */
    fetch: (url: string): void => {
      if (isFetched(url)) {
        report(`${url} was fetched again`);
      }
      push({ kind: 'fetched', url });
    },
    isFetched,
    countAlarms: (): number => alarms.size,
    /** All that is known, whatever the order in which it came to be. */
    state: (): unknown => [
      content && textOf(content),
      [...meanings].sort(),
      [...factsIn(entries)].sort(),
      entries
        .flatMap(entry => (entry.kind === 'asked' ? [entry.deed] : []))
        .sort(),
      entries
        .flatMap(entry =>
          entry.kind === 'answered' ? [`${entry.deed} ${entry.work}`] : [],
        )
        .sort(),
      entries
        .flatMap(entry => (entry.kind === 'fetched' ? [entry.url] : []))
        .sort(),
    ],
  };
};

export type Journal = ReturnType<typeof makeJournal>;

/** What must hold of each thing, as far as it is known: the last that was asked of it was answered, and nothing is open. */
export const factsIn = (entries: readonly Entry[]): Map<string, string> => {
  const facts = new Map<string, string>();
  const open = new Map<string, Set<number>>();
  const last = new Map<string, number>();
  for (const entry of entries) {
    if (entry.kind === 'asked' && entry.thing !== undefined) {
      const asked = open.get(entry.thing) ?? new Set();
      open.set(entry.thing, asked.add(entry.deed));
      last.set(entry.thing, entry.deed);
      facts.delete(entry.thing);
    } else if (entry.kind === 'answered' && entry.thing !== undefined) {
      open.get(entry.thing)?.delete(entry.deed);
      if (
        entry.fact !== undefined &&
        open.get(entry.thing)?.size === 0 &&
        last.get(entry.thing) === entry.deed
      ) {
        facts.set(entry.thing, entry.fact);
      }
    }
  }
  return facts;
};
