/** What the modules need of the guest library that `"godwit"` does not export. */

interface Library {
  readonly core: {
    part(name: "inspect"): { format(args: readonly unknown[]): string };
  };
}

/** As `console.log` joins its arguments. */
export function formatted(args: readonly unknown[]): string {
  return (globalThis as unknown as { readonly __godwit: Library }).__godwit.core.part("inspect").format(args);
}
