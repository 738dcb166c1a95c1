/** @jsxImportSource preact */
import { Fragment } from 'preact';
import {
  verdictOf,
  wordsOfEdge,
  type CycleReport,
  type EndpointMention,
  type Growth,
  type GrowthReport,
  type RefMention,
} from '@cooperage/protocol';
import type { Bench } from '../state/bench.ts';
import { Button } from '../ui/button.tsx';
import { Empty, Notice } from '../ui/notice.tsx';
import { ActionProblem } from './action-problem.tsx';
import { LeftOut } from './facts.tsx';
import { Mention, Sentence } from './mention.tsx';

const signed = ({ before, now }: Growth): string =>
  `${now < before ? '−' : '+'}${Math.abs(now - before).toLocaleString('en-US')}`;

const grew = ({ before, now }: Growth): boolean => now > before;

const timeOf = (at: number): string => new Date(at).toLocaleTimeString('en-GB');

/** The parts of a row that grew, as `exports +4`. */
const Gains = ({
  of,
}: {
  readonly of: readonly (readonly [string, Growth])[];
}) => (
  <span class="gains">
    {of
      .filter(([, growth]) => grew(growth))
      .map(([name, growth]) => (
        <span key={name}>
          {name} <b>{signed(growth)}</b>
        </span>
      ))}
  </span>
);

/** Krefs alone, or whole names of endpoints, one after the other. */
const Mentions = ({
  bench,
  of,
}: {
  readonly bench: Bench;
  readonly of: readonly (RefMention | EndpointMention)[];
}) => (
  <>
    {of.map((each, index) => (
      <Fragment key={index}>
        {index === 0 ? null : ', '}
        <Mention
          bench={bench}
          of={'kref' in each ? { ...each, iface: null } : each}
        />
      </Fragment>
    ))}
  </>
);

const GrowthView = ({
  bench,
  report,
}: {
  readonly bench: Bench;
  readonly report: GrowthReport;
}) => {
  const { totals, endpoints, interfaces, unseen } = report;
  const notCounted = unseen.before + unseen.now;
  return (
    <>
      <p class="facts">
        <span>objects {signed(totals.objects)}</span>
        <span>promises {signed(totals.promises)}</span>
        <span>references {signed(totals.references)}</span>
        <span>queued {signed(totals.queued)}</span>
      </p>
      {endpoints.items.length + interfaces.items.length === 0 ? (
        <Empty>
          <p>Nothing grew since {timeOf(report.at)}.</p>
        </Empty>
      ) : null}
      {endpoints.items.length === 0 ? null : (
        <section aria-labelledby="grown-vats">
          <h4 id="grown-vats">By vat and session</h4>
          <ul class="grown">
            {endpoints.items.map(each => (
              <li key={each.endpoint}>
                <Mention bench={bench} of={each} />
                <Gains
                  of={[
                    ['exports', each.exports],
                    ['imports', each.imports],
                    ['promises', each.promises],
                    ['waiting', each.waiting],
                  ]}
                />
              </li>
            ))}
            <LeftOut count={endpoints.leftOut} />
          </ul>
        </section>
      )}
      {interfaces.items.length === 0 ? null : (
        <section aria-labelledby="grown-interfaces">
          <h4 id="grown-interfaces">Objects, by what they are alleged to be</h4>
          <ul class="grown">
            {interfaces.items.map(({ exporter, iface, objects, newest }) => (
              <li key={`${exporter?.endpoint} ${iface}`}>
                <span>
                  {iface === null ? (
                    <em>no interface</em>
                  ) : (
                    <bdi class="chip-iface">{iface}</bdi>
                  )}{' '}
                  {exporter === null ? (
                    'of nobody: orphans'
                  ) : (
                    <>
                      of <Mention bench={bench} of={exporter} />
                    </>
                  )}
                </span>
                <span class="gains">
                  <span>
                    <b>{signed(objects)}</b>, now{' '}
                    {objects.now.toLocaleString('en-US')}
                  </span>
                </span>
                {newest.length === 0 ? null : (
                  <span class="newest">
                    newest: <Mentions bench={bench} of={newest} />
                  </span>
                )}
              </li>
            ))}
            <LeftOut count={interfaces.leftOut} />
          </ul>
        </section>
      )}
      {notCounted === 0 ? null : (
        <Notice tone="warn">
          {notCounted.toLocaleString('en-US')} rows were too many to count.
        </Notice>
      )}
    </>
  );
};

const CyclesView = ({
  bench,
  report,
}: {
  readonly bench: Bench;
  readonly report: CycleReport;
}) =>
  report.cycles.items.length === 0 ? (
    <Empty>
      <p>
        {report.unseen === 0
          ? 'There are no cycles that the kernel can see.'
          : `No cycle was found, but ${report.unseen.toLocaleString('en-US')} rows were too many to look at.`}
      </p>
    </Empty>
  ) : (
    <ul class="cards">
      {report.cycles.items.map((cycle, index) => (
        <li key={index} class="card">
          <strong>
            {cycle.vats.length === 0
              ? 'A cycle of promises'
              : `A cycle through ${cycle.vats.map(({ name }) => name).join(', ')}`}
          </strong>
          <p>{verdictOf(cycle)}</p>
          <ul class="sentences">
            {cycle.edges.items.map((edge, place) => (
              <li key={place}>
                <Sentence bench={bench} phrase={wordsOfEdge(edge)} />
              </li>
            ))}
            <LeftOut count={cycle.edges.leftOut} />
          </ul>
          {cycle.alsoHeldBy.items.length === 0 ? null : (
            <p>
              also held by{' '}
              <Mentions bench={bench} of={cycle.alsoHeldBy.items} />
            </p>
          )}
        </li>
      ))}
      <LeftOut count={report.cycles.leftOut} />
    </ul>
  );

/** What grew since a mark, and cycles: where to look for what is never let go. */
export const Leaks = ({ bench }: { readonly bench: Bench }) => {
  const { inspecting } = bench;
  const mark = inspecting.mark.value;
  const growth = inspecting.growth.value;
  const cycles = inspecting.cycles.value;
  const disabled = !bench.canAct.value;
  return (
    <section aria-labelledby="leaks-title">
      <h2 id="leaks-title">Leaks</h2>
      <p class="hint">
        {mark === undefined
          ? 'Mark a moment, do what you suspect, then see what grew.'
          : `Marked at ${timeOf(mark.at)}.`}
      </p>
      <div class="row">
        <Button disabled={disabled} onPress={() => void inspecting.makeMark()}>
          Mark now
        </Button>
        <Button
          disabled={disabled || mark === undefined}
          onPress={() => void inspecting.findGrowth()}
        >
          What grew
        </Button>
        <Button
          disabled={disabled}
          onPress={() => void inspecting.findCycles()}
        >
          Find cycles
        </Button>
      </div>
      <ActionProblem bench={bench} actionKey="inspect:mark" />
      <ActionProblem bench={bench} actionKey="inspect:growth" />
      <ActionProblem bench={bench} actionKey="inspect:cycles" />
      {growth === undefined ? null : (
        <section class="card" aria-label="What grew">
          <GrowthView bench={bench} report={growth} />
        </section>
      )}
      {cycles === undefined ? null : (
        <section aria-label="Cycles">
          <CyclesView bench={bench} report={cycles} />
        </section>
      )}
    </section>
  );
};
