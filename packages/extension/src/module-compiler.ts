/**
 * The worker that compiles pasted source. It alone carries Babel, so it is
 * started when somebody pastes, and ended by whoever started it. One answer to
 * each request, by its `id`.
 */
import { compileModule, type CompiledModule } from './compile-module.ts';

export type CompileRequest = {
  readonly id: number;
  readonly source: string;
  readonly name: string;
};
export type CompileAnswer = CompiledModule & { readonly id: number };

globalThis.addEventListener(
  'message',
  ({ data }: MessageEvent<CompileRequest>) => {
    const { id, source, name } = data;
    const answer: CompileAnswer = { id, ...compileModule({ source, name }) };
    // In a dedicated worker this goes to the one who started it.
    globalThis.postMessage(answer);
  },
);
