/** A port of Node, or of the Web. */
export type WirePort = {
  postMessage(message: unknown): void;
  on?(event: 'message', listener: (message: unknown) => void): unknown;
  onmessage?: unknown;
};

/** Listens in the platform's own way: the other's would cost Node an event object for each message. */
export const listen = (port: WirePort, onMessage: (message: never) => void) => {
  if (port.on) {
    port.on('message', onMessage as (message: unknown) => void);
  } else {
    port.onmessage = ({ data }: { data: never }) => onMessage(data);
  }
};
