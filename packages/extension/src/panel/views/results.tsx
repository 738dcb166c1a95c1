/** @jsxImportSource preact */
import { useSignal } from '@preact/signals';
import type { Bench } from '../state/bench.ts';
import type { DisplayReference } from '../state/describe.ts';
import type { Outcome, Result } from '../state/results.ts';
import { Button, focusOnce } from '../ui/button.tsx';
import { Empty, Notice } from '../ui/notice.tsx';
import { StateMark, type MarkTone } from '../ui/state-mark.tsx';
import { Tree, type ShowReference } from '../ui/tree.tsx';

const TONES: Readonly<Record<Outcome['state'], MarkTone>> = {
  pending: 'busy',
  fulfilled: 'good',
  rejected: 'bad',
  failed: 'bad',
};

const timeOf = (at: number): string => new Date(at).toLocaleTimeString('en-GB');

const KeepForm = ({
  bench,
  reference,
  onDone,
}: {
  readonly bench: Bench;
  readonly reference: DisplayReference;
  readonly onDone: () => void;
}) => {
  const name = useSignal('');
  const { kref } = reference;
  const problem = bench.actions.states.value.get(`keep:${kref}`);
  const keep = async (): Promise<void> => {
    const wanted = name.value.trim();
    if (
      kref !== undefined &&
      wanted !== '' &&
      (await bench.keep(kref, wanted))
    ) {
      onDone();
    }
  };
  return (
    <form
      class="line-form keep"
      onSubmit={event => {
        event.preventDefault();
        void keep();
      }}
      onKeyDown={event => {
        if (event.key === 'Escape') {
          event.stopPropagation();
          onDone();
        }
      }}
    >
      <label class="labelled">
        <span>Keep {kref} in home as</span>
        <input
          value={name.value}
          ref={focusOnce}
          autocomplete="off"
          spellcheck={false}
          onInput={event => {
            name.value = event.currentTarget.value;
          }}
        />
      </label>
      <Button tone="primary">Keep</Button>
      {problem?.state === 'failed' ? (
        <Notice tone="bad">{problem.problem}</Notice>
      ) : null}
    </form>
  );
};

const ObjectChip = ({
  bench,
  reference,
}: {
  readonly bench: Bench;
  readonly reference: DisplayReference;
}) => {
  const keeping = useSignal(false);
  const { kref } = reference;
  const title = bench.titleOf(kref, reference.iface);
  const name = kref ?? reference.vref;
  return (
    <span class="chip-box">
      <span class="chip">
        <span class="chip-iface">{title}</span> <code>{name}</code>
        {kref === undefined ? null : (
          <>
            <button
              type="button"
              aria-label={`Send a message to ${title} ${kref}`}
              onClick={() => bench.address(kref)}
            >
              message
            </button>
            <button
              type="button"
              aria-label={`Inspect ${title} ${kref}`}
              onClick={() => bench.inspect(kref)}
            >
              inspect
            </button>
            <button
              type="button"
              aria-label={`Keep ${title} ${kref} in home`}
              aria-expanded={keeping.value}
              onClick={() => {
                keeping.value = !keeping.value;
              }}
            >
              keep
            </button>
          </>
        )}
      </span>
      {keeping.value ? (
        <KeepForm
          bench={bench}
          reference={reference}
          onDone={() => {
            keeping.value = false;
          }}
        />
      ) : null}
    </span>
  );
};

const OutcomeView = ({
  outcome,
  show,
}: {
  readonly outcome: Outcome;
  readonly show: ShowReference;
}) => {
  switch (outcome.state) {
    case 'pending':
      return <span class="value pending">waiting for the answer…</span>;
    case 'failed':
      return <span class="value error">{outcome.problem}</span>;
    case 'fulfilled':
    case 'rejected':
      return <Tree node={outcome.value} show={show} />;
  }
};

const MAX_NESTING = 8;

const ResultCard = ({
  bench,
  result,
}: {
  readonly bench: Bench;
  readonly result: Result;
}) => {
  const { outcome, target, method, argsText, at } = result;
  const showAt =
    (nesting: number): ShowReference =>
    reference => {
      if (reference.kind === 'object') {
        return <ObjectChip bench={bench} reference={reference} />;
      }
      const inner = result.promises.get(reference.vref);
      return (
        <span class="promise">
          <span class="chip">
            <span class="chip-iface">promise</span>{' '}
            {inner === undefined ? null : (
              <StateMark tone={TONES[inner.state]} text={inner.state} />
            )}
          </span>
          {inner === undefined ||
          inner.state === 'pending' ||
          nesting > MAX_NESTING ? null : (
            <OutcomeView outcome={inner} show={showAt(nesting + 1)} />
          )}
        </span>
      );
    };
  return (
    <li class={`card result ${outcome.state}`} data-id={result.id}>
      <div class="result-head">
        <code class="call" title={argsText}>
          {target}
          <b>.{method}</b>({argsText.replace(/^\[|\]$/g, '')})
        </code>
        <StateMark tone={TONES[outcome.state]} text={outcome.state} />
      </div>
      <div class="result-value">
        <OutcomeView outcome={outcome} show={showAt(0)} />
      </div>
      <div class="row spread">
        <time dateTime={new Date(at).toISOString()}>{timeOf(at)}</time>
        <Button
          tone="quiet"
          label={`Edit and send ${target}.${method} again`}
          onPress={() => {
            bench.draft.value = { target, method, argsText };
          }}
        >
          Again
        </Button>
      </div>
    </li>
  );
};

const NoResults = ({ bench }: { readonly bench: Bench }) =>
  bench.targets.value.length === 0 &&
  bench.connection.status.value !== undefined ? (
    <Empty>
      <p>Nothing runs that a message could go to.</p>
      <Button
        onPress={() => {
          bench.room.value = 'launch';
        }}
      >
        Launch something
      </Button>
    </Empty>
  ) : (
    <Empty>
      <p>What your messages come to shows here.</p>
    </Empty>
  );

export const Results = ({ bench }: { readonly bench: Bench }) => {
  const results = bench.results.results.value;
  return (
    <section aria-labelledby="results-title">
      <div class="row spread">
        <h2 id="results-title">Results</h2>
        {results.length === 0 ? null : (
          <Button tone="quiet" onPress={bench.results.clear}>
            Clear
          </Button>
        )}
      </div>
      {results.length === 0 ? (
        <NoResults bench={bench} />
      ) : (
        <ol class="cards" aria-live="polite" aria-relevant="additions text">
          {results.map(result => (
            <ResultCard key={result.id} bench={bench} result={result} />
          ))}
        </ol>
      )}
    </section>
  );
};
