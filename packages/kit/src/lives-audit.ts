/** What is asked for and heard of the lives of vats, in the words `made vat x`, `ended cluster x`, `upgraded 5`. */
export type LivesAudit = {
  /** It is asked for: from now on it may be so. */
  asks(deed: string): void;
  /** It was answered: from now on it is so. */
  has(deed: string): void;
  /** How much was answered. */
  count(): number;
  /**
   * What was answered and is not so, given what is there in the words `vat x` and
   * `cluster x`, and the version that the upgraded vat tells. Versions grow.
   */
  wrongOf(version: number, there: readonly string[]): readonly string[];
};

export const makeLivesAudit = (): LivesAudit => {
  const asked = new Set<string>();
  const heard: string[] = [];
  return Object.freeze({
    asks: (deed: string) => void asked.add(deed),
    has: (deed: string) => void heard.push(deed),
    count: () => heard.length,
    wrongOf: (version: number, there: readonly string[]) =>
      heard.filter(deed => {
        const [what, ...words] = deed.split(' ');
        const thing = words.join(' ');
        switch (what) {
          case 'made':
            return !there.includes(thing) && !asked.has(`ended ${thing}`);
          case 'ended':
            return there.includes(thing);
          case 'upgraded':
            return version < Number(thing);
          default:
            throw Error(`nobody can tell whether this is so: ${deed}`);
        }
      }),
  });
};
