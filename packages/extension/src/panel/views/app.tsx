/** @jsxImportSource preact */
import { useComputed, type ReadonlySignal } from '@preact/signals';
import type { Bench, Room } from '../state/bench.ts';
import { Tabs, type Tab } from '../ui/tabs.tsx';
import { Header } from './header.tsx';
import { Home } from './home.tsx';
import { Inspect } from './inspect.tsx';
import { Launch } from './launch.tsx';
import { Logs } from './logs.tsx';
import { Message } from './message.tsx';
import { Vats } from './vats.tsx';

/** Shown beside the vats while no other room is chosen. */
export const BESIDE_VATS: Room = 'message';

/** One of the rooms but that of the vats. */
const RoomView = ({
  bench,
  room,
}: {
  readonly bench: Bench;
  readonly room: Exclude<Room, 'vats'>;
}) => {
  switch (room) {
    case 'message':
      return <Message bench={bench} />;
    case 'launch':
      return <Launch bench={bench} />;
    case 'logs':
      return <Logs bench={bench} />;
    case 'home':
      return <Home bench={bench} />;
    case 'inspect':
      return <Inspect bench={bench} />;
  }
};

const tabOf = (room: Room) =>
  ({
    role: 'tabpanel',
    id: `room-${room}`,
    'aria-labelledby': `tab-${room}`,
  }) as const;

/**
 * All of the panel: rooms behind tabs, and the vats beside them where there is
 * space. The vats are at one place of the tree either way: so nothing of theirs
 * is lost, nor the focus, when the space comes or goes.
 */
export const App = ({
  bench,
  isWide,
}: {
  readonly bench: Bench;
  readonly isWide: ReadonlySignal<boolean>;
}) => {
  const tabs = useComputed((): readonly Tab<Room>[] => {
    const { status } = bench.connection;
    const launching = status.value?.launches.filter(
      ({ state }) => state === 'running',
    );
    const all: readonly Tab<Room>[] = [
      { name: 'vats', text: 'Vats' },
      { name: 'message', text: 'Message' },
      { name: 'launch', text: 'Launch', count: launching?.length ?? 0 },
      { name: 'logs', text: 'Logs' },
      { name: 'home', text: 'Home', count: status.value?.home.length ?? 0 },
      { name: 'inspect', text: 'Inspect' },
    ];
    return isWide.value ? all.filter(({ name }) => name !== 'vats') : all;
  });
  const wide = isWide.value;
  const chosen =
    wide && bench.room.value === 'vats' ? BESIDE_VATS : bench.room.value;
  return (
    <div class={wide ? 'app wide' : 'app'}>
      <Header bench={bench} />
      <main>
        <Tabs
          tabs={tabs.value}
          chosen={chosen}
          label="Rooms"
          onChoose={room => {
            bench.room.value = room;
          }}
        />
        {wide || chosen === 'vats' ? (
          <div
            key="vats"
            {...(wide
              ? { class: 'side', role: 'region', 'aria-label': 'Vats' }
              : { class: 'room', ...tabOf('vats') })}
          >
            {wide ? <h2>Vats</h2> : null}
            <Vats bench={bench} />
          </div>
        ) : null}
        {chosen === 'vats' ? null : (
          <div key="room" class="room" {...tabOf(chosen)}>
            <RoomView bench={bench} room={chosen} />
          </div>
        )}
      </main>
      <div class="only-said" role="status">
        {bench.actions.announcement.value}
      </div>
    </div>
  );
};
