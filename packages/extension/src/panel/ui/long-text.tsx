/** @jsxImportSource preact */

/** What is not much longer than its beginning is shown whole. */
const LONG = 280;
const BEGINNING = 160;

/** A text of any length: of a long one the beginning, and behind it all. */
export const LongText = ({ text }: { readonly text: string }) =>
  text.length <= LONG ? (
    <>{text}</>
  ) : (
    <details class="long-text">
      <summary>
        <span class="closed">{text.slice(0, BEGINNING).trimEnd()}… </span>
        <small class="closed">all of it</small>
        <small class="opened">less</small>
      </summary>
      {text}
    </details>
  );
