/** @jsxImportSource preact */
import { useSignal } from '@preact/signals';
import { useEffect, useLayoutEffect, useRef } from 'preact/hooks';
import type { LaunchStatus } from '@cooperage/protocol';
import type { Bench } from '../state/bench.ts';
import type { LaunchFailure } from '../state/launching.ts';
import { Button } from '../ui/button.tsx';
import { FileField } from '../ui/file-field.tsx';
import { useKeptFocus } from '../ui/kept-focus.ts';
import { LongText } from '../ui/long-text.tsx';
import { Notice, ProblemList } from '../ui/notice.tsx';
import { Grants } from './grants.tsx';
import { Launches, shownOf } from './launch-progress.tsx';
import { SourceEditor } from './source.tsx';

const Draft = ({ bench }: { readonly bench: Bench }) => {
  const { launching } = bench;
  const draft = launching.draft.value;
  const field = useRef<HTMLInputElement>(null);
  const hadDraft = useRef(false);
  // Before the next key arrives.
  useLayoutEffect(() => {
    if (draft !== undefined) {
      field.current?.focus();
    } else if (hadDraft.current && document.activeElement === document.body) {
      // The form goes, and the focus with it, unless it is told where to.
      document.getElementById('tab-launch')?.focus();
    }
    hadDraft.current = draft !== undefined;
  }, [draft]);
  if (draft === undefined) {
    return null;
  }
  const problems = launching.check();
  const mayNot =
    problems.length > 0 ||
    !bench.canAct.value ||
    launching.busy.value !== undefined;
  const isAsking = launching.isAsking.value;
  const isLaunching = launching.busy.value === 'launch' && !isAsking;
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
          launching.discard();
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
      <Grants grants={launching.grants()} isAsked />
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
          {isLaunching ? 'Launching…' : isAsking ? 'Asking…' : 'Launch'}
        </Button>
        <Button tone="quiet" onPress={launching.discard}>
          {isLaunching ? 'Close' : 'Cancel'}
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
  const url = useSignal('');
  return (
    <section aria-labelledby="file-title">
      <h2 id="file-title">From a file or a URL</h2>
      <FileField
        accept=".json,.bundle,application/json"
        onFile={file => void launching.draftFile(file)}
      >
        a bundle or a cluster config
      </FileField>
      {launching.place.value === 'file' ? (
        <ProblemList problems={launching.problems.value} />
      ) : null}
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
        <Button disabled={launching.busy.value !== undefined}>
          {launching.busy.value === 'url' ? 'Reading…' : 'Read'}
        </Button>
      </form>
      {launching.place.value === 'url' ? (
        <ProblemList problems={launching.problems.value} />
      ) : null}
    </section>
  );
};

/** Whether the launch's own steps do not say so already. */
const isUnsaid = (
  problem: string,
  launches: readonly LaunchStatus[],
): boolean => shownOf(launches).every(({ error }) => error !== problem);

/** What came of a launch after something else was chosen: here until somebody has seen it. */
const LateFailure = ({
  bench,
  failure,
}: {
  readonly bench: Bench;
  readonly failure: LaunchFailure;
}) => (
  <Notice tone="bad" title={`${failure.name} could not be launched`}>
    <div>
      <LongText text={failure.problem} />
    </div>
    <div class="row">
      <Button
        tone="quiet"
        label={`Dismiss what was said of ${failure.name}`}
        onPress={() => bench.launching.dismiss(failure)}
      >
        Dismiss
      </Button>
    </div>
  </Notice>
);

/** What has become of launches. */
const Outcomes = ({ bench }: { readonly bench: Bench }) => {
  const { place, problems, failures } = bench.launching;
  const launches = bench.connection.status.value?.launches ?? [];
  const late = failures.value.filter(({ problem }) =>
    isUnsaid(problem, launches),
  );
  const region = useRef<HTMLDivElement>(null);
  useKeptFocus(region);
  return (
    <div class="launches" aria-live="polite" ref={region}>
      {late.map(failure => (
        <LateFailure key={failure.id} bench={bench} failure={failure} />
      ))}
      {place.value === 'launch' ? (
        <ProblemList
          problems={problems.value.filter(each => isUnsaid(each, launches))}
        />
      ) : null}
      <Launches bench={bench} launches={launches} />
    </div>
  );
};

export const Launch = ({ bench }: { readonly bench: Bench }) => {
  const { launching } = bench;
  useEffect(() => {
    void launching.loadSamples();
  }, [launching]);
  return (
    <>
      <Draft bench={bench} />
      <Outcomes bench={bench} />
      <Samples bench={bench} />
      <FileAndUrl bench={bench} />
      <SourceEditor bench={bench} />
    </>
  );
};
