/**
 * The sandboxed page that hosts vats: starts one worker per vat, hands it its
 * port, ends it. It is trusted, so it is short, imports nothing and runs no word
 * of a vat. Its origin is opaque; what it knows it was told over one port.
 */
import type { FromVatHost, LaunchNumber, ToVatHost } from './control-words.ts';

// The document that made this frame told it in the address.
const nonce = location.hash.slice(1);
const workers = new Map<LaunchNumber, Worker>();
let script = '';

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
      const worker = new Worker(script, { name: word.label });
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
        return;
      case 'launch':
        return launch(word);
      case 'kill':
        return end(word.launch);
      case 'ping':
        return tell({ type: 'pong' });
    }
  };
  control.onmessage = ({ data }: MessageEvent<ToVatHost>) => obey(data);
};

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
