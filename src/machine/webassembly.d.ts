/** The part of the WebAssembly JavaScript interface (W3C) that godwit uses; TypeScript has it only with the whole DOM. */
declare namespace WebAssembly {
  type ImportValue = Memory | Global | Table | ((...args: never[]) => unknown);
  type Imports = Record<string, Record<string, ImportValue>>;

  interface MemoryDescriptor {
    initial: number;
    maximum: number;
    shared: boolean;
  }
  class Memory {
    constructor(descriptor: MemoryDescriptor);
    readonly buffer: SharedArrayBuffer;
    grow(pages: number): number;
  }
  class Global {
    value: number;
  }
  class Table {
    readonly length: number;
  }
  class Module {
    constructor(bytes: Uint8Array);
    static imports(module: Module): { module: string; name: string; kind: string }[];
    static exports(module: Module): { name: string; kind: string }[];
  }
  class Instance {
    constructor(module: Module, imports: Imports);
    readonly exports: object;
  }
  class RuntimeError extends Error {}
  function compile(bytes: Uint8Array): Promise<Module>;
  function validate(bytes: Uint8Array): boolean;
}
