import harden from '@endo/harden';

/** Units of an interface that are kept. */
const MOST_UNITS = 100;
/** Units that are looked at to find its end: each kept one may be written as an escape. */
const MOST_WRITTEN = 6 * MOST_UNITS;
/** Mentions of references in one body that are looked at. */
const MOST_MENTIONS = 20_000;

/** What would break a line, reorder a text, or is no character. */
const UNFIT = /[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}]/gu;

const MENTION = '"$';
const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const DOT = 0x2e;
const ZERO = 0x30;

/** The text of a JSON string from `start` to its quote; undefined when none comes near. */
const readString = (body: string, start: number): string | undefined => {
  const last = Math.min(body.length, start + MOST_WRITTEN);
  for (let at = start; at < last; at += 1) {
    const unit = body.charCodeAt(at);
    if (unit === QUOTE) {
      try {
        return String(JSON.parse(`"${body.slice(start, at)}"`));
      } catch {
        return undefined;
      }
    }
    at += unit === BACKSLASH ? 1 : 0;
  }
  return undefined;
};

/** The interface as it is kept: without `Alleged`, whoever reads it knows that. */
const tidy = (text: string): string => {
  const plain = text.replace(/^Alleged: /, '').replace(UNFIT, '\ufffd');
  return plain.length > MOST_UNITS
    ? `${plain.slice(0, MOST_UNITS - 1).replace(UNFIT, '')}…`
    : plain;
};

/** The number and the place after it, of a slot that begins at `start`; undefined when there is none. */
const readIndex = (
  body: string,
  start: number,
): { index: number; end: number } | undefined => {
  let index = 0;
  let end = start;
  for (; end < start + 6; end += 1) {
    const digit = body.charCodeAt(end) - ZERO;
    if (!(digit >= 0 && digit <= 9)) {
      break;
    }
    index = index * 10 + digit;
  }
  return end > start ? { index, end } : undefined;
};

/** Every slot whose first mention in the body has an interface. Never throws, and looks at the body once. */
const findInterfaces = (body: string): Map<number, string> => {
  const found = new Map<number, string>();
  let at = body.indexOf(MENTION);
  for (let seen = 0; at >= 0 && seen < MOST_MENTIONS; seen += 1) {
    // Within a string a quote stands behind a backslash: that is no mention.
    const slot =
      body.charCodeAt(at - 1) === BACKSLASH
        ? undefined
        : readIndex(body, at + MENTION.length);
    if (slot && body.charCodeAt(slot.end) === DOT && !found.has(slot.index)) {
      const text = readString(body, slot.end + 1);
      if (text !== undefined && text !== '') {
        found.set(slot.index, tidy(text));
      }
    }
    at = body.indexOf(MENTION, at + MENTION.length);
  }
  return found;
};

/**
 * Tells what a body alleges the objects in its slots to be. In smallcaps an
 * object's first mention is `"$3.Alleged: Purse"`, so that the body need not be
 * parsed: it is searched, and only when the first question comes. A vat may
 * write what it likes there, about what it exports itself.
 */
export const makeInterfaceReader = (
  body: string,
): ((slot: number) => string | null) => {
  let found: Map<number, string> | undefined;
  return slot => {
    found ??= findInterfaces(body);
    return found.get(slot) ?? null;
  };
};
harden(makeInterfaceReader);
