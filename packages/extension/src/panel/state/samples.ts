import { signal, type ReadonlySignal } from '@preact/signals';
import type { SampleCluster } from '@cooperage/protocol';
import { wordsOf } from './link.ts';
import { isFields } from './read-config.ts';

const isSample = (value: unknown): value is SampleCluster =>
  isFields(value) &&
  typeof value['title'] === 'string' &&
  typeof value['description'] === 'string' &&
  isFields(value['config']);

/** The clusters that come with the extension. */
export type Samples = {
  readonly samples: ReadonlySignal<readonly SampleCluster[]>;
  readonly samplesProblem: ReadonlySignal<string | undefined>;
  loadSamples(): Promise<void>;
};

export const makeSamples = ({
  fetchText,
  samplesUrl,
}: {
  readonly fetchText: (url: string) => Promise<string>;
  readonly samplesUrl: string;
}): Samples => {
  const samples = signal<readonly SampleCluster[]>([]);
  const samplesProblem = signal<string | undefined>(undefined);
  return Object.freeze({
    samples,
    samplesProblem,
    loadSamples: async () => {
      try {
        const list: unknown = JSON.parse(await fetchText(samplesUrl));
        samples.value = Array.isArray(list) ? list.filter(isSample) : [];
        samplesProblem.value = undefined;
      } catch (error) {
        samplesProblem.value = wordsOf(error);
      }
    },
  });
};
