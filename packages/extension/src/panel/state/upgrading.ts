import {
  batch,
  computed,
  signal,
  type ReadonlySignal,
  type Signal,
} from '@preact/signals';
import {
  problemOfBundle,
  type BundleSource,
  type BundleStatus,
  type ControlMethods,
  type Json,
} from '@cooperage/protocol';
import type { Actions } from './actions.ts';
import type { Connection } from './connection.ts';
import { parseJson, type TextProblem } from './json.ts';
import type { LaunchPorts } from './launching.ts';
import { wordsOf } from './link.ts';
import { storedCodes, type StoredCode } from './stored-code.ts';

/** Code that a vat may get: checked, and not sent yet. */
export type NewCode = {
  /** What it came from, for people: a file's name, a URL, words for what is stored. */
  readonly origin: string;
  readonly bundle: BundleSource;
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
  /** What the kernel has stored already. */
  readonly stored: ReadonlySignal<readonly StoredCode[]>;
  /** JSON as it is written; without any the parameters stay as they are. */
  readonly parametersText: ReadonlySignal<string>;
  /** Why the upgrade was not begun, until the text changes. */
  readonly parametersProblem: ReadonlySignal<TextProblem | undefined>;
  /** What those who wait for an answer of the old heap are told; empty for the usual. */
  readonly message: Signal<string>;
  open(vat: VatNames): void;
  close(): void;
  /** From a file: a bundle, or one module if its name ends so. */
  readText(text: string, origin: string): Promise<void>;
  readUrl(url: string): Promise<void>;
  /** One of those that are stored, by its hash; any other is none. */
  chooseStored(hash: string): void;
  writeParameters(text: string): void;
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

const fetchBundle = async (
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

/** What a person may say beside the code. */
const makeWords = () => {
  const parametersText = signal('');
  const parametersProblem = signal<TextProblem | undefined>(undefined);
  const message = signal('');
  return Object.freeze({
    parametersText,
    parametersProblem,
    message,
    write: (text: string): void => {
      parametersText.value = text;
      parametersProblem.value = undefined;
    },
    /** As the request has them; undefined when the parameters are no JSON, which is shown then. */
    read: ():
      | { readonly parameters?: Json; readonly upgradeMessage?: string }
      | undefined => {
      const words = message.value.trim();
      const said = words === '' ? {} : { upgradeMessage: words };
      if (parametersText.value.trim() === '') {
        return said;
      }
      const parsed = parseJson(parametersText.value);
      if (!parsed.ok) {
        parametersProblem.value = parsed;
        return undefined;
      }
      return { ...said, parameters: parsed.value };
    },
  });
};

/** New code for a vat: chosen, looked at, and given when the person says so. */
export const makeUpgrading = (
  connection: Pick<Connection, 'call' | 'status'>,
  actions: Pick<Actions, 'run' | 'clear'>,
  ports: Pick<LaunchPorts, 'fetchText' | 'compileModule'>,
): Upgrading => {
  const whose = signal<VatNames | undefined>(undefined);
  const code = signal<NewCode | undefined>(undefined);
  const problem = signal<string | undefined>(undefined);
  const isReading = signal(false);
  const kept = signal<readonly BundleStatus[]>([]);
  const words = makeWords();
  const stored = computed(() =>
    whose.value === undefined
      ? []
      : storedCodes(kept.value, connection.status.value, whose.value),
  );
  let last = 0;

  const forgetChoice = (): void => {
    last += 1;
    if (whose.value) {
      actions.clear(upgradeKey(whose.value));
    }
    batch(() => {
      code.value = undefined;
      problem.value = undefined;
      isReading.value = false;
    });
  };
  const become = (vat: VatNames | undefined): void => {
    forgetChoice();
    batch(() => {
      whose.value = vat;
      words.write('');
      words.message.value = '';
    });
    if (vat) {
      actions.clear(upgradeKey(vat));
    }
  };
  const learnStored = async (vat: VatNames): Promise<void> => {
    const found = await connection
      .call('bundles', {})
      .catch((error: unknown) => wordsOf(error));
    if (whose.value !== vat) {
      return;
    }
    if (typeof found === 'string') {
      problem.value = `What is stored can’t be listed: ${found}`;
    } else {
      kept.value = found;
    }
  };
  /** What was chosen before, or for another vat, is of no interest any more. */
  const read = async (work: () => Promise<NewCode>): Promise<void> => {
    forgetChoice();
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
  const give = async (
    vat: VatNames,
    params: ControlMethods['upgrade']['params'],
  ): Promise<void> => {
    let incarnation = 0;
    const isDone = await actions.run(
      upgradeKey(vat),
      () =>
        `${vat.cluster}.${vat.vat} runs the new code, as incarnation ${incarnation}`,
      async () => {
        ({ incarnation } = await connection.call('upgrade', params));
      },
    );
    if (isDone && whose.value === vat) {
      become(undefined);
    }
  };

  return Object.freeze({
    whose,
    code,
    problem,
    isReading,
    stored,
    parametersText: words.parametersText,
    parametersProblem: words.parametersProblem,
    message: words.message,
    open: vat => {
      become(vat);
      void learnStored(vat);
    },
    close: () => become(undefined),
    readText: (text, origin) =>
      read(() => readBundle(text, origin, ports.compileModule)),
    readUrl: url => read(() => fetchBundle(url, ports)),
    chooseStored: hash => {
      forgetChoice();
      const found = stored.value.find(each => each.hash === hash);
      code.value = found && {
        origin: found.words,
        bundle: { hash: found.hash },
      };
    },
    writeParameters: words.write,
    start: async () => {
      const vat = whose.value;
      const bundle = code.value?.bundle;
      const said = words.read();
      if (vat && bundle && said) {
        await give(vat, { ...vat, bundle, ...said });
      }
    },
  } satisfies Upgrading);
};
