/** Both kinds of path, by the package `@file-services/path`. */

import { posix as packagedPosix, win32 as packagedWin32 } from "@file-services/path/browser-path.js";

interface Parts {
  readonly ext?: string;
}

/** Since Node 19 an extension may be given without its dot. */
function withDot<P extends typeof packagedPosix>(path: P): P {
  const format = (parts: Parts): string => {
    const { ext } = parts;
    if (typeof ext !== "string" || ext === "" || ext.startsWith(".")) return path.format(parts);
    return path.format({ ...parts, ext: `.${ext}` });
  };
  return { ...path, format };
}

export const posix = /* @__PURE__ */ withDot(packagedPosix);
export const win32 = /* @__PURE__ */ withDot(packagedWin32);
Object.assign(posix, { posix, win32 });
Object.assign(win32, { posix, win32 });
