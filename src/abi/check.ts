/** What a check of a program finds: shared by the node's side, which looks, and the command line, which tells. */

/** A place in a file of the program, as editors count: lines and columns from 1. */
export interface Place {
  /** Relative to the working directory, or absolute outside it. */
  readonly file: string;
  readonly line: number;
  readonly column: number;
}

export interface Problem {
  /** `compile`: it cannot be bundled; `type`: TypeScript refuses it; `global`: it names what a guest does not have. */
  readonly kind: "compile" | "type" | "global";
  /** A warning is about a package's code, which may never run. */
  readonly severity: "error" | "warning";
  readonly place?: Place;
  readonly message: string;
}

/** A capability that the program asks for, as far as its text shows. */
export interface Need {
  readonly flag: "--allow-read" | "--allow-write" | "--allow-env" | "--allow-run" | "--allow-net" | "--allow-listen";
  /** What is to be allowed; `all` where the program computes it. */
  readonly names: readonly string[] | "all";
  readonly uses: readonly { readonly name: string; readonly place: Place }[];
}

export interface Check {
  /** By file and line, at most CHECK_PROBLEMS_MAX. */
  readonly problems: readonly Problem[];
  /** Problems that were found besides. */
  readonly more: number;
  readonly needs: readonly Need[];
  /** The bundle, if there is one: its size, and how many files went into it. */
  readonly bundle?: { readonly sizeBytes: number; readonly files: number };
}
