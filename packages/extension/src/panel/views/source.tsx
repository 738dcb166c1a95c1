/** @jsxImportSource preact */
import { useEffect, useRef } from 'preact/hooks';
import type { Bench } from '../state/bench.ts';
import { Button } from '../ui/button.tsx';
import { Notice, ProblemList } from '../ui/notice.tsx';

const indexOfPlace = (text: string, line: number, column: number): number =>
  text
    .split('\n')
    .slice(0, line - 1)
    .reduce((sum, each) => sum + each.length + 1, 0) + Math.max(0, column - 1);

/** One module, written here. Tab leaves the field: it is not kept for indenting. */
export const SourceEditor = ({ bench }: { readonly bench: Bench }) => {
  const { launching } = bench;
  const { source } = bench;
  const area = useRef<HTMLTextAreaElement>(null);
  const gutter = useRef<HTMLDivElement>(null);
  const problem = launching.sourceProblem.value;
  const lines = source.value.split('\n');

  useEffect(() => {
    if (problem?.line !== undefined && area.current) {
      const { line, column = 1 } = problem;
      const at = indexOfPlace(area.current.value, line, column);
      // The problem stands below, and must stay in sight.
      area.current.focus({ preventScroll: true });
      area.current.setSelectionRange(at, at);
    }
  }, [problem]);

  const mayNot = launching.busy.value !== undefined;
  const compile = (): void => {
    if (!mayNot) {
      void launching.draftSource(source.value, 'pasted');
    }
  };
  return (
    <section aria-labelledby="source-title">
      <h2 id="source-title">From source</h2>
      <div class={problem ? 'editor bad' : 'editor'}>
        <div class="gutter" aria-hidden="true" ref={gutter}>
          {lines.map((_, index) => (
            <div
              key={index}
              class={problem?.line === index + 1 ? 'bad' : undefined}
            >
              {index + 1}
            </div>
          ))}
        </div>
        <textarea
          ref={area}
          aria-label="Source of one module that exports buildRootObject"
          aria-invalid={problem?.line !== undefined}
          aria-describedby="source-problem"
          rows={9}
          wrap="off"
          spellcheck={false}
          value={source.value}
          onInput={event => {
            source.value = event.currentTarget.value;
          }}
          onScroll={event => {
            gutter.current?.scrollTo(0, event.currentTarget.scrollTop);
          }}
          onKeyDown={event => {
            if (event.key === 'Enter' && (event.ctrlKey || event.metaKey)) {
              event.preventDefault();
              compile();
            }
          }}
        />
      </div>
      <div id="source-problem">
        {problem === undefined ? null : (
          <Notice
            key={problem.problem}
            tone="bad"
            title="This can’t be compiled"
            isAnswer
          >
            <p>{problem.problem}</p>
          </Notice>
        )}
        {launching.place.value === 'source' ? (
          <ProblemList problems={launching.problems.value} />
        ) : null}
      </div>
      <div class="row">
        <Button onPress={compile} disabled={mayNot}>
          {launching.busy.value === 'source' ? 'Compiling…' : 'Compile'}
        </Button>
        <small>or Ctrl + Enter</small>
      </div>
    </section>
  );
};
