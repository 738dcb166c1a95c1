import { MAX_BUNDLE_BYTES } from '@cooperage/protocol';

/** How long a server may take to send a bundle or a config. */
export const FETCH_MILLISECONDS = 30_000;

/** The body of a response; rejects when it has more bytes than that, without reading on. */
export const readBytes = async (
  response: Response,
  most: number,
): Promise<Uint8Array> => {
  const reader = response.body?.getReader();
  const parts: Uint8Array[] = [];
  let length = 0;
  for (;;) {
    const part = await reader?.read();
    if (part === undefined || part.done) {
      break;
    }
    length += part.value.byteLength;
    if (length > most) {
      await reader?.cancel();
      throw new Error(`it has more than ${most} bytes`);
    }
    parts.push(part.value);
  }
  const bytes = new Uint8Array(length);
  let at = 0;
  for (const part of parts) {
    bytes.set(part, at);
    at += part.byteLength;
  }
  return bytes;
};

/** The text of a response; rejects when it has more bytes than the largest bundle, or is no UTF-8. */
export const readBounded = async (response: Response): Promise<string> =>
  new TextDecoder('utf-8', { fatal: true }).decode(
    await readBytes(response, MAX_BUNDLE_BYTES),
  );
