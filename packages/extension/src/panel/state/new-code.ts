import { batch, signal, type ReadonlySignal } from '@preact/signals';
import { problemOfBundle, type BundleSource } from '@cooperage/protocol';
import { parseJson } from './json.ts';
import type { LaunchPorts } from './launching.ts';
import { wordsOf } from './link.ts';

/** Code that a vat may get: checked, and not sent yet. */
export type NewCode = {
  /** What it came from, for people: a file's name, a URL, words for what is stored. */
  readonly origin: string;
  readonly bundle: BundleSource;
};

const MODULE = /\.m?js$/i;

/** The bundle in a text, or, if the origin's name is that of one, in a module. Rejects in words for a person. */
export const readBundle = async (
  text: string,
  origin: string,
  compileModule: LaunchPorts['compileModule'],
): Promise<NewCode> => {
  if (MODULE.test(origin.split(/[?#]/)[0] ?? '')) {
    const compiled = await compileModule(text, origin);
    if (!compiled.ok) {
      const { problem, line } = compiled;
      throw new Error(
        `${origin} can’t be compiled${line === undefined ? '' : `, line ${line}`}: ${problem}`,
      );
    }
    return { origin, bundle: { text: compiled.bundleText } };
  }
  const parsed = parseJson(text);
  const problem = parsed.ok
    ? problemOfBundle(text)
    : `not JSON at line ${parsed.line}: ${parsed.problem}`;
  if (problem !== undefined) {
    throw new Error(`${origin} is no bundle: ${problem}`);
  }
  return { origin, bundle: { text } };
};

/** The bundle at a URL. Rejects in words for a person. */
export const fetchBundle = async (
  url: string,
  {
    fetchText,
    compileModule,
  }: Pick<LaunchPorts, 'fetchText' | 'compileModule'>,
): Promise<NewCode> => {
  const wanted = url.trim();
  if (!URL.canParse(wanted)) {
    throw new Error(
      `${JSON.stringify(wanted)} is no URL; it begins with https://`,
    );
  }
  return readBundle(await fetchText(wanted), wanted, compileModule);
};

/** The code that a person has chosen last. */
export type Choice = {
  readonly code: ReadonlySignal<NewCode | undefined>;
  /** Why there is no code. */
  readonly problem: ReadonlySignal<string | undefined>;
  readonly isReading: ReadonlySignal<boolean>;
  /** Nothing is chosen; what is still being read is of no interest any more, as with every other choice. */
  forget(): void;
  take(code: NewCode | undefined): void;
  /** The choice is what the work gives, or the problem that it rejects with. */
  read(work: () => Promise<NewCode>): Promise<void>;
  /** Gives what tells whether nothing has been chosen since. */
  watch(): () => boolean;
};

/** `onForget` is called with every choice, before it. */
export const makeChoice = (onForget: () => void): Choice => {
  const code = signal<NewCode | undefined>(undefined);
  const problem = signal<string | undefined>(undefined);
  const isReading = signal(false);
  let last = 0;
  const watch: Choice['watch'] = () => {
    const mine = last;
    return () => mine === last;
  };
  const forget = (): void => {
    last += 1;
    onForget();
    batch(() => {
      code.value = undefined;
      problem.value = undefined;
      isReading.value = false;
    });
  };
  return Object.freeze({
    code,
    problem,
    isReading,
    watch,
    forget,
    take: (chosen: NewCode | undefined) => {
      forget();
      code.value = chosen;
    },
    read: async (work: () => Promise<NewCode>) => {
      forget();
      const isWanted = watch();
      isReading.value = true;
      const [found, why] = await work().then(
        given => [given, undefined] as const,
        (error: unknown) => [undefined, wordsOf(error)] as const,
      );
      if (isWanted()) {
        batch(() => {
          code.value = found;
          problem.value = why;
          isReading.value = false;
        });
      }
    },
  });
};
