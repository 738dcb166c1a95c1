/** @jsxImportSource preact */
import { useLayoutEffect, useRef } from 'preact/hooks';
import type { Inspection } from '@cooperage/protocol';
import type { Bench } from '../state/bench.ts';
import type { Look } from '../state/inspecting.ts';
import { Button } from '../ui/button.tsx';
import { Empty, Notice } from '../ui/notice.tsx';
import { InspectionView } from './inspection.tsx';
import { KernelLimits } from './kernel-limits.tsx';
import { Leaks } from './leaks.tsx';

const KINDS: Readonly<Record<Inspection['kind'], string>> = {
  object: 'Object',
  promise: 'Promise',
  vat: 'Vat',
  session: 'Session',
};

/** What is looked at, as a heading: its kind, its name, and what it alleges apart from that. */
const Title = ({ of }: { readonly of: Inspection }) => {
  const id = 'kref' in of ? of.kref : of.endpoint;
  const iface = 'iface' in of ? of.iface : null;
  return (
    <>
      <small>{KINDS[of.kind]}</small> <bdi>{of.name}</bdi> <code>{id}</code>
      {iface === null ? null : (
        <>
          {' '}
          <small title="Whoever exports it wrote this: it proves nothing">
            alleged
          </small>{' '}
          <bdi>{iface}</bdi>
        </>
      )}
    </>
  );
};

const Answer = ({
  bench,
  look,
}: {
  readonly bench: Bench;
  readonly look: Look;
}) => {
  switch (look.state) {
    case 'nothing':
      return (
        <Empty>
          <p>
            See who exports an object, who holds it, and why it is alive; or
            what a vat exports and imports.
          </p>
        </Empty>
      );
    case 'busy':
      return <p class="hint">Looking at {look.subject}…</p>;
    case 'failed':
      return <Notice tone="bad">{look.problem}</Notice>;
    case 'shown': {
      const { inspection } = look;
      return (
        <article class="card inspection" aria-labelledby="inspection-title">
          <div class="card-head">
            <h3 id="inspection-title" tabIndex={-1}>
              <Title of={inspection} />
            </h3>
            <div class="row">
              {inspection.kind === 'object' &&
              inspection.life.state === 'held' ? (
                <Button
                  tone="quiet"
                  label={`Send a message to ${inspection.kref}`}
                  onPress={() => bench.address(inspection.kref)}
                >
                  Message
                </Button>
              ) : null}
              <Button
                tone="quiet"
                onPress={() => void bench.inspecting.lookAgain()}
              >
                Look again
              </Button>
            </div>
          </div>
          <InspectionView bench={bench} inspection={inspection} />
          <time dateTime={new Date(look.at).toISOString()}>
            as of {new Date(look.at).toLocaleTimeString('en-GB')}
          </time>
        </article>
      );
    }
  }
};

/** What the kernel knows of one thing, and what has grown in all. */
export const Inspect = ({ bench }: { readonly bench: Bench }) => {
  const { inspecting } = bench;
  const place = useRef<HTMLElement>(null);
  const look = inspecting.look.value;
  const isArriving = inspecting.arrived.value && look.state !== 'busy';
  useLayoutEffect(() => {
    if (isArriving) {
      inspecting.arrived.value = false;
      const title = place.current?.querySelector('h3');
      title?.focus();
      title?.scrollIntoView({ block: 'nearest' });
    }
  }, [inspecting, isArriving, look]);
  const steps = inspecting.steps.value;
  return (
    <>
      <section ref={place} aria-label="What is looked at">
        <form
          class="line-form"
          onSubmit={event => {
            event.preventDefault();
            void inspecting.lookAt(inspecting.subject.value);
          }}
        >
          <label class="labelled">
            <span>Object, promise, vat or session</span>
            <input
              name="subject"
              list="subjects"
              placeholder="ko7, kp7, demo.bob, v3"
              autocomplete="off"
              spellcheck={false}
              value={inspecting.subject.value}
              onInput={event => {
                inspecting.subject.value = event.currentTarget.value;
              }}
            />
          </label>
          <Button tone="primary">Look</Button>
          <datalist id="subjects">
            {bench.targets.value.map(({ name, detail, group }) => (
              <option key={`${group}:${name}`} value={name}>
                {detail}
              </option>
            ))}
          </datalist>
        </form>
        {steps === 0 ? null : (
          <div class="row">
            <Button
              tone="quiet"
              onPress={() => {
                inspecting.arrived.value = true;
                void inspecting.back();
              }}
            >
              Back
            </Button>
          </div>
        )}
        <div role="status" class="only-said">
          {look.state === 'shown' ? `${look.subject} is shown` : ''}
        </div>
        <Answer bench={bench} look={look} />
      </section>
      <Leaks bench={bench} />
      <KernelLimits bench={bench} />
    </>
  );
};
