/** @endo/module-source is typed by its sources, which import this untyped package. */
declare module '@babel/generator' {
  export type GeneratorOptions = object;
}
