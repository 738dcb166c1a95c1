import {
  isBundleHash,
  type BundleHash,
  type BundleStatus,
  type KernelStatus,
  type VatId,
} from '@cooperage/protocol';

/** Code that the kernel has stored, by what a person knows of it. */
export type StoredCode = {
  readonly hash: BundleHash;
  /** In a list of its group. */
  readonly title: string;
  /** Alone, after "gets". */
  readonly words: string;
  readonly group: 'person' | 'vats';
};

const MOST_NAMED = 3;

const namesOf = (names: readonly string[]): string =>
  names.length <= MOST_NAMED
    ? names.join(', ')
    : `${names.slice(0, MOST_NAMED).join(', ')} and ${names.length - MOST_NAMED} more`;

/** What the person has stored under names, and what vats run, each code once in its group; the vat's own code first among these. */
export const storedCodes = (
  kept: readonly BundleStatus[],
  status: KernelStatus | undefined,
  own: VatId,
): readonly StoredCode[] => {
  const runners = new Map<BundleHash, string[]>();
  let current: BundleHash | undefined;
  for (const { name: cluster, vats } of status?.clusters ?? []) {
    for (const { id, name: vat, bundleHash } of vats) {
      if (!isBundleHash(bundleHash)) {
        // A vat that is being launched has none yet.
        continue;
      }
      if (id === own) {
        current = bundleHash;
      }
      runners.set(bundleHash, [
        ...(runners.get(bundleHash) ?? []),
        `${cluster}.${vat}`,
      ]);
    }
  }
  const run = [...runners].map(([hash, names]): StoredCode => {
    const title = hash === current ? 'its own, anew' : namesOf(names);
    const words =
      hash === current
        ? 'the code that it has, anew'
        : `the code of ${namesOf(names)}`;
    return { hash, title, words, group: 'vats' };
  });
  return [
    ...kept.map(({ hash, name }): StoredCode => ({
      hash,
      title: name,
      words: `the code stored as ${name}`,
      group: 'person',
    })),
    ...run.filter(({ hash }) => hash === current),
    ...run.filter(({ hash }) => hash !== current),
  ];
};
