import {
  batch,
  computed,
  signal,
  type ReadonlySignal,
  type Signal,
} from '@preact/signals';
import type { BundleStatus, Json, VatId } from '@cooperage/protocol';
import type { Actions, ActionState } from './actions.ts';
import { textOfFile, type ChosenFile } from './chosen-file.ts';
import type { Connection } from './connection.ts';
import { parseJson, type TextProblem } from './json.ts';
import type { LaunchPorts } from './launching.ts';
import { wordsOf } from './link.ts';
import {
  fetchBundle,
  makeChoice,
  readBundle,
  type Choice,
  type NewCode,
} from './new-code.ts';
import { storedCodes, type StoredCode } from './stored-code.ts';

/** One vat, and what it is called: another may be called so later, and gets nothing that was meant for this one. */
export type NamedVat = {
  readonly id: VatId;
  readonly cluster: string;
  readonly vat: string;
};

/** The last upgrade of a vat, which may not be to the code that is chosen now. */
export type Attempt = ActionState & { readonly code: NewCode };

export type Upgrading = Pick<Choice, 'code' | 'problem' | 'isReading'> & {
  /** Whose form is open. */
  readonly whose: ReadonlySignal<NamedVat | undefined>;
  /** What the kernel has stored already. */
  readonly stored: ReadonlySignal<readonly StoredCode[]>;
  /** Why that can't be told. */
  readonly storedProblem: ReadonlySignal<string | undefined>;
  /** Of that vat: under way, or failed and of interest still. */
  readonly attempt: ReadonlySignal<Attempt | undefined>;
  /** Whether `start` does anything. */
  readonly canStart: ReadonlySignal<boolean>;
  /** JSON as it is written; without any the parameters stay as they are. */
  readonly parametersText: ReadonlySignal<string>;
  /** Why the upgrade was not begun, until the text changes. */
  readonly parametersProblem: ReadonlySignal<TextProblem | undefined>;
  /** What those who wait for an answer of the old heap are told; empty for the usual. */
  readonly message: Signal<string>;
  open(vat: NamedVat): void;
  close(): void;
  /** A bundle, or one module if the file's name ends so. */
  readFile(file: ChosenFile): Promise<void>;
  readUrl(url: string): Promise<void>;
  /** One of those that are stored, by its hash; any other is none. */
  chooseStored(hash: string): void;
  writeParameters(text: string): void;
  /** Gives the vat the code; the form closes when the vat runs it, unless something else was chosen meanwhile. */
  start(): Promise<void>;
};

/** The key of the deed, for its state and its problem. */
export const upgradeKey = ({ id }: Pick<NamedVat, 'id'>): string =>
  `upgrade:${id}`;

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

/** What the kernel has stored; asked for when a form opens. */
const makeShelf = (
  connection: Pick<Connection, 'call' | 'status'>,
  whose: ReadonlySignal<NamedVat | undefined>,
) => {
  const kept = signal<readonly BundleStatus[]>([]);
  const storedProblem = signal<string | undefined>(undefined);
  return Object.freeze({
    storedProblem,
    stored: computed(() =>
      whose.value === undefined
        ? []
        : storedCodes(kept.value, connection.status.value, whose.value.id),
    ),
    ask: async (): Promise<void> => {
      const asker = whose.value;
      storedProblem.value = undefined;
      const found = await connection
        .call('bundles', {})
        .catch((error: unknown) => wordsOf(error));
      if (whose.value !== asker) {
        return;
      }
      if (typeof found === 'string') {
        storedProblem.value = `What is stored can’t be listed: ${found}`;
      } else {
        kept.value = found;
      }
    },
  });
};

/** New code for a vat: chosen, looked at, and given when the person says so. */
export const makeUpgrading = (
  connection: Pick<Connection, 'call' | 'status'>,
  actions: Pick<Actions, 'run' | 'clear' | 'states'>,
  {
    canAct,
    ...ports
  }: Pick<LaunchPorts, 'fetchText' | 'compileModule'> & {
    readonly canAct: ReadonlySignal<boolean>;
  },
): Upgrading => {
  const whose = signal<NamedVat | undefined>(undefined);
  /** What each vat was to get last. */
  const given = signal<ReadonlyMap<VatId, NewCode>>(new Map());
  const words = makeWords();
  const shelf = makeShelf(connection, whose);
  const choice = makeChoice(() => {
    if (whose.value) {
      actions.clear(upgradeKey(whose.value));
    }
  });
  const attempt = computed((): Attempt | undefined => {
    const state =
      whose.value && actions.states.value.get(upgradeKey(whose.value));
    const code = whose.value && given.value.get(whose.value.id);
    return state && code && { ...state, code };
  });
  const isThere = ({ id }: NamedVat): boolean =>
    connection.status.value?.clusters.some(({ vats }) =>
      vats.some(vat => vat.id === id),
    ) ?? false;
  const canStart = computed(
    () =>
      canAct.value &&
      choice.code.value !== undefined &&
      attempt.value?.state !== 'busy' &&
      whose.value !== undefined &&
      isThere(whose.value),
  );

  const become = (vat: NamedVat | undefined): void => {
    choice.forget();
    batch(() => {
      whose.value = vat;
      words.write('');
      words.message.value = '';
    });
    if (vat) {
      actions.clear(upgradeKey(vat));
    }
  };
  const give = async (
    named: NamedVat,
    code: NewCode,
    said: NonNullable<ReturnType<typeof words.read>>,
  ): Promise<void> => {
    let incarnation = 0;
    const isWanted = choice.watch();
    given.value = new Map(given.value).set(named.id, code);
    const isDone = await actions.run(
      upgradeKey(named),
      () =>
        `${named.cluster}.${named.vat} runs the new code, as incarnation ${incarnation}`,
      async () => {
        ({ incarnation } = await connection.call('upgrade', {
          ...named,
          bundle: code.bundle,
          ...said,
        }));
      },
    );
    if (isDone && isWanted()) {
      become(undefined);
    }
  };

  return Object.freeze({
    whose,
    attempt,
    canStart,
    code: choice.code,
    problem: choice.problem,
    isReading: choice.isReading,
    stored: shelf.stored,
    storedProblem: shelf.storedProblem,
    parametersText: words.parametersText,
    parametersProblem: words.parametersProblem,
    message: words.message,
    open: vat => {
      become(vat);
      void shelf.ask();
    },
    close: () => become(undefined),
    readFile: file =>
      choice.read(async () =>
        readBundle(await textOfFile(file), file.name, ports.compileModule),
      ),
    readUrl: url => choice.read(() => fetchBundle(url, ports)),
    chooseStored: hash => {
      const found = shelf.stored.value.find(each => each.hash === hash);
      choice.take(
        found && { origin: found.words, bundle: { hash: found.hash } },
      );
    },
    writeParameters: words.write,
    start: async () => {
      const vat = whose.value;
      const code = choice.code.value;
      if (!vat || !code || !canStart.value) {
        return;
      }
      const said = words.read();
      if (said) {
        await give(vat, code, said);
      }
    },
  } satisfies Upgrading);
};
