import { batch, signal, type ReadonlySignal } from '@preact/signals';
import {
  parseClusterConfig,
  sitesOfGrants,
  type KernelStatus,
  type SampleCluster,
  type ServiceGrant,
} from '@cooperage/protocol';
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
import { nameOfSite, type Sites } from './sites.ts';

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

/** Where in the room something was asked for, and where its problems belong. */
export type LaunchPlace = 'file' | 'url' | 'source' | 'launch';

export type Launching = {
  readonly samples: ReadonlySignal<readonly SampleCluster[]>;
  readonly samplesProblem: ReadonlySignal<string | undefined>;
  readonly draft: ReadonlySignal<LaunchDraft | undefined>;
  readonly name: ReadonlySignal<string>;
  /** Why there is no draft, or why the kernel refused it. */
  readonly problems: ReadonlySignal<readonly string[]>;
  /** Where the last draft or launch was asked for. */
  readonly place: ReadonlySignal<LaunchPlace>;
  readonly sourceProblem: ReadonlySignal<SourceProblem | undefined>;
  /** What is being read, compiled or sent. */
  readonly busy: ReadonlySignal<LaunchPlace | undefined>;
  loadSamples(): Promise<void>;
  draftSample(sample: SampleCluster): void;
  /** From a file's text. */
  draftText(text: string, origin: string): void;
  draftUrl(url: string): Promise<void>;
  draftSource(source: string, name: string): Promise<void>;
  setName(name: string): void;
  /** Problems of the draft under its name, against what runs now. */
  check(): readonly string[];
  /** The services that the draft wants for its bootstrap. */
  grants(): readonly ServiceGrant[];
  launch(): Promise<void>;
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
  const samples = signal<readonly SampleCluster[]>([]);
  const samplesProblem = signal<string | undefined>(undefined);
  const draft = signal<LaunchDraft | undefined>(undefined);
  const name = signal('');
  const problems = signal<readonly string[]>([]);
  const sourceProblem = signal<SourceProblem | undefined>(undefined);
  const place = signal<LaunchPlace>('file');
  const busy = signal<LaunchPlace | undefined>(undefined);
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
    place.value = where;
    busy.value = undefined;
  };
  const during = async (
    where: LaunchPlace,
    /** What it gives is done unless another choice was made meanwhile. */
    work: () => Promise<() => void>,
  ): Promise<void> => {
    choose(where);
    const mine = choices;
    batch(() => {
      busy.value = where;
      problems.value = [];
    });
    const finish = await work().catch((error: unknown) => () => {
      problems.value = [wordsOf(error)];
    });
    if (mine === choices) {
      batch(() => {
        busy.value = undefined;
        finish();
      });
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
  /** The browser's question may close a popup: it goes on with the draft when it is opened again. */
  const insistSites = async (current: LaunchDraft): Promise<void> => {
    const wanted = sitesOfGrants(grants());
    if (wanted.length === 0) {
      return;
    }
    rememberDraft(memory, { ...current, name: name.value });
    const isAllowed = await sites.request(wanted);
    rememberDraft(memory, undefined);
    if (!isAllowed) {
      throw new Error(
        `Its vats are to fetch from ${wanted.map(nameOfSite).join(', ')}, and you have not allowed that: launch it again and allow it, or take the service fetch out of its config`,
      );
    }
  };

  const remembered = recallDraft(memory);
  if (remembered) {
    setDraft(remembered.config, remembered.origin);
    name.value = remembered.name;
    rememberDraft(memory, undefined);
  }

  return Object.freeze({
    samples,
    samplesProblem,
    draft,
    name,
    problems,
    place,
    sourceProblem,
    busy,
    loadSamples: async () => {
      try {
        const text = await ports.fetchText(ports.samplesUrl);
        const list: unknown = JSON.parse(text);
        samples.value = Array.isArray(list) ? list.filter(isSample) : [];
        samplesProblem.value = undefined;
      } catch (error) {
        samplesProblem.value = wordsOf(error);
      }
    },
    draftSample: ({ title, config }) => {
      if (isFields(config)) {
        choose('file');
        setDraft(rebase(config, ports.samplesUrl), title);
      }
    },
    draftText: (text, origin) => {
      choose('file');
      draftFrom(text, origin);
    },
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
      if (current === undefined || check().length > 0) {
        return;
      }
      const config = { ...current.config, name: name.value.trim() };
      await during('launch', async () => {
        await insistSites(current);
        await connection.call('launch', { config });
        return () => {
          draft.value = undefined;
        };
      });
    },
    discard: () => {
      choose(place.value);
      refuse();
    },
  } satisfies Launching);
};

const isSample = (value: unknown): value is SampleCluster =>
  isFields(value) &&
  typeof value['title'] === 'string' &&
  typeof value['description'] === 'string' &&
  isFields(value['config']);
