/** @jsxImportSource preact */
import type { ComponentChildren } from 'preact';

export type ButtonProps = {
  readonly children: ComponentChildren;
  /** Left out for a button that submits its form. */
  readonly onPress?: () => void;
  readonly tone?: 'plain' | 'primary' | 'danger' | 'quiet';
  readonly disabled?: boolean;
  /** Said instead of the content where that alone would not be clear. */
  readonly label?: string;
  readonly expanded?: boolean;
  readonly autoFocus?: boolean;
};

/** Scrolls to what has just appeared. As a `ref` it must be one function, as with `focusOnce`. */
export const showOnce = (element: HTMLElement | null): void =>
  element?.scrollIntoView({ block: 'nearest' });

/** Focuses what has just appeared. As a `ref` it must be one function, or each rendering would call it. */
export const focusOnce = (element: HTMLElement | null): void =>
  element?.focus();

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
    type={onPress ? 'button' : 'submit'}
    class={`button ${tone}`}
    aria-disabled={disabled}
    onClick={event => {
      if (disabled) {
        event.preventDefault();
      } else {
        onPress?.();
      }
    }}
    {...(label === undefined ? {} : { 'aria-label': label })}
    {...(expanded === undefined ? {} : { 'aria-expanded': expanded })}
    {...(autoFocus ? { ref: focusOnce } : {})}
  >
    {children}
  </button>
);
