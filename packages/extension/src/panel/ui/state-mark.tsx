/** @jsxImportSource preact */
export type MarkTone = 'good' | 'busy' | 'calm' | 'warn' | 'bad';

/** A dot and a word: never the color alone. */
export const StateMark = ({
  tone,
  text,
}: {
  readonly tone: MarkTone;
  readonly text: string;
}) => (
  <span class={`mark ${tone}`}>
    <span class="dot" aria-hidden="true" />
    {text}
  </span>
);
