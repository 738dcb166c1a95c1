/** @jsxImportSource preact */
import type { ComponentChildren } from 'preact';

export type ButtonProps = {
  readonly children: ComponentChildren;
  readonly onPress: () => void;
  readonly tone?: 'plain' | 'primary' | 'danger' | 'quiet';
  readonly disabled?: boolean;
  /** Said instead of the content where that alone would not be clear. */
  readonly label?: string;
  readonly expanded?: boolean;
  readonly autoFocus?: boolean;
};

const focusOnce = (element: HTMLButtonElement | null): void => element?.focus();

export const Button = ({
  children,
  onPress,
  tone = 'plain',
  disabled = false,
  label,
  expanded,
  autoFocus = false,
}: ButtonProps) => (
  <button
    type="button"
    class={`button ${tone}`}
    aria-disabled={disabled}
    onClick={() => !disabled && onPress()}
    {...(label === undefined ? {} : { 'aria-label': label })}
    {...(expanded === undefined ? {} : { 'aria-expanded': expanded })}
    {...(autoFocus ? { ref: focusOnce } : {})}
  >
    {children}
  </button>
);
