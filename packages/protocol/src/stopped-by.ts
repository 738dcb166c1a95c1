/**
 * By whose order a vat is paused or suspended; `kernel` for a fault. Nobody lifts
 * the order of one who stands later in this list.
 */
export const AUTHORITIES = Object.freeze([
  'kernel',
  'maker',
  'person',
] as const);
export type StoppedBy = (typeof AUTHORITIES)[number];

const WORDS: Readonly<Record<StoppedBy, string>> = Object.freeze({
  kernel: 'by the kernel',
  maker: 'by its maker',
  person: 'by a person',
});

/** `by a person`, to follow `paused` or `suspended`. */
export const wordsOfStop = (by: StoppedBy): string => WORDS[by];
