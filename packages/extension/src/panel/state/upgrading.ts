import { batch, signal, type ReadonlySignal } from '@preact/signals';
import { problemOfBundle } from '@cooperage/protocol';
import type { Actions } from './actions.ts';
import type { Connection } from './connection.ts';
import { parseJson } from './json.ts';
import type { LaunchPorts } from './launching.ts';
import { wordsOf } from './link.ts';

/** Code that a vat may get: checked, and not sent yet. */
export type NewCode = {
  /** What it came from: a file's name, a URL. */
  readonly origin: string;
  readonly text: string;
};

/** A vat by its names. */
export type VatNames = { readonly cluster: string; readonly vat: string };

export type Upgrading = {
  /** Whose form is open. */
  readonly whose: ReadonlySignal<VatNames | undefined>;
  readonly code: ReadonlySignal<NewCode | undefined>;
  /** Why there is no code. */
  readonly problem: ReadonlySignal<string | undefined>;
  readonly isReading: ReadonlySignal<boolean>;
  open(vat: VatNames): void;
  close(): void;
  /** From a file: a bundle, or one module if its name ends so. */
  readText(text: string, origin: string): Promise<void>;
  readUrl(url: string): Promise<void>;
  /** Gives the vat the code; the form closes when the vat runs it. */
  start(): Promise<void>;
};

const MODULE = /\.m?js$/i;

/** The key of the deed, for its state and its problem. */
export const upgradeKey = ({ cluster, vat }: VatNames): string =>
  `upgrade:${cluster}.${vat}`;

/** The bundle in a text, or why there is none. */
const readBundle = async (
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
    return { origin, text: compiled.bundleText };
  }
  const parsed = parseJson(text);
  const problem = parsed.ok
    ? problemOfBundle(text)
    : `not JSON at line ${parsed.line}: ${parsed.problem}`;
  if (problem !== undefined) {
    throw new Error(`${origin} is no bundle: ${problem}`);
  }
  return { origin, text };
};

/** New code for a vat: chosen, looked at, and given when the person says so. */
export const makeUpgrading = (
  connection: Pick<Connection, 'call'>,
  actions: Pick<Actions, 'run' | 'clear'>,
  ports: Pick<LaunchPorts, 'fetchText' | 'compileModule'>,
): Upgrading => {
  const whose = signal<VatNames | undefined>(undefined);
  const code = signal<NewCode | undefined>(undefined);
  const problem = signal<string | undefined>(undefined);
  const isReading = signal(false);
  let last = 0;

  const become = (vat: VatNames | undefined): void => {
    last += 1;
    for (const each of [whose.value, vat]) {
      if (each) {
        actions.clear(upgradeKey(each));
      }
    }
    batch(() => {
      whose.value = vat;
      code.value = undefined;
      problem.value = undefined;
      isReading.value = false;
    });
  };
  /** What was chosen before, or for another vat, is of no interest any more. */
  const read = async (work: () => Promise<NewCode>): Promise<void> => {
    become(whose.value);
    const mine = last;
    isReading.value = true;
    const [found, why] = await work().then(
      given => [given, undefined] as const,
      (error: unknown) => [undefined, wordsOf(error)] as const,
    );
    if (mine === last) {
      batch(() => {
        code.value = found;
        problem.value = why;
        isReading.value = false;
      });
    }
  };

  return Object.freeze({
    whose,
    code,
    problem,
    isReading,
    open: become,
    close: () => become(undefined),
    readText: (text, origin) =>
      read(() => readBundle(text, origin, ports.compileModule)),
    readUrl: url =>
      read(async () => {
        const wanted = url.trim();
        if (!URL.canParse(wanted)) {
          throw new Error(
            `${JSON.stringify(wanted)} is no URL; it begins with https://`,
          );
        }
        const text = await ports.fetchText(wanted);
        return readBundle(text, wanted, ports.compileModule);
      }),
    start: async () => {
      const vat = whose.value;
      const chosen = code.value;
      if (vat === undefined || chosen === undefined) {
        return;
      }
      let incarnation = 0;
      const isDone = await actions.run(
        upgradeKey(vat),
        () =>
          `${vat.cluster}.${vat.vat} runs the new code, as incarnation ${incarnation}`,
        async () => {
          const result = await connection.call('upgrade', {
            ...vat,
            bundle: { text: chosen.text },
          });
          ({ incarnation } = result);
        },
      );
      if (isDone && whose.value === vat) {
        become(undefined);
      }
    },
  } satisfies Upgrading);
};
