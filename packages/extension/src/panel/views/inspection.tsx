/** @jsxImportSource preact */
import {
  wordsOfHold,
  wordsOfLife,
  type Holder,
  type Inspection,
  type ObjectInspection,
  type Phrase,
  type PromiseInspection,
} from '@cooperage/protocol';
import type { Bench } from '../state/bench.ts';
import { counted } from '../ui/counted.ts';
import { StateMark, type MarkTone } from '../ui/state-mark.tsx';
import { EndpointFacts } from './endpoint-facts.tsx';
import { countOf, Fact, Sentences } from './facts.tsx';
import { Mention, Sentence } from './mention.tsx';

type Of<Subject> = { readonly bench: Bench; readonly subject: Subject };

const LIVES: Readonly<
  Record<
    ObjectInspection['life']['state'],
    { readonly tone: MarkTone; readonly text: string }
  >
> = {
  held: { tone: 'good', text: 'held' },
  recognizable: { tone: 'warn', text: 'only recognizable' },
  unheld: { tone: 'calm', text: 'held by nobody' },
  cycle: { tone: 'bad', text: 'garbage in a cycle' },
  unknown: { tone: 'warn', text: 'not known' },
};

/** Why it is alive: a list in the order of the chain, from its root on. */
const Life = ({ bench, subject }: Of<ObjectInspection | PromiseInspection>) => (
  <section class="why" aria-labelledby="why-title">
    <h4 id="why-title">
      {subject.life.state === 'held' ? 'Why it is alive' : 'Is it alive?'}
    </h4>
    <ol>
      {wordsOfLife(subject.life).map((phrase, index) => (
        <li key={index}>
          <Sentence bench={bench} phrase={phrase} />
        </li>
      ))}
    </ol>
  </section>
);

const isImporter = ({ by }: Holder): boolean => by === 'clist';

const Holders = ({
  bench,
  subject,
}: Of<ObjectInspection | PromiseInspection>) => {
  const { items, leftOut } = subject.holders;
  const importers = items.filter(isImporter);
  const others = items.filter(holder => !isImporter(holder));
  const say = (holder: Holder): Phrase => wordsOfHold(holder, subject);
  return (
    <>
      <Fact name={subject.kind === 'object' ? 'Importers' : 'Known to'}>
        {importers.length === 0 ? (
          'nobody'
        ) : (
          <ul class="sentences">
            {importers.map((holder, index) =>
              holder.by !== 'clist' ? null : (
                <li key={index}>
                  <Mention bench={bench} of={holder.endpoint} />{' '}
                  {subject.kind === 'promise' ? null : holder.reachable ? (
                    <StateMark tone="good" text="reachable" />
                  ) : (
                    <StateMark tone="warn" text="only recognizable" />
                  )}
                </li>
              ),
            )}
          </ul>
        )}
      </Fact>
      {others.length + leftOut === 0 ? null : (
        <Fact name="Also held">
          <Sentences
            bench={bench}
            phrases={others.map(say)}
            leftOut={leftOut}
          />
        </Fact>
      )}
    </>
  );
};

const ObjectFacts = ({ bench, subject }: Of<ObjectInspection>) => (
  <dl class="about">
    <Fact name="Exporter">
      {subject.exporter === null ? (
        'nobody: it is an orphan'
      ) : (
        <Mention bench={bench} of={subject.exporter} />
      )}
    </Fact>
    <Holders bench={bench} subject={subject} />
    <Fact name="Counts">
      {countOf(subject.counts.reachable)} can reach it,{' '}
      {countOf(subject.counts.recognizable)} at least recognize it
    </Fact>
  </dl>
);

const PromiseFacts = ({ bench, subject }: Of<PromiseInspection>) => (
  <dl class="about">
    <Fact name="State">{subject.state}</Fact>
    {subject.state === 'unresolved' ? (
      <>
        <Fact name="Decider">
          {subject.decider === null ? (
            'the kernel: the message that it answers is on its way'
          ) : (
            <Mention bench={bench} of={subject.decider} />
          )}
        </Fact>
        <Fact name="Waiting for it">
          {countOf(subject.subscribers.items.length)} to be told,{' '}
          {counted(subject.parked, 'message')}
        </Fact>
      </>
    ) : (
      <Fact name="Names">
        {subject.names.items.length === 0 ? (
          'nothing'
        ) : (
          <Sentences
            bench={bench}
            phrases={subject.names.items.map(ref => [ref])}
            leftOut={subject.names.leftOut}
          />
        )}
      </Fact>
    )}
    <Holders bench={bench} subject={subject} />
    <Fact name="Counts">{counted(subject.counts.holders, 'holder')}</Fact>
  </dl>
);

/** What the kernel knows of one thing. */
export const InspectionView = ({
  bench,
  inspection,
}: {
  readonly bench: Bench;
  readonly inspection: Inspection;
}) => {
  switch (inspection.kind) {
    case 'object':
      return (
        <>
          <StateMark {...LIVES[inspection.life.state]} />
          <Life bench={bench} subject={inspection} />
          <ObjectFacts bench={bench} subject={inspection} />
        </>
      );
    case 'promise':
      return (
        <>
          <StateMark {...LIVES[inspection.life.state]} />
          <Life bench={bench} subject={inspection} />
          <PromiseFacts bench={bench} subject={inspection} />
        </>
      );
    case 'vat':
    case 'session':
      return <EndpointFacts bench={bench} subject={inspection} />;
  }
};
