/** `node:console`: the global. */

export default (globalThis as unknown as { readonly console: object }).console;
