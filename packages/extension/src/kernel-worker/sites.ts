import { CooperageError } from '@cooperage/protocol';
import type { FromKernelWorker, SitesAnswer } from '../control-words.ts';

/** A site as a person knows it. */
const nameOf = (site: string): string => site.replace(/\/\*$/, '');

const refusalOf = (missing: readonly string[]): CooperageError =>
  new CooperageError(
    'SITES_NOT_ALLOWED',
    `this browser does not let Cooperage fetch from ${missing.map(nameOf).join(', ')}: allow it in Cooperage's panel, which asks for it at a launch and on the cluster's card`,
    { sites: missing },
  );

type Question = {
  readonly resolve: (missing: readonly string[]) => void;
  readonly reject: (problem: Error) => void;
};

/**
 * What the person lets the extension fetch from. Only the service worker can
 * look, so each question goes there, by the offscreen document.
 */
export const makeSites = (post: (word: FromKernelWorker) => void) => {
  const questions = new Map<number, Question>();
  const watchers = new Set<() => void>();
  let asked = 0;

  return Object.freeze({
    /** Rejects with CooperageError SITES_NOT_ALLOWED. */
    insist: async (sites: readonly string[]): Promise<void> => {
      const missing = await new Promise<readonly string[]>(
        (resolve, reject) => {
          asked += 1;
          questions.set(asked, { resolve, reject });
          post({ type: 'askSites', question: asked, sites });
        },
      );
      if (missing.length > 0) {
        throw refusalOf(missing);
      }
    },
    /** Calls back whenever something was taken back, until the returned function is called. */
    watch: (onTakenBack: () => void): (() => void) => {
      watchers.add(onTakenBack);
      return () => watchers.delete(onTakenBack);
    },
    /** The answer to a question, or why there is none. */
    answered: (question: number, answer: SitesAnswer): void => {
      const { resolve, reject } = questions.get(question) ?? {};
      questions.delete(question);
      if (answer.ok) {
        resolve?.(answer.missing);
      } else {
        reject?.(
          new Error(
            `the browser can't be asked what it allows: ${answer.problem}`,
          ),
        );
      }
    },
    takenBack: (): void => watchers.forEach(onTakenBack => onTakenBack()),
  });
};
export type Sites = ReturnType<typeof makeSites>;
