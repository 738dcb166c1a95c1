/** @jsxImportSource preact */
import { useSignal } from '@preact/signals';
import type { Bench } from '../state/bench.ts';
import { Button } from '../ui/button.tsx';
import { ActionProblem } from './action-problem.tsx';

const WORD = 'erase';

/** Erasing everything, behind a word that must be typed. */
export const DangerZone = ({ bench }: { readonly bench: Bench }) => {
  const typed = useSignal('');
  const ready =
    typed.value.trim().toLowerCase() === WORD &&
    bench.connection.phase.value.at === 'open';
  const erase = async (): Promise<void> => {
    if (
      ready &&
      (await bench.actions.control(
        'erase',
        'Everything is erased',
        'erase',
        {},
      ))
    ) {
      typed.value = '';
      bench.results.clear();
      bench.logs.clear();
    }
  };
  return (
    <details class="danger">
      <summary>Erase everything…</summary>
      <form
        onSubmit={event => {
          event.preventDefault();
          void erase();
        }}
      >
        <p>
          Ends every vat and erases all that they and the kernel have stored.
          There is no way back.
        </p>
        <label class="labelled">
          <span>
            Type <code>{WORD}</code> to allow it
          </span>
          <input
            value={typed.value}
            autocomplete="off"
            spellcheck={false}
            onInput={event => {
              typed.value = event.currentTarget.value;
            }}
          />
        </label>
        <Button tone="danger" disabled={!ready}>
          Erase everything
        </Button>
        <ActionProblem bench={bench} actionKey="erase" />
      </form>
    </details>
  );
};
