/** @jsxImportSource preact */
import { useSignal } from '@preact/signals';
import { useLayoutEffect, useRef } from 'preact/hooks';
import type { Bench } from '../state/bench.ts';
import {
  checkDraft,
  type DraftProblems,
  type MessageDraft,
} from '../state/results.ts';
import type { Target } from '../state/targets.ts';
import { Button } from '../ui/button.tsx';
import { Results } from './results.tsx';

const GROUP_NAMES: Readonly<Record<Target['group'], string>> = {
  roots: 'root',
  home: 'home',
  results: 'from a result',
};

const Problem = ({
  id,
  text,
}: {
  readonly id: string;
  readonly text: string | undefined;
}) => (
  <span id={id} class="field-problem" role="alert">
    {text}
  </span>
);

const argsProblemText = ({ args }: DraftProblems): string | undefined =>
  args && `Line ${args.line}, column ${args.column}: ${args.problem}`;

/** To whom, and which method. */
const Addressee = ({
  bench,
  found,
  edit,
}: {
  readonly bench: Bench;
  readonly found: DraftProblems;
  readonly edit: (change: Partial<MessageDraft>) => void;
}) => {
  const draft = bench.draft.value;
  return (
    <>
      <div class="pair">
        <label class="labelled">
          <span>To</span>
          <input
            name="target"
            list="targets"
            placeholder="cluster.vat or ko7"
            autocomplete="off"
            spellcheck={false}
            aria-invalid={found.target !== undefined}
            aria-describedby="target-problem"
            value={draft.target}
            onInput={event => edit({ target: event.currentTarget.value })}
          />
        </label>
        <label class="labelled">
          <span>Method</span>
          <input
            name="method"
            placeholder="hello"
            autocomplete="off"
            spellcheck={false}
            aria-invalid={found.method !== undefined}
            aria-describedby="method-problem"
            value={draft.method}
            onInput={event => edit({ method: event.currentTarget.value })}
          />
        </label>
      </div>
      <datalist id="targets">
        {bench.targets.value.map(({ name, detail, group }) => (
          <option key={`${group}:${name}`} value={name}>
            {`${GROUP_NAMES[group]} · ${detail}`}
          </option>
        ))}
      </datalist>
      <Problem id="target-problem" text={found.target} />
      <Problem id="method-problem" text={found.method} />
    </>
  );
};

/** The form that sends one message, and the results below it. */
export const Message = ({ bench }: { readonly bench: Bench }) => {
  const problems = useSignal<DraftProblems>({});
  const argsField = useRef<HTMLTextAreaElement>(null);
  const form = useRef<HTMLFormElement>(null);
  const draft = bench.draft.value;
  const isAddressed = bench.addressed.value;
  useLayoutEffect(() => {
    if (isAddressed) {
      bench.addressed.value = false;
      form.current?.querySelector<HTMLInputElement>('[name=method]')?.focus();
    }
  }, [bench, isAddressed]);
  const edit = (change: Partial<MessageDraft>): void => {
    bench.draft.value = { ...bench.draft.value, ...change };
    problems.value = {};
  };
  const focusFirstProblem = (found: DraftProblems): void => {
    const first = found.target ? 'target' : found.method ? 'method' : undefined;
    if (first) {
      form.current?.querySelector<HTMLInputElement>(`[name=${first}]`)?.focus();
    } else if (found.args) {
      argsField.current?.focus();
      argsField.current?.setSelectionRange(
        found.args.index,
        found.args.index + 1,
      );
    }
  };
  const send = (): void => {
    if (!bench.canAct.value) {
      return;
    }
    const checked = checkDraft(draft, bench.connection.status.value);
    if (checked.ok) {
      problems.value = {};
      void bench.results.send(draft, checked.args);
    } else {
      problems.value = checked.problems;
      focusFirstProblem(checked.problems);
    }
  };
  const found = problems.value;
  return (
    <>
      <form
        class="card message"
        aria-label="Send a message"
        ref={form}
        onSubmit={event => {
          event.preventDefault();
          send();
        }}
        onKeyDown={event => {
          if (event.key === 'Enter' && (event.ctrlKey || event.metaKey)) {
            event.preventDefault();
            send();
          }
        }}
      >
        <Addressee bench={bench} found={found} edit={edit} />
        <label class="labelled">
          <span>Arguments, a JSON list</span>
          <textarea
            ref={argsField}
            name="args"
            rows={2}
            placeholder={'["world", {"@ref": "demo.bob"}]'}
            spellcheck={false}
            aria-invalid={found.args !== undefined}
            aria-describedby="args-problem args-help"
            value={draft.argsText}
            onInput={event => edit({ argsText: event.currentTarget.value })}
          />
        </label>
        <Problem id="args-problem" text={argsProblemText(found)} />
        <div class="row spread">
          <small id="args-help">
            <code>{'{"@ref": "ko7"}'}</code> passes an object
          </small>
          <Button tone="primary" disabled={!bench.canAct.value}>
            Send
          </Button>
        </div>
      </form>
      <Results bench={bench} />
    </>
  );
};
