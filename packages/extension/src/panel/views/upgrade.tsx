/** @jsxImportSource preact */
import { useSignal } from '@preact/signals';
import { useLayoutEffect, useRef } from 'preact/hooks';
import type { Bench } from '../state/bench.ts';
import type { NewCode } from '../state/new-code.ts';
import type { NamedVat } from '../state/upgrading.ts';
import { Button } from '../ui/button.tsx';
import { FileField } from '../ui/file-field.tsx';
import { LongText } from '../ui/long-text.tsx';
import { Notice } from '../ui/notice.tsx';

const GROUPS = [
  ['person', 'Stored by you'],
  ['vats', 'Of vats'],
] as const;

/** What need not be fetched. */
const StoredChoice = ({ bench }: { readonly bench: Bench }) => {
  const { stored, code, chooseStored } = bench.upgrading;
  const bundle = code.value?.bundle;
  const groups = GROUPS.map(
    ([group, title]) =>
      [title, stored.value.filter(each => each.group === group)] as const,
  ).filter(([, codes]) => codes.length > 0);
  return groups.length === 0 ? null : (
    <label class="labelled">
      <span>Code that is stored here</span>
      <select
        value={bundle && 'hash' in bundle ? bundle.hash : ''}
        onChange={event => chooseStored(event.currentTarget.value)}
      >
        <option value="">none chosen</option>
        {groups.map(([title, codes]) => (
          <optgroup key={title} label={title}>
            {codes.map(each => (
              <option key={each.hash} value={each.hash}>
                {each.title}
              </option>
            ))}
          </optgroup>
        ))}
      </select>
    </label>
  );
};

/** Where the new code comes from. */
const Choice = ({ bench }: { readonly bench: Bench }) => {
  const { readFile, readUrl, isReading, problem, storedProblem } =
    bench.upgrading;
  const url = useSignal('');
  return (
    <>
      <FileField
        accept=".json,.bundle,.js,.mjs,application/json,text/javascript"
        onFile={file => void readFile(file)}
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
      <StoredChoice bench={bench} />
      {storedProblem.value === undefined ? null : (
        <Notice tone="warn">{storedProblem.value}</Notice>
      )}
      {problem.value === undefined ? null : (
        <Notice key={problem.value} tone="bad" isAnswer>
          {problem.value}
        </Notice>
      )}
    </>
  );
};

/** What may be said beside the code; folded, since most upgrades want none of it. */
const Words = ({ bench }: { readonly bench: Bench }) => {
  const { parametersText, parametersProblem, writeParameters, message } =
    bench.upgrading;
  const field = useRef<HTMLTextAreaElement>(null);
  const folded = useRef<HTMLDetailsElement>(null);
  const problem = parametersProblem.value;
  useLayoutEffect(() => {
    if (problem && folded.current) {
      folded.current.open = true;
      field.current?.focus();
      field.current?.setSelectionRange(problem.index, problem.index + 1);
    }
  }, [problem]);
  return (
    <details class="words" ref={folded}>
      <summary>Parameters, and a word to those who wait</summary>
      <label class="labelled">
        <span>Parameters, in JSON; as they are if empty</span>
        <textarea
          ref={field}
          rows={2}
          placeholder={'{"greeting": "Good day"}'}
          spellcheck={false}
          aria-invalid={problem !== undefined}
          aria-describedby="parameters-problem"
          value={parametersText.value}
          onInput={event => writeParameters(event.currentTarget.value)}
        />
      </label>
      <span id="parameters-problem" class="field-problem" role="alert">
        {problem &&
          `Line ${problem.line}, column ${problem.column}: ${problem.problem}`}
      </span>
      <label class="labelled">
        <span>Message in what it has yet to answer</span>
        <input
          placeholder="vat upgraded"
          autocomplete="off"
          value={message.value}
          onInput={event => {
            message.value = event.currentTarget.value;
          }}
          onKeyDown={event => {
            if (event.key === 'Enter') {
              event.preventDefault();
              void bench.upgrading.start();
            }
          }}
        />
      </label>
    </details>
  );
};

/** To follow `gets`. */
const wordsOfCode = ({ origin, bundle }: NewCode): string =>
  'hash' in bundle ? origin : `the code of ${origin}`;

/** What has become of the last upgrade, which need not be to what is chosen now. */
const AttemptNotice = ({ bench }: { readonly bench: Bench }) => {
  const { attempt, code } = bench.upgrading;
  const last = attempt.value;
  if (last === undefined) {
    return null;
  }
  const isChosen = last.code === code.value;
  if (last.state === 'busy') {
    return isChosen ? null : (
      <p role="status">
        It is getting {wordsOfCode(last.code)} now; this can follow.
      </p>
    );
  }
  return (
    <Notice
      key={last.problem}
      tone="bad"
      isAnswer={isChosen}
      title={
        isChosen
          ? 'It is as it was'
          : `It is as it was, without ${wordsOfCode(last.code)}`
      }
    >
      <div>
        <LongText text={last.problem} />
      </div>
    </Notice>
  );
};

/** What is about to happen, and the last word. */
const Confirmation = ({
  bench,
  vat,
}: {
  readonly bench: Bench;
  readonly vat: NamedVat;
}) => {
  const { code, start, close, canStart, attempt } = bench.upgrading;
  const isBusy = attempt.value?.state === 'busy';
  if (code.value === undefined) {
    return <AttemptNotice bench={bench} />;
  }
  const { origin, bundle } = code.value;
  return (
    <div class="upgrade-confirm">
      <p>
        <strong>{vat.vat}</strong> gets <bdi>{wordsOfCode(code.value)}</bdi>.
        Its store and its durable objects stay. What only its heap knew goes,
        and what it has yet to answer is rejected.
      </p>
      <Words bench={bench} />
      <AttemptNotice bench={bench} />
      <div class="row">
        <Button
          key={origin}
          tone="primary"
          // Arrows in the list of what is stored must find it where it was.
          autoFocus={!('hash' in bundle)}
          label={`Upgrade ${vat.cluster}.${vat.vat} now`}
          disabled={!canStart.value}
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
  readonly vat: NamedVat;
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
