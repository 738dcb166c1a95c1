/** @jsxImportSource preact */
import { useSignal } from '@preact/signals';
import { useEffect, useRef } from 'preact/hooks';
import type { LaunchStatus } from '@cooperage/protocol';
import type { Bench } from '../state/bench.ts';
import { wordsOf } from '../state/link.ts';
import { Button } from '../ui/button.tsx';
import { Notice, ProblemList } from '../ui/notice.tsx';
import { SourceEditor } from './source.tsx';

const SIGNS = { running: '◌', done: '✓', failed: '✕' } as const;

const Progress = ({ launch }: { readonly launch: LaunchStatus }) => (
  <li class={`card launch ${launch.state}`}>
    <h3>
      {launch.name}{' '}
      <small>
        {launch.state === 'running' ? 'is being launched' : null}
        {launch.state === 'done' ? 'was launched' : null}
        {launch.state === 'failed' ? 'could not be launched' : null}
      </small>
    </h3>
    <ol class="steps">
      {launch.steps.map(({ text, state }) => (
        <li key={text} class={state}>
          <span aria-hidden="true">{SIGNS[state]}</span> {text}
          <span class="only-said">, {state}</span>
        </li>
      ))}
    </ol>
    {launch.error === undefined ? null : (
      <Notice tone="bad">
        <p>{launch.error}</p>
        <p>
          {launch.state === 'failed'
            ? 'Nothing of it is left behind. Mend the cause and launch it again.'
            : 'Its vats run all the same.'}
        </p>
      </Notice>
    )}
  </li>
);

const Draft = ({ bench }: { readonly bench: Bench }) => {
  const { launching } = bench;
  const draft = launching.draft.value;
  const field = useRef<HTMLInputElement>(null);
  useEffect(() => field.current?.focus(), [draft]);
  if (draft === undefined) {
    return null;
  }
  const discard = (): void => {
    launching.discard();
    // The form goes, and the focus with it, unless it is told where to.
    document.getElementById('tab-launch')?.focus();
  };
  const problems = launching.check();
  const mayNot =
    problems.length > 0 ||
    !bench.canAct.value ||
    launching.busy.value !== undefined;
  return (
    <form
      class="card draft"
      aria-label={`Launch ${draft.origin}`}
      onSubmit={event => {
        event.preventDefault();
        if (!mayNot) {
          void launching.launch();
        }
      }}
      onKeyDown={event => {
        if (event.key === 'Escape') {
          event.preventDefault();
          discard();
        }
      }}
    >
      <h3>Launch {draft.origin}</h3>
      <p class="facts">
        <span>
          {draft.vats.length === 1 ? 'vat' : `${draft.vats.length} vats`}:{' '}
          {draft.vats.join(', ')}
        </span>
      </p>
      <label class="labelled">
        <span>Name of the cluster</span>
        <input
          value={launching.name.value}
          ref={field}
          autocomplete="off"
          spellcheck={false}
          onInput={event => launching.setName(event.currentTarget.value)}
        />
      </label>
      <ProblemList problems={problems} />
      <div class="row">
        <Button tone="primary" disabled={mayNot}>
          {launching.busy.value === undefined ? 'Launch' : 'Launching…'}
        </Button>
        <Button tone="quiet" onPress={discard}>
          Cancel
        </Button>
      </div>
    </form>
  );
};

const Samples = ({ bench }: { readonly bench: Bench }) => {
  const { samples, samplesProblem, draftSample } = bench.launching;
  return (
    <section aria-labelledby="samples-title">
      <h2 id="samples-title">Samples</h2>
      {samplesProblem.value === undefined ? null : (
        <Notice tone="warn">
          The samples can’t be read: {samplesProblem.value}
        </Notice>
      )}
      <ul class="samples">
        {samples.value.map(sample => (
          <li key={sample.title}>
            <button
              type="button"
              class="sample"
              onClick={() => draftSample(sample)}
            >
              <strong>{sample.title}</strong>
              <span>{sample.description}</span>
            </button>
          </li>
        ))}
      </ul>
    </section>
  );
};

const FileAndUrl = ({ bench }: { readonly bench: Bench }) => {
  const { launching } = bench;
  const over = useSignal(false);
  const url = useSignal('');
  const problem = useSignal<string | undefined>(undefined);
  const readFile = async (file: File | null | undefined): Promise<void> => {
    problem.value = undefined;
    try {
      if (file) {
        launching.draftText(await file.text(), file.name);
      }
    } catch (error) {
      problem.value = `${file?.name ?? 'the file'} can’t be read: ${wordsOf(error)}`;
    }
  };
  return (
    <section aria-labelledby="file-title">
      <h2 id="file-title">From a file or a URL</h2>
      <label
        class={over.value ? 'drop over' : 'drop'}
        onDragOver={event => {
          event.preventDefault();
          over.value = true;
        }}
        onDragLeave={() => {
          over.value = false;
        }}
        onDrop={event => {
          event.preventDefault();
          over.value = false;
          void readFile(event.dataTransfer?.files[0]);
        }}
      >
        <span>
          <strong>Choose a file</strong> or drop it here: a bundle or a cluster
          config
        </span>
        <input
          type="file"
          accept=".json,.bundle,application/json"
          onChange={event => {
            const input = event.currentTarget;
            void readFile(input.files?.[0]);
            input.value = '';
          }}
        />
      </label>
      {problem.value === undefined ? null : (
        <Notice tone="bad">{problem.value}</Notice>
      )}
      <form
        class="line-form"
        onSubmit={event => {
          event.preventDefault();
          void launching.draftUrl(url.value);
        }}
      >
        <label class="labelled">
          <span>URL of a bundle or config</span>
          <input
            type="url"
            placeholder="https://…"
            value={url.value}
            onInput={event => {
              url.value = event.currentTarget.value;
            }}
          />
        </label>
        <Button>Read</Button>
      </form>
    </section>
  );
};

export const Launch = ({ bench }: { readonly bench: Bench }) => {
  const { launching } = bench;
  useEffect(() => {
    void launching.loadSamples();
  }, [launching]);
  const launches = bench.connection.status.value?.launches ?? [];
  return (
    <>
      <div aria-live="polite">
        {launches.length === 0 ? null : (
          <ul class="cards" aria-label="Launches">
            {launches
              .toReversed()
              .slice(0, 3)
              .map(launch => (
                <Progress key={launch.id} launch={launch} />
              ))}
          </ul>
        )}
        {launching.busy.value === undefined ? null : (
          <p class="busy">{launching.busy.value}…</p>
        )}
        <ProblemList problems={launching.problems.value} />
      </div>
      <Draft bench={bench} />
      <Samples bench={bench} />
      <FileAndUrl bench={bench} />
      <SourceEditor bench={bench} />
    </>
  );
};
