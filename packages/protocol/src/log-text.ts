/** Ends of lines as consoles and terminals know them. */
const LINE_END = /\r\n|[\r\n\u2028\u2029]/g;
/** What a terminal obeys instead of showing it. */
const CONTROL = /[^\P{Cc}\t\n]/gu;

/**
 * The text of a log entry behind a label of ours, for a console or a terminal.
 * Lines after the first are indented and control characters replaced, so that
 * no vat can write a line that passes for another's.
 */
export const showLogText = (text: string): string =>
  text.replace(LINE_END, '\n    ').replace(CONTROL, '\ufffd');
