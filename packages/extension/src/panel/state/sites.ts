import { computed, effect, signal, type ReadonlySignal } from '@preact/signals';
import { sitesOfGrants, type KernelStatus } from '@cooperage/protocol';

/** What a browser lets the extension fetch from, site by site; see `sitesOf`. */
export type SitePorts = {
  /** Those of the sites that may not be fetched from. */
  missing(sites: readonly string[]): Promise<readonly string[]>;
  /**
   * Asks the person, unless all are allowed already: at once in what they have
   * just done, or the browser refuses to. False when they did not allow it.
   */
  request(sites: readonly string[]): Promise<boolean>;
  /** Calls back whenever something was allowed or taken back. */
  watch(onChange: () => void): void;
};

/** Where a browser asks for nothing. */
export const everySite: SitePorts = Object.freeze({
  missing: async () => [],
  request: async () => true,
  watch: () => {},
});

export type Sites = {
  /** Sites that a cluster was granted, and that the person does not let be fetched from, or no more. */
  readonly missing: ReadonlySignal<ReadonlySet<string>>;
  /** As `SitePorts.request`. */
  request(sites: readonly string[]): Promise<boolean>;
};

/** `https://api.example.org/*` as a person knows it. */
export const nameOfSite = (site: string): string => site.replace(/\/\*$/, '');

/** Watches whether what the clusters were granted can still be fetched. */
export const makeSites = (
  status: ReadonlySignal<KernelStatus | undefined>,
  ports: SitePorts,
): Sites => {
  const missing = signal<ReadonlySet<string>>(new Set());
  const changes = signal(0);
  const wanted = computed(() =>
    sitesOfGrants(
      status.value?.clusters.flatMap(({ services }) => services) ?? [],
    ).join(' '),
  );
  let last = 0;
  const look = async (sites: readonly string[]): Promise<void> => {
    last += 1;
    const mine = last;
    const found = sites.length === 0 ? [] : await ports.missing(sites);
    if (mine === last) {
      missing.value = new Set(found);
    }
  };
  ports.watch(() => {
    changes.value += 1;
  });
  effect(() => {
    void changes.value;
    void look(wanted.value.split(' ').filter(site => site !== ''));
  });
  return Object.freeze({ missing, request: ports.request });
};
