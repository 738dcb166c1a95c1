/** @jsxImportSource preact */
import { batch, signal } from '@preact/signals';
import { render } from 'preact';
import type { DuplexStream } from '@cooperage/streams';
import { makeBench, type Bench, type BenchPorts } from './state/bench.ts';
import { waitInBrowser } from './state/connection.ts';
import { makePagePorts } from './state/page-ports.ts';
import { makeRpcOpener } from './state/rpc-link.ts';
import { App, BESIDE_VATS } from './views/app.tsx';

const WIDE = '(min-width: 760px)';

/**
 * Shows the panel in `root`. `connect` opens a stream to the kernel each time
 * that one is needed; the panel owns and closes it. `ports` replaces what the
 * page around offers, and may add `reload`. Gives the panel's state and the
 * function that takes everything down again.
 */
export const mountPanel = (
  root: Element,
  connect: () => Promise<DuplexStream<unknown, unknown>>,
  ports: Partial<BenchPorts> = {},
): { readonly bench: Bench; readonly unmount: () => void } => {
  const bench = makeBench({
    ...makePagePorts(),
    open: makeRpcOpener(connect),
    later: waitInBrowser,
    now: Date.now,
    ...ports,
  });
  const query = window.matchMedia(WIDE);
  const isWide = signal(query.matches);
  /** The room that the focus is in stays to be seen when there is space for one alone. */
  const onChange = (): void => {
    const place = document.activeElement?.closest('.side, .room');
    batch(() => {
      if (!query.matches && place?.matches('.side')) {
        bench.room.value = 'vats';
      } else if (!query.matches && place && bench.room.value === 'vats') {
        bench.room.value = BESIDE_VATS;
      }
      isWide.value = query.matches;
    });
  };
  query.addEventListener('change', onChange);
  render(<App bench={bench} isWide={isWide} />, root);
  return Object.freeze({
    bench,
    unmount: () => {
      query.removeEventListener('change', onChange);
      bench.connection.stop();
      render(null, root);
    },
  });
};
