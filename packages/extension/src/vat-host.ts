/**
 * The sandboxed page that hosts vats: starts one worker per vat, hands it its
 * port, ends it. It is trusted, so it is short, imports nothing and runs no word
 * of a vat. Its origin is opaque; what it knows it was told over one port.
 *
 * One worker is kept ready: locked, and told nothing yet. It waits for a port as
 * every worker does, so the next vat finds in it what it would find in a new one.
 */
import type { FromVatHost, LaunchNumber, ToVatHost } from './control-words.ts';

// No policy forbids a page to connect by these, and nothing here needs them. No
// frame within would give them back: each has an origin of its own.
for (const name of ['RTCPeerConnection', 'webkitRTCPeerConnection']) {
  Reflect.deleteProperty(globalThis, name);
}

// The document that made this frame told it in the address.
const nonce = location.hash.slice(1);
const workers = new Map<LaunchNumber, Worker>();
let script = '';
let spare: Worker | undefined;
let refill = 0;

/** Vats that start together have the processors for themselves. */
const REFILL_MILLISECONDS = 100;

const makeWorker = (): Worker => new Worker(script, { name: 'vat' });

const makeSpare = (): void => {
  const worker = (spare ??= makeWorker());
  // The next launch tries again, and tells why it fails.
  worker.onerror = () => {
    worker.terminate();
    spare = undefined;
  };
};

const takeWorker = (): Worker => {
  const worker = spare ?? makeWorker();
  spare = undefined;
  clearTimeout(refill);
  refill = setTimeout(makeSpare, REFILL_MILLISECONDS);
  return worker;
};

const serve = (control: MessagePort): void => {
  const tell = (word: FromVatHost): void => control.postMessage(word);

  const end = (launch: LaunchNumber): void => {
    workers.get(launch)?.terminate();
    workers.delete(launch);
  };

  const lose = (launch: LaunchNumber, cause: string): void => {
    end(launch);
    tell({ type: 'lost', launch, reason: `its worker failed: ${cause}` });
  };

  const launch = (word: ToVatHost & { readonly type: 'launch' }): void => {
    try {
      const worker = takeWorker();
      workers.set(word.launch, worker);
      worker.onerror = ({ message }) =>
        lose(word.launch, message ?? 'no cause given');
      worker.postMessage({ type: 'port', port: word.port }, [word.port]);
    } catch (problem) {
      lose(word.launch, String(problem));
    }
  };

  const obey = (word: ToVatHost): void => {
    switch (word.type) {
      case 'script':
        script = URL.createObjectURL(
          new Blob([word.text], { type: 'text/javascript' }),
        );
        return makeSpare();
      case 'launch':
        return launch(word);
      case 'kill':
        return end(word.launch);
    }
  };
  control.onmessage = ({ data }: MessageEvent<ToVatHost>) => obey(data);
};

// An empty frame, for the browser to take away when this page's process dies:
// that is how the offscreen document knows.
document.body.append(document.createElement('iframe'));

const onOffer = (event: MessageEvent): void => {
  const { source, data } = event;
  if (
    source !== window.parent ||
    nonce.length < 16 ||
    typeof data !== 'object' ||
    data === null ||
    data.nonce !== nonce
  ) {
    return;
  }
  // One master only.
  removeEventListener('message', onOffer);
  serve(data.port);
};
addEventListener('message', onOffer);
