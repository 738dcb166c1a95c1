import { batch, computed, signal, type ReadonlySignal } from '@preact/signals';
import {
  parseClusterConfig,
  type KernelStatus,
  type SampleCluster,
  type ServiceGrant,
} from '@cooperage/protocol';
import { textOfFile, type ChosenFile } from './chosen-file.ts';
import type { Connection } from './connection.ts';
import { wordsOf } from './link.ts';
import { recallDraft, rememberDraft, type Memory } from './memory.ts';
import {
  configOfBundle,
  isFields,
  nameFromOrigin,
  readConfig,
  rebase,
  type Fields,
} from './read-config.ts';
import { makeSamples, type Samples } from './samples.ts';
import { makeSiteQuestion, type Intent } from './site-question.ts';
import type { Sites } from './sites.ts';

export type Compiled =
  | { readonly ok: true; readonly bundleText: string }
  | {
      readonly ok: false;
      /** Says the line too, where there is one. */
      readonly problem: string;
      readonly line?: number;
      readonly column?: number;
    };

/** What launching needs of the page around the panel. */
export type LaunchPorts = {
  /** Text at a URL; rejects with a reason that a person can read. */
  readonly fetchText: (url: string) => Promise<string>;
  /** Compiles one ES module; `name` is for its errors. */
  readonly compileModule: (source: string, name: string) => Promise<Compiled>;
  /** Where `samples.json` lies; relative bundle URLs in it start there. */
  readonly samplesUrl: string;
};

/** A cluster that is ready to be launched once it has a free name. */
export type LaunchDraft = {
  /** What it came from: a file's name, a URL, a sample's title. */
  readonly origin: string;
  readonly config: Readonly<Record<string, unknown>>;
  readonly vats: readonly string[];
};

export type SourceProblem = Extract<Compiled, { ok: false }>;

/** Why a launch came to nothing when something else was chosen already. */
export type LaunchFailure = {
  readonly id: number;
  /** Of the cluster that there is not. */
  readonly name: string;
  readonly problem: string;
};

/** Where in the room something was asked for, and where its problems belong. */
export type LaunchPlace = 'file' | 'url' | 'source' | 'launch';

export type Launching = Samples & {
  readonly draft: ReadonlySignal<LaunchDraft | undefined>;
  readonly name: ReadonlySignal<string>;
  /** Why there is no draft, or why the kernel refused it. */
  readonly problems: ReadonlySignal<readonly string[]>;
  /** Where the last draft or launch was asked for. */
  readonly place: ReadonlySignal<LaunchPlace>;
  readonly sourceProblem: ReadonlySignal<SourceProblem | undefined>;
  /** What is being read, compiled or sent. */
  readonly busy: ReadonlySignal<LaunchPlace | undefined>;
  /** The browser asks for the draft's sites: until it is answered, `discard` takes the launch back. */
  readonly isAsking: ReadonlySignal<boolean>;
  /** Oldest first, until they are dismissed. */
  readonly failures: ReadonlySignal<readonly LaunchFailure[]>;
  dismiss(failure: LaunchFailure): void;
  draftSample(sample: SampleCluster): void;
  draftFile(file: ChosenFile): Promise<void>;
  draftUrl(url: string): Promise<void>;
  draftSource(source: string, name: string): Promise<void>;
  setName(name: string): void;
  /** Problems of the draft under its name, against what runs now. */
  check(): readonly string[];
  /** The services that the draft wants for its bootstrap. */
  grants(): readonly ServiceGrant[];
  /** Another choice does not hold it up; whatever comes of it is told. */
  launch(): Promise<void>;
  /** Forgets the draft. What the kernel has been asked for goes on. */
  discard(): void;
};

const freeName = (wanted: string, status: KernelStatus | undefined): string => {
  const taken = new Set(status?.clusters.map(({ name }) => name));
  let name = wanted;
  for (let count = 2; taken.has(name); count += 1) {
    name = `${wanted}-${count}`;
  }
  return name;
};

