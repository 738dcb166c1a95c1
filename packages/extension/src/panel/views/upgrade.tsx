/** @jsxImportSource preact */
import { useSignal } from '@preact/signals';
import { upgradeKey, type VatNames } from '../state/upgrading.ts';
import type { Bench } from '../state/bench.ts';
import { Button } from '../ui/button.tsx';
import { FileField } from '../ui/file-field.tsx';
import { Notice } from '../ui/notice.tsx';

/** Where the new code comes from. */
const Choice = ({ bench }: { readonly bench: Bench }) => {
  const { readText, readUrl, isReading, problem } = bench.upgrading;
  const url = useSignal('');
  return (
    <>
      <FileField
        accept=".json,.bundle,.js,.mjs,application/json,text/javascript"
        onText={(text, name) => void readText(text, name)}
      >
        a bundle, or one module
      </FileField>
      <form
        class="line-form"
        onSubmit={event => {
          event.preventDefault();
          void readUrl(url.value);
        }}
      >
        <label class="labelled">
          <span>URL of the new code</span>
          <input
            type="url"
            placeholder="https://…"
            value={url.value}
            onInput={event => {
              url.value = event.currentTarget.value;
            }}
          />
        </label>
        <Button disabled={isReading.value}>
          {isReading.value ? 'Reading…' : 'Read'}
        </Button>
      </form>
      {problem.value === undefined ? null : (
        <Notice key={problem.value} tone="bad" isAnswer>
          {problem.value}
        </Notice>
      )}
    </>
  );
};

/** What is about to happen, and the last word. */
const Confirmation = ({
  bench,
  vat,
}: {
  readonly bench: Bench;
  readonly vat: VatNames;
}) => {
  const { code, start, close } = bench.upgrading;
  const state = bench.actions.states.value.get(upgradeKey(vat));
  const isBusy = state?.state === 'busy';
  if (code.value === undefined) {
    return null;
  }
  const { origin } = code.value;
  return (
    <div class="upgrade-confirm">
      <p>
        <strong>{vat.vat}</strong> gets the code of <bdi>{origin}</bdi>. Its
        store and its durable objects stay. What only its heap knew goes, and
        what it has yet to answer is rejected.
      </p>
      {state?.state === 'failed' ? (
        <Notice key={state.problem} tone="bad" isAnswer title="It is as it was">
          <p>{state.problem}</p>
        </Notice>
      ) : null}
      <div class="row">
        <Button
          key={origin}
          tone="primary"
          autoFocus
          label={`Upgrade ${vat.cluster}.${vat.vat} now`}
          disabled={isBusy || !bench.canAct.value}
          onPress={() => void start()}
        >
          {isBusy ? 'Upgrading…' : 'Upgrade'}
        </Button>
        <Button tone="quiet" onPress={close}>
          {isBusy ? 'Close' : 'Cancel'}
        </Button>
      </div>
    </div>
  );
};

/** The form that gives a vat new code. */
export const Upgrade = ({
  bench,
  vat,
}: {
  readonly bench: Bench;
  readonly vat: VatNames;
}) => (
  <section
    class="upgrade"
    aria-label={`Upgrade of ${vat.cluster}.${vat.vat}`}
    onKeyDown={event => {
      if (event.key === 'Escape') {
        event.preventDefault();
        bench.upgrading.close();
      }
    }}
  >
    <Choice bench={bench} />
    <Confirmation bench={bench} vat={vat} />
  </section>
);
