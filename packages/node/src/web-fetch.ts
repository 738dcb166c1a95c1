import type { Fetch, FetchAnswer, FetchRequest } from '@cooperage/kernel';
import { reasonOf } from './reason-of.ts';

const MOST_HOPS = 5;
const REDIRECTS = [301, 302, 303, 307, 308];

const readBody = async (
  response: Response,
  mostBytes: number,
): Promise<Uint8Array> => {
  const parts: Uint8Array[] = [];
  let length = 0;
  for await (const part of response.body ?? []) {
    length += part.byteLength;
    if (length > mostBytes) {
      throw Error(`the answer has more than ${mostBytes} bytes`);
    }
    parts.push(part);
  }
  return Buffer.concat(parts);
};

/** One request and where it may go. */
type Hop = Pick<FetchRequest, 'url' | 'method' | 'headers' | 'body'>;

/** Where a redirect leads, as browsers follow it: after 303, and 301 and 302 of a POST, with a GET. */
const nextHop = (hop: Hop, status: number, location: string): Hop => {
  if (!URL.canParse(location, hop.url)) {
    throw Error('it is redirected to what is no URL');
  }
  const next = new URL(location, hop.url);
  const isSameOrigin = next.origin === new URL(hop.url).origin;
  const isGet =
    (status === 303 && hop.method !== 'HEAD') ||
    (status < 303 && hop.method === 'POST');
  return {
    url: next.href,
    method: isGet ? 'GET' : hop.method,
    body: isGet ? null : hop.body,
    headers: hop.headers.filter(
      ([name]) =>
        (isSameOrigin || name !== 'authorization') &&
        !(isGet && name.startsWith('content-')),
    ),
  };
};

const ask = async (
  { url, method, headers, body }: Hop,
  signal: AbortSignal,
): Promise<Response> => {
  try {
    return await fetch(url, {
      method,
      headers: headers.map(([name, value]): [string, string] => [name, value]),
      body,
      redirect: 'manual',
      signal,
    });
  } catch (problem) {
    throw Error(reasonOf(problem), { cause: problem });
  }
};

const follow = async (
  request: FetchRequest,
  signal: AbortSignal,
): Promise<FetchAnswer> => {
  let hop: Hop = request;
  for (let hops = 0; hops <= MOST_HOPS; hops += 1) {
    const response = await ask(hop, signal);
    const { status } = response;
    const location = response.headers.get('location');
    if (!REDIRECTS.includes(status) || location === null) {
      const bytes = await readBody(response, request.mostBytes);
      return { status, url: hop.url, headers: [...response.headers], bytes };
    }
    await response.body?.cancel();
    hop = nextHop(hop, status, location);
    const problem = request.problemOf(hop.url, hop.method);
    if (problem !== undefined) {
      throw Error(
        `it is redirected to ${hop.url}, which may not be fetched: ${problem}`,
      );
    }
  }
  throw Error(`it is redirected more than ${MOST_HOPS} times`);
};

/** Asks servers by Node's own fetch; each redirect is checked before it is followed. */
export const webFetch: Fetch = request => {
  const controller = new AbortController();
  return {
    answer: follow(request, controller.signal),
    cancel: () => controller.abort(Error('it was canceled')),
  };
};