/** Turns samples, files, URLs and pasted source into a cluster, asks for its name, and launches it. */
export const makeLaunching = (
  connection: Pick<Connection, 'call' | 'status'>,
  ports: LaunchPorts,
  {
    sites,
    memory,
  }: { readonly sites: Pick<Sites, 'request'>; readonly memory: Memory },
): Launching => {
  const draft = signal<LaunchDraft | undefined>(undefined);
  const name = signal('');
  const problems = signal<readonly string[]>([]);
  const sourceProblem = signal<SourceProblem | undefined>(undefined);
  const place = signal<LaunchPlace>('file');
  const busy = signal<LaunchPlace | undefined>(undefined);
  const failures = signal<readonly LaunchFailure[]>([]);
  /** That of the draft which is shown. */
  const intent = signal<Intent | undefined>(undefined);
  let lastFailure = 0;
  /** Counts what was chosen: what is read too late for its choice is not taken. */
  let choices = 0;

  const setDraft = (config: Fields, origin: string): void => {
    const { vats, name: wanted } = config;
    batch(() => {
      draft.value = {
        origin,
        config,
        vats: isFields(vats) ? Object.keys(vats) : [],
      };
      problems.value = [];
      name.value = freeName(
        typeof wanted === 'string' ? wanted : nameFromOrigin(origin),
        connection.status.value,
      );
    });
  };
  const refuse = (...found: readonly string[]): void => {
    batch(() => {
      draft.value = undefined;
      problems.value = found;
      sourceProblem.value = undefined;
    });
  };
  /** Another choice was made: what is still being read for an earlier one is not taken. */
  const choose = (where: LaunchPlace): void => {
    choices += 1;
    batch(() => {
      place.value = where;
      busy.value = undefined;
      intent.value = undefined;
    });
  };
  const during = async (
    where: LaunchPlace,
    /** What it gives is done unless another choice was made meanwhile. */
    work: () => Promise<() => void>,
    /** Hears of a problem that nobody waits for any more. */
    onLate: (problem: string) => void = () => {},
  ): Promise<void> => {
    choose(where);
    const mine = choices;
    batch(() => {
      busy.value = where;
      problems.value = [];
    });
    const [finish, problem] = await work().then(
      done => [done, undefined] as const,
      (error: unknown) => {
        const words = wordsOf(error);
        return [() => void (problems.value = [words]), words] as const;
      },
    );
    if (mine === choices) {
      batch(() => {
        busy.value = undefined;
        finish();
      });
    } else if (problem !== undefined) {
      onLate(problem);
    }
  };
  const draftFrom = (text: string, origin: string, base?: string): void => {
    const read = readConfig(text, origin);
    if (read.problems) {
      refuse(...read.problems);
      return;
    }
    setDraft(
      base === undefined ? read.config : rebase(read.config, base),
      origin,
    );
  };
  const parse = () =>
    parseClusterConfig({ ...draft.value?.config, name: name.value.trim() });
  const check = (): readonly string[] => {
    if (draft.value === undefined) {
      return [];
    }
    const wanted = name.value.trim();
    const found = parse();
    const running = connection.status.value?.clusters ?? [];
    const taken = running.some(cluster => cluster.name === wanted)
      ? [`name: a cluster called ${wanted} is running already`]
      : [];
    return [...(found.ok ? [] : found.problems), ...taken];
  };

  const grants = (): readonly ServiceGrant[] => {
    const found = parse();
    return found.ok ? found.value.services : [];
  };
  const question = makeSiteQuestion(sites, memory);
  const launchDraft = async (
    current: LaunchDraft,
    mine: Intent,
  ): Promise<() => void> => {
    const config = { ...current.config, name: name.value.trim() };
    intent.value = mine;
    await question.insist(mine, { ...current, name: name.value }, grants());
    if (mine.isTakenBack) {
      return () => {};
    }
    if (intent.value === mine) {
      intent.value = undefined;
    }
    await connection.call('launch', { config });
    return () => {
      draft.value = undefined;
    };
  };
  const keepFailure = (failed: string, problem: string): void => {
    lastFailure += 1;
    failures.value = [
      ...failures.value,
      { id: lastFailure, name: failed, problem },
    ];
  };

  const remembered = recallDraft(memory);
  if (remembered) {
    setDraft(remembered.config, remembered.origin);
    name.value = remembered.name;
    rememberDraft(memory, undefined);
  }

  return Object.freeze({
    ...makeSamples(ports),
    draft,
    name,
    problems,
    place,
    sourceProblem,
    busy,
    isAsking: computed(() => intent.value !== undefined),
    failures,
    dismiss: failure => {
      failures.value = failures.value.filter(each => each !== failure);
    },
    draftSample: ({ title, config }) => {
      if (isFields(config)) {
        choose('file');
        setDraft(rebase(config, ports.samplesUrl), title);
      }
    },
    draftFile: file =>
      during('file', async () => {
        refuse();
        const text = await textOfFile(file);
        return () => draftFrom(text, file.name);
      }),
    draftUrl: async url => {
      const wanted = url.trim();
      if (!URL.canParse(wanted)) {
        choose('url');
        refuse(`${JSON.stringify(wanted)} is no URL; it begins with https://`);
        return;
      }
      await during('url', async () => {
        refuse();
        const text = await ports.fetchText(wanted);
        return () => draftFrom(text, wanted, wanted);
      });
    },
    draftSource: async (source, moduleName) => {
      await during('source', async () => {
        refuse();
        const compiled = await ports.compileModule(source, moduleName);
        return () => {
          if (compiled.ok) {
            const config = configOfBundle(compiled.bundleText, moduleName);
            setDraft(config, 'pasted source');
          } else {
            sourceProblem.value = compiled;
          }
        };
      });
    },
    setName: next => {
      name.value = next;
    },
    check,
    grants,
    launch: async () => {
      const current = draft.value;
      if (
        current === undefined ||
        busy.value === 'launch' ||
        check().length > 0
      ) {
        return;
      }
      const mine: Intent = { isTakenBack: false };
      const wanted = name.value.trim();
      await during(
        'launch',
        () => launchDraft(current, mine),
        problem => {
          if (!mine.isTakenBack) {
            keepFailure(wanted, problem);
          }
        },
      );
    },
    discard: () => {
      if (intent.value) {
        question.takeBack(intent.value);
      }
      choose(place.value);
      refuse();
    },
  } satisfies Launching);
};
