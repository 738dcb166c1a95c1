/** @jsxImportSource preact */
import type { Bench } from '../state/bench.ts';
import { Button } from '../ui/button.tsx';
import { ConfirmButton } from '../ui/confirm.tsx';
import { Empty } from '../ui/notice.tsx';
import { ActionProblem } from './action-problem.tsx';
import { InspectButton } from './inspect-button.tsx';

/** The objects that the person keeps under names. */
export const Home = ({ bench }: { readonly bench: Bench }) => {
  const home = bench.connection.status.value?.home ?? [];
  if (home.length === 0) {
    return (
      <Empty>
        <p>
          <strong>Nothing is kept.</strong>
        </p>
        <p>
          An object in a result can be kept under a name. It lives on across
          restarts, and the console finds it as <code>home.name</code>.
        </p>
      </Empty>
    );
  }
  return (
    <ul class="cards">
      {home.map(({ name, kref }) => (
        <li key={name} class="card kept">
          <div class="vat-line">
            <span class="vat-name">
              {name} <code>{kref}</code>
            </span>
            <div class="row">
              <Button
                tone="quiet"
                label={`Send a message to ${name}`}
                onPress={() => bench.address(name)}
              >
                Message
              </Button>
              <InspectButton bench={bench} subject={kref} name={name} />
              <ConfirmButton
                text="Forget"
                label={`Forget ${name}`}
                question={`Forget ${name}? The object may go, if nobody else holds it.`}
                confirmText="Forget"
                disabled={bench.connection.phase.value.at !== 'open'}
                onConfirm={() =>
                  void bench.actions.control(
                    `forget:${name}`,
                    `${name} is forgotten`,
                    'forget',
                    { name },
                  )
                }
              />
            </div>
          </div>
          <ActionProblem bench={bench} actionKey={`forget:${name}`} />
        </li>
      ))}
    </ul>
  );
};
