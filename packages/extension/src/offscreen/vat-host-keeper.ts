import { PROTOCOL_VERSION } from '@cooperage/protocol';
import { offerPort } from '@cooperage/streams';
import type {
  FromKernelWorker,
  FromVatHost,
  LaunchNumber,
  ToVatHost,
} from '../control-words.ts';
import type { Every } from './heartbeat.ts';

/** A page and a process take their time to start on a busy machine: that long, in beats of our own. */
const BEAT_MILLISECONDS = 300;
const MOST_BEATS_TO_START = 50;

export type VatHostKeeperOptions = {
  /** The text of vat-worker.js, which the host can't fetch itself. */
  readonly script: Promise<string>;
  readonly every: Every;
  readonly onVatLost: (
    launch: LaunchNumber,
    reason: string,
    what: 'worker' | 'host',
  ) => void;
};

/** One sandboxed frame and the port to it. */
type Frame = {
  readonly element: HTMLIFrameElement;
  readonly control: MessagePort;
  readonly vats: Set<LaunchNumber>;
  /** Has had its inner frame. */
  isUp: boolean;
  stopWaiting: () => void;
};

/**
 * The host's page holds an empty frame. It is the browser, not the host, that
 * tells us of it, and that takes it away with the process of the page: so a
 * host that is only slow, on a machine as busy as may be, is never taken for
 * lost. No event comes with it: one must look.
 */
const hasInnerFrame = ({ element }: Frame): boolean =>
  (element.contentWindow?.length ?? 0) > 0;

/** Makes the frame that hosts vats, and a new one whenever its process is lost. */
export const makeVatHostKeeper = (options: VatHostKeeperOptions) => {
  const { script, every, onVatLost } = options;

  const makeFrame = (): Frame => {
    const nonce = crypto.randomUUID();
    const { port1: control, port2 } = new MessageChannel();
    const vats = new Set<LaunchNumber>();
    const element = document.createElement('iframe');
    element.src = `vat-host.html#${nonce}`;
    element.addEventListener(
      'load',
      () => {
        const target = element.contentWindow;
        // A second load is not ours: the port went with the first, and each launch will tell.
        if (target !== null) {
          offerPort({
            target,
            opaqueReceiver: true,
            nonce,
            version: PROTOCOL_VERSION,
            port: port2,
          });
        }
      },
      { once: true },
    );
    control.onmessage = ({ data }: MessageEvent<FromVatHost>) => {
      if (data.type === 'lost' && vats.delete(data.launch)) {
        onVatLost(data.launch, data.reason, 'worker');
      }
    };
    // Posts wait in the port until the host listens; the script is the first.
    void script.then(
      text => control.postMessage({ type: 'script', text }),
      () => {}, // each launch tells that it failed
    );
    document.body.append(element);
    const made: Frame = {
      element,
      control,
      vats,
      isUp: false,
      stopWaiting: () => {},
    };
    waitFor(made);
    return made;
  };

  /** Gives a frame up that has not come up in time. */
  const waitFor = (made: Frame): void => {
    let beats = 0;
    made.stopWaiting = every(BEAT_MILLISECONDS, () => {
      beats += 1;
      if (look() || beats < MOST_BEATS_TO_START) {
        return;
      }
      replace('the page of the vats did not start');
    });
  };

  const discard = ({ element, control, stopWaiting }: Frame): void => {
    stopWaiting();
    control.close();
    element.remove();
  };

  /** Ends every vat; each is reported as lost, for that reason. */
  const replace = (reason: string): void => {
    const old = frame;
    discard(old);
    frame = makeFrame();
    const lost = [...old.vats];
    old.vats.clear();
    for (const launch of lost) {
      onVatLost(launch, reason, 'host');
    }
  };

  /** Whether the host is up. One that was, and is not any more, is replaced. */
  const look = (): boolean => {
    if (hasInnerFrame(frame)) {
      frame.isUp = true;
      frame.stopWaiting();
    } else if (frame.isUp) {
      replace('the process of the vats was lost');
    }
    return frame.isUp;
  };

  let frame = makeFrame();

  return Object.freeze({
    /** To be called now and then while somebody waits for a vat. */
    look: (): void => void look(),
    launch: async (
      word: FromKernelWorker & { readonly type: 'launch' },
    ): Promise<void> => {
      look();
      const { control, vats } = frame;
      vats.add(word.launch);
      try {
        await script;
      } catch (problem) {
        vats.delete(word.launch);
        onVatLost(
          word.launch,
          `vat-worker.js can't be read: ${problem}`,
          'worker',
        );
        return;
      }
      // It may have been killed meanwhile, or its frame discarded.
      if (vats.has(word.launch)) {
        control.postMessage(word satisfies ToVatHost, [word.port]);
      }
    },
    kill: (launch: LaunchNumber): void => {
      if (frame.vats.delete(launch)) {
        frame.control.postMessage({ type: 'kill', launch } satisfies ToVatHost);
      }
    },
    /** Ends every vat without a report: the kernel that knew them is gone. */
    clear: (): void => {
      discard(frame);
      frame.vats.clear();
      frame = makeFrame();
    },
  });
};
export type VatHostKeeper = ReturnType<typeof makeVatHostKeeper>;
