/**
 * The few globals that every platform of ours has (worker, page, Node), for
 * packages that are compiled without the DOM's and Node's own.
 */
declare class TextEncoder {
  encode(text: string): Uint8Array<ArrayBuffer>;
}
declare class TextDecoder {
  constructor(
    label?: string,
    options?: { fatal?: boolean; ignoreBOM?: boolean },
  );
  decode(bytes?: Uint8Array | ArrayBuffer): string;
}
declare const console: Record<
  'debug' | 'info' | 'log' | 'warn' | 'error',
  (...args: unknown[]) => void
>;
declare function queueMicrotask(task: () => void): void;
declare class URL {
  constructor(url: string, base?: string | URL);
  static canParse(url: string, base?: string | URL): boolean;
  readonly href: string;
  readonly protocol: string;
  readonly username: string;
  readonly password: string;
  readonly hostname: string;
  readonly port: string;
  readonly pathname: string;
}
