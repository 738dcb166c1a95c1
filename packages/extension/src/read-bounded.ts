import { MAX_BUNDLE_BYTES } from '@cooperage/protocol';

/** How long a server may take to send a bundle or a config. */
export const FETCH_MILLISECONDS = 30_000;

/** The text of a response; rejects when it has more bytes than the largest bundle, without reading on, or is no UTF-8. */
export const readBounded = async (response: Response): Promise<string> => {
  const decoder = new TextDecoder('utf-8', { fatal: true });
  const reader = response.body?.getReader();
  let text = '';
  let bytes = 0;
  for (;;) {
    const part = await reader?.read();
    if (part === undefined || part.done) {
      return text + decoder.decode();
    }
    bytes += part.value.byteLength;
    if (bytes > MAX_BUNDLE_BYTES) {
      await reader?.cancel();
      throw new Error(`it has more than ${MAX_BUNDLE_BYTES} bytes`);
    }
    text += decoder.decode(part.value, { stream: true });
  }
};
