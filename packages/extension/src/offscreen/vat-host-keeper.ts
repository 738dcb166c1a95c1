import { PROTOCOL_VERSION } from '@cooperage/protocol';
import { offerPort } from '@cooperage/streams';
import type {
  FromKernelWorker,
  FromVatHost,
  LaunchNumber,
  ToVatHost,
} from '../control-words.ts';
import { makeHeartbeat, type Every, type Heartbeat } from './heartbeat.ts';

/**
 * The host's thread runs only the host, so silence means that its process is
 * gone. This must be known well before the default deadline of a delivery, 5 s:
 * else the vats in flight would be blamed for the silence of all.
 */
const BEAT_MILLISECONDS = 300;
const MOST_SILENT_BEATS = 8;
/** A page and a process take their time to start on a busy machine. */
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
  readonly heartbeat: Heartbeat;
  readonly vats: Set<LaunchNumber>;
};

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
        // A second load is not ours: the port went with the first, and the silence will tell.
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
      heartbeat.pong();
      if (data.type === 'lost' && vats.delete(data.launch)) {
        onVatLost(data.launch, data.reason, 'worker');
      }
    };
    // Posts wait in the port until the host listens; the script is the first.
    void script.then(
      text => control.postMessage({ type: 'script', text }),
      () => {}, // each launch tells that it failed
    );
    const heartbeat = makeHeartbeat({
      every,
      milliseconds: BEAT_MILLISECONDS,
      most: MOST_SILENT_BEATS,
      mostAtFirst: MOST_BEATS_TO_START,
      ping: () => control.postMessage({ type: 'ping' } satisfies ToVatHost),
      onSilence: () => replace('the process of the vats was lost'),
    });
    document.body.append(element);
    return { element, control, heartbeat, vats };
  };

  const discard = ({ element, control, heartbeat }: Frame): void => {
    heartbeat.stop();
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

  let frame = makeFrame();

  return Object.freeze({
    launch: async (
      word: FromKernelWorker & { readonly type: 'launch' },
    ): Promise<void> => {
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
