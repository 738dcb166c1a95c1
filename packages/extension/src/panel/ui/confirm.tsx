/** @jsxImportSource preact */
import { useSignal } from '@preact/signals';
import { useRef } from 'preact/hooks';
import { Button } from './button.tsx';

/**
 * A button that asks once more in its own place. Escape and Cancel go back,
 * and the focus with them; Cancel has it first, so that a held Enter harms nothing.
 */
export const ConfirmButton = ({
  text,
  question,
  confirmText,
  onConfirm,
  label,
  disabled = false,
}: {
  readonly text: string;
  readonly question: string;
  readonly confirmText: string;
  readonly onConfirm: () => void;
  readonly label: string;
  readonly disabled?: boolean;
}) => {
  const asking = useSignal(false);
  const wasAsking = useRef(false);
  const ask = (next: boolean): void => {
    wasAsking.current = asking.value;
    asking.value = next;
  };
  if (!asking.value) {
    return (
      <Button
        tone="quiet"
        label={label}
        disabled={disabled}
        autoFocus={wasAsking.current}
        onPress={() => ask(true)}
      >
        {text}
      </Button>
    );
  }
  return (
    <div
      class="confirm"
      role="group"
      aria-label={question}
      onKeyDown={event => {
        if (event.key === 'Escape') {
          event.preventDefault();
          event.stopPropagation();
          ask(false);
        }
      }}
    >
      <span>{question}</span>
      <div class="row">
        <Button tone="quiet" autoFocus onPress={() => ask(false)}>
          Cancel
        </Button>
        <Button
          tone="danger"
          onPress={() => {
            ask(false);
            onConfirm();
          }}
        >
          {confirmText}
        </Button>
      </div>
    </div>
  );
};
